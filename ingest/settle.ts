/**
 * Settles readings one after another: each record of the log ends once, in one of the terms of the
 * balance (balance.ts).
 */
import type { Balance } from './balance.ts';
import {
  markedVersion,
  parseDecision,
  parseReplay,
  type Dismissal,
  type ErasureDecision,
} from './decisions.ts';
import { bindingOfSeries } from './directory.ts';
import type { Position } from './log/log.ts';
import type { QuarantineEntry } from './observations/batch.ts';
import { passMessage, setWholeAside, type Passage, type PipelineParts } from './pipeline.ts';
import { endedEntry, openEntry, stillOpen } from './quarantine.ts';
import type { LoggedReading } from './reading-codec.ts';
import { restatementOf, type ReprocessStep } from './reprocess-step.ts';
import type { RuleNames } from './rule-names.ts';
import type { StoreReader } from './store/store.ts';

export interface SettleParts extends PipelineParts {
  readonly balance: Balance;
  readonly ruleNames: RuleNames;
  readonly store: Pick<StoreReader, 'quarantine'>;
  /** Filled anew for each message. */
  readonly passage: Passage;
}

export interface Settler {
  /** Settles a record. `original`: of a replay, the reading that it names, where that is still there. */
  settle(reading: LoggedReading, original?: LoggedReading): void;
  /** Sets a record aside without running it. */
  setAside(reading: LoggedReading, code: string, detail: string): void;
  /** What it wants of days before the horizon cannot be had now. Of a replay the entry stays open. */
  setOldAside(reading: LoggedReading): void;
  /** Cluster profile: so many readings of a node, just before this one, never came. */
  setMissingAside(reading: LoggedReading, missing: number): void;
  /**
   * Cluster profile: what lay there was deleted before it was read. One entry names it and counts
   * nothing: how many readings of each node it was, that node's next one tells. Its markers are lost
   * with it: what follows is judged by the newest registry that is known.
   */
  setGoneAside(first: Position, last: Position, receivedAt: number): void;
  /** Positions that cannot be read: one entry names them, each is counted. */
  setUnreadableAside(first: Position, last: Position, receivedAt: number): void;
}

/** A control entry shows the beginning of a payload; the reading holds all of it. */
const controlCharactersMax = 1_024;

export function createSettler(parts: SettleParts): Settler {
  const { balance } = parts;
  return {
    settle(reading, original) {
      const { fault } = reading;
      // What its node could not read, or could not understand.
      if (fault !== undefined) return setAside(parts, reading, fault.code, fault.detail);
      switch (reading.kind) {
        case 'message':
        case 'backfill':
          return settleMessage(parts, reading);
        case 'control':
          return settleControl(parts, reading, isMeta(reading) ? 'meta' : 'state', textOf(reading));
        case 'attempt':
          return settleControl(parts, reading, 'attempt', textOf(reading));
        case 'registry':
          return settleMarker(parts, reading);
        case 'decision':
          return settleDecision(parts, reading);
        case 'replay':
          return settleReplay(parts, reading, original);
      }
    },
    setAside: (reading, code, detail) => setAside(parts, reading, code, detail),
    setOldAside(reading) {
      const code = 'INGEST_HISTORY_AWAY';
      if (reading.kind !== 'replay') {
        return setAside(parts, reading, code, 'it says something of a time before the horizon');
      }
      settleControl(parts, reading, 'replay', `not replayed, ${code}: ${textOf(reading)}`);
    },
    setMissingAside(reading, missing) {
      const { node = 0, sequence = 0 } = reading.origin ?? {};
      const first = sequence - (reading.fault?.readings ?? 1) + 1 - missing;
      const detail = `node ${node}, numbers ${first} to ${first + missing - 1} of this partition`;
      const fault = { code: 'INGEST_READINGS_MISSING', channel: null, offset: -1, detail };
      const entry = openEntry({ ...reading, device: '', topic: '' }, fault, new Uint8Array(0));
      parts.decider.pending.current.quarantined.push({ ...entry, payload: null });
      balance.readingsQuarantined += missing;
    },
    setGoneAside(first, last, receivedAt) {
      const gap = parts.partition?.gapOf(first, last);
      if (gap === undefined) throw new Error('Only of a partition it is known what was there');
      parts.events.readingsGone(gap);
      setPlacesAside(parts, { position: first, receivedAt }, 'INGEST_READINGS_GONE', gap.detail);
      const version = parts.directory.newest();
      if (version > parts.directory.version) putInForce(parts, last, version);
    },
    setUnreadableAside(first, last, receivedAt) {
      const detail = `positions ${first} to ${last}`;
      setPlacesAside(parts, { position: first, receivedAt }, 'INGEST_READING_UNREADABLE', detail);
      balance.readingsQuarantined += last - first + 1;
    },
  };
}

/** An entry for what nobody can read any more. */
function setPlacesAside(
  { decider }: SettleParts,
  at: Pick<LoggedReading, 'position' | 'receivedAt'>,
  code: string,
  detail: string,
): void {
  const payload = new Uint8Array(0);
  const unknown = { kind: 'message', door: 'internal', device: '', topic: '', payload } as const;
  const entry = openEntry(
    { ...unknown, ...at },
    { code, channel: null, offset: -1, detail },
    payload,
  );
  decider.pending.current.quarantined.push({ ...entry, payload: null });
}

function settleMessage(parts: SettleParts, reading: LoggedReading): void {
  const { balance, passage } = parts;
  passMessage(parts, reading, passage);
  if (passage.faults.length > 0) quarantine(parts, reading);
  const count = countOf(reading);
  if (passage.isWhole) {
    balance.readingsQuarantined += count;
    return;
  }
  passOn(parts, reading);
  balance.readingsSettled += count;
  balance.measurementsDecoded += passage.decoded;
  balance.measurementsStored += passage.stored;
  balance.measurementsDuplicate += passage.duplicate;
  balance.measurementsRevision += passage.revision;
  balance.measurementsQuarantined += passage.faults.length;
}

/**
 * How many readings it counts as: one that was passed on counts where it came from, a fault stands
 * for as many as it says.
 */
function countOf({ passed, fault }: LoggedReading): number {
  return passed === undefined ? (fault?.readings ?? 1) : 0;
}

/** To the partitions that decide some of its values: each takes what is its own. */
function passOn(parts: SettleParts, reading: LoggedReading): void {
  const { elsewhere } = parts.passage;
  if (elsewhere.size === 0 || parts.partition === undefined) return;
  const { kind, door, receivedAt, device, topic, origin } = reading;
  const passed = {
    kind,
    door,
    receivedAt,
    device,
    topic,
    ...(origin === undefined ? {} : { origin }),
    payload: new Uint8Array(reading.payload),
    passed: {
      from: parts.partition.own,
      registryVersion: parts.directory.registry.version,
    },
  };
  for (const partition of elsewhere) {
    parts.decider.pending.current.passed.push({ partition, reading: passed });
  }
}

/** An entry for each fault of the passage but those on channels that `known` has entries of. */
function quarantine(
  { decider, passage }: SettleParts,
  reading: LoggedReading,
  known: readonly QuarantineEntry[] = [],
): void {
  const payload = new Uint8Array(reading.payload);
  for (const fault of passage.faults) {
    if (known.some(({ channel }) => channel === fault.channel)) continue;
    decider.pending.current.quarantined.push(openEntry(reading, fault, payload));
  }
}

function setAside(parts: SettleParts, reading: LoggedReading, code: string, detail: string): void {
  setWholeAside(parts.passage, code, -1, detail);
  quarantine(parts, reading);
  parts.balance.readingsQuarantined += countOf(reading);
}

function settleControl(
  { decider, balance }: SettleParts,
  reading: LoggedReading,
  kind: string,
  text: string,
): void {
  const { position, receivedAt, device } = reading;
  const cut = text.slice(0, controlCharactersMax);
  decider.pending.current.control.push({ position, receivedAt, device, kind, text: cut });
  balance.readingsControl++;
}

function settleMarker(parts: SettleParts, reading: LoggedReading): void {
  const text = textOf(reading);
  const version = markedVersion(text);
  if (version === undefined) {
    return setAside(parts, reading, 'INGEST_DECISION_UNKNOWN', 'a marker names a registry version');
  }
  // Behind a gap a later one is in force already.
  const isPast = parts.partition !== undefined && version < parts.directory.version;
  if (!isPast) putInForce(parts, reading.position, version);
  settleControl(parts, reading, 'registry', text);
}

/** For what follows behind the position. */
function putInForce(parts: SettleParts, position: Position, version: number): void {
  parts.directory.change(version);
  parts.events.registryChanged({ position, version });
  parts.ruleNames.check();
  parts.decider.changeRegistry();
}

/** A person's or a job's decision, and the record of it. */
function settleDecision(parts: SettleParts, reading: LoggedReading): void {
  const text = textOf(reading);
  const decision = parseDecision(Buffer.from(reading.payload).toString('utf8'));
  if (decision === undefined) {
    return setAside(parts, reading, 'INGEST_DECISION_UNKNOWN', text);
  }
  if (decision.decision === 'reprocess') return settleReprocess(parts, reading, decision);
  if (decision.decision === 'dismiss') dismiss(parts, decision);
  else if (!erase(parts, reading, decision)) {
    return setAside(parts, reading, 'INGEST_DECISION_UNKNOWN', text);
  }
  settleControl(parts, reading, 'decision', text);
}

/** A person ends entries of quarantine without running them again. */
function dismiss(parts: SettleParts, decision: Dismissal): void {
  const { position, channel, reason, actor } = decision;
  for (const entry of openEntriesOf(parts, position)) {
    if (channel !== undefined && channel !== null && entry.channel !== channel) continue;
    const ended = endedEntry(entry, 'dismissed', `${actor}: ${reason}`);
    parts.decider.pending.current.quarantined.push(ended);
  }
}

/** A lawful erasure: deletions of what the device said. False for a series that nobody knows. */
function erase(parts: SettleParts, reading: LoggedReading, decision: ErasureDecision): boolean {
  const { series, device, fromAt, toAt, upTo } = decision;
  if (series === null || device === null) return true;
  const binding = bindingOfSeries(parts.directory.registry, series);
  if (binding === undefined) return false;
  parts.decider.erase(binding, {
    device,
    fromAt: fromAt ?? Number.NEGATIVE_INFINITY,
    toAt: toAt ?? Number.POSITIVE_INFINITY,
    upTo: upTo ?? reading.position,
    receivedAt: reading.receivedAt,
    position: reading.position,
  });
  return true;
}

/** A step of a reprocess, or its order. The registry that it was made under must be in force. */
function settleReprocess(parts: SettleParts, reading: LoggedReading, step: ReprocessStep): void {
  const { directory, decider, balance } = parts;
  const { decision, version, series, fromAt, toAt, actor } = step;
  const frame = { decision, version, series, fromAt, toAt, actor };
  const control = (outcome: object): void =>
    settleControl(parts, reading, 'decision', JSON.stringify({ ...frame, ...outcome }));
  if (series === null) return control({});
  if (version !== directory.version) return control({ refusedUnder: directory.version });
  const binding = bindingOfSeries(directory.registry, series);
  if (binding === undefined) {
    return setAside(parts, reading, 'INGEST_DECISION_UNKNOWN', JSON.stringify(frame));
  }
  const changed = decider.restate(binding, restatementOf(step));
  balance.reprocessed += changed;
  control({ keys: step.keys.length, changed });
}

/** Runs a quarantined reading again, under today's rules: what does not fail any more is ended. */
function settleReplay(
  parts: SettleParts,
  reading: LoggedReading,
  original: LoggedReading | undefined,
): void {
  const open = original === undefined ? [] : openEntriesOf(parts, original.position);
  const of = parseReplay(textOf(reading))?.version;
  const isRefused = of !== undefined && of !== parts.directory.version;
  if (original === undefined || isRefused || (open.length === 0 && of === undefined)) {
    return settleControl(parts, reading, 'replay', `nothing to replay: ${textOf(reading)}`);
  }
  const { passage, decider, balance } = parts;
  passMessage(of === undefined ? parts : onlyFailing(parts, open), original, passage);
  const failing = new Set(passage.faults.map(({ channel }) => channel));
  const ended = failing.has(null) ? [] : open.filter(({ channel }) => !failing.has(channel));
  for (const entry of ended) {
    const detail = `replayed by the record ${reading.position}`;
    decider.pending.current.quarantined.push(endedEntry(entry, 'replayed', detail));
  }
  quarantine(parts, original, open);
  // Values that failed with the whole message may be another partition's; known ones are repeats there.
  passOn(parts, original);
  balance.replayed++;
  const text = `${original.position}: ${ended.length} of ${open.length} entries ended`;
  settleControl(parts, reading, 'replay', text);
}

/** A reprocess has told the other values already, each where it belongs. */
function onlyFailing(parts: SettleParts, open: readonly QuarantineEntry[]): PipelineParts {
  const failed = new Set(open.map(({ channel }) => channel));
  const { decider } = parts;
  return {
    ...parts,
    decider: {
      ...decider,
      pending: decider.pending,
      decide: (candidate, sender) =>
        failed.has(null) || failed.has(candidate.raw.name)
          ? decider.decide(candidate, sender)
          : 'duplicate',
    },
  };
}

function openEntriesOf({ store, decider }: SettleParts, position: Position): QuarantineEntry[] {
  // The store gives the newest first, and all entries of a reading together.
  const stored = store.quarantine({ beforePosition: position + 1, limit: 1 });
  const own = stored.filter((entry) => entry.position === position).toReversed();
  return stillOpen([...own, ...decider.pending.quarantineOf(position)]);
}

function isMeta(reading: LoggedReading): boolean {
  return reading.topic.endsWith('/meta');
}

/** At most four bytes a character: what a control entry cuts off need not be decoded. */
function textOf(reading: LoggedReading): string {
  const { buffer, byteOffset, byteLength } = reading.payload;
  const lengthBytes = Math.min(byteLength, 4 * controlCharactersMax);
  return Buffer.from(buffer, byteOffset, lengthBytes).toString('utf8');
}
