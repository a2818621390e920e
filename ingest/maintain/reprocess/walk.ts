/** Feeds the scratch world with the readings of a stretch of the log, in their order. */
import type { Registry } from '../../../devices/registry.ts';
import { parseDecision, type ErasureDecision } from '../../decisions.ts';
import type { FileSystem } from '../../log/file-system.ts';
import type { Position } from '../../log/log.ts';
import type { SegmentRecord } from '../../log/segment-reader.ts';
import type { Candidate } from '../../normalise/measurement.ts';
import type { QuarantineEntry } from '../../observations/batch.ts';
import { stillOpen } from '../../quarantine.ts';
import { decodeReading, type LoggedReading } from '../../reading-codec.ts';
import type { StoreReader } from '../../store/store.ts';
import type { MaintainProgress } from '../findings.ts';
import { logPlace, walkLog } from '../log-place.ts';
import type { Positions } from './positions.ts';
import type { Scratch } from './scratch.ts';

export interface WalkParts {
  readonly fileSystem: FileSystem;
  readonly readings: string;
  readonly scratch: Scratch;
  /** A value may end so long behind the arrival of its reading. */
  readonly futureMaxMs: number;
  readonly onProgress: MaintainProgress;
}

export interface Walk {
  readonly from: Position;
  readonly to: Position;
  /** Values that end in it are decided: from inclusive, to exclusive. */
  readonly fromAt: number;
  readonly toAt: number;
  /** Where quarantine is asked for and compared; null: it is not. */
  readonly live: Pick<StoreReader, 'quarantine'> | null;
}

export interface Walked {
  /** Readings that cannot be read any more: blanked, damaged, or deleted by retention. */
  readonly gone: Positions;
  /** Readings whose entries of quarantine would begin or end, ascending. */
  readonly requeued: Position[];
  readings: number;
}

export async function walkReadings(parts: WalkParts, walk: Walk, walked: Walked): Promise<void> {
  const { fileSystem, readings, scratch, onProgress } = parts;
  let expected = walk.from;
  await walkLog({
    log: logPlace(fileSystem, readings, walk.to),
    from: walk.from,
    damage: 'skip',
    onRecords(records) {
      const first = records[0]?.position ?? walk.to;
      const last = records.at(-1)?.position ?? walk.to;
      const entries = walk.live === null ? none : entriesBetween(walk.live, first, last);
      for (const record of records) {
        const { position } = record;
        walked.gone.add(expected, position - 1);
        expected = position + 1;
        const reading = readingOf(record);
        if (reading === undefined) walked.gone.add(position, position);
        else feed({ parts, walk, walked }, reading, entries.get(position) ?? noEntries);
      }
      onProgress('reprocess: readings', last, walk.to);
    },
  });
  walked.gone.add(expected, walk.to);
  scratch.commit();
}

const noEntries: readonly QuarantineEntry[] = [];
const none: ReadonlyMap<Position, readonly QuarantineEntry[]> = new Map();

/** Undefined where nothing is left of it, or nobody understands the record. */
function readingOf({ position, body, rewritten }: SegmentRecord): LoggedReading | undefined {
  if (rewritten) return undefined;
  try {
    return decodeReading(position, body);
  } catch {
    // Ingest has set it aside with its bytes: no value came of it, and none can.
    return undefined;
  }
}

interface Feeding {
  readonly parts: WalkParts;
  readonly walk: Walk;
  readonly walked: Walked;
}

function feed(feeding: Feeding, reading: LoggedReading, entries: readonly QuarantineEntry[]): void {
  const { kind } = reading;
  if (kind === 'message' || kind === 'backfill') feedMessage(feeding, reading, entries);
  else if (kind === 'decision') feedErasure(feeding.parts.scratch, reading);
}

function feedMessage(
  { parts, walk, walked }: Feeding,
  reading: LoggedReading,
  entries: readonly QuarantineEntry[],
): void {
  const { fromAt, toAt } = walk;
  const { receivedAt, position } = reading;
  if (receivedAt + parts.futureMaxMs < fromAt) return;
  const open = stillOpen(entries);
  // It would end this process too.
  if (open.some(({ code }) => code === 'INGEST_CRASHED')) return;
  const dismissed = dismissedOf(entries);
  if (dismissed.has(null)) return;
  walked.readings += 1;
  let isIn = receivedAt >= fromAt && receivedAt < toAt;
  const { faults } = parts.scratch.pass(reading, ({ endAt, raw }: Candidate) => {
    if (endAt < fromAt || endAt >= toAt || dismissed.has(raw.name)) return false;
    isIn = true;
    return true;
  });
  if (!isIn || walk.live === null || (faults.length === 0 && open.length === 0)) return;
  const failing = new Set(faults.map(({ channel }) => channel));
  for (const channel of dismissed) failing.delete(channel);
  const isAsBefore =
    failing.size === open.length && open.every(({ channel }) => failing.has(channel));
  if (!isAsBefore) walked.requeued.push(position);
}

/** Channels that a person has dismissed: they do not come back. Null: the whole reading. */
function dismissedOf(entries: readonly QuarantineEntry[]): Set<string | null> {
  const last = new Map(entries.map(({ channel, state }) => [channel, state]));
  return new Set(
    [...last].filter(([, state]) => state === 'dismissed').map(([channel]) => channel),
  );
}

/** An order to erase: what came before it must not come back, also where it was cut short. */
function feedErasure(scratch: Scratch, reading: LoggedReading): void {
  const text = Buffer.from(reading.payload).toString('utf8');
  const decision = text.includes('"erase"') ? parseDecision(text) : undefined;
  if (decision?.decision !== 'erase' || decision.series !== null) return;
  const { fromAt, toAt } = decision;
  scratch.erase(devicesOf(decision, scratch.registry), {
    fromAt: fromAt ?? Number.NEGATIVE_INFINITY,
    toAt: toAt ?? Number.POSITIVE_INFINITY,
    upTo: reading.position,
    receivedAt: reading.receivedAt,
  });
}

function devicesOf({ device, owner }: ErasureDecision, { devices }: Registry): string[] {
  if (device !== null) return [device];
  const isMeant = (one: { readonly owner: string }): boolean =>
    owner === null || one.owner === owner;
  return [...devices.values()].filter(isMeant).map(({ id }) => id);
}

const entriesAtOnce = 64;

/** Entries of the readings between two positions, oldest first. */
function entriesBetween(
  live: Pick<StoreReader, 'quarantine'>,
  first: Position,
  last: Position,
): Map<Position, QuarantineEntry[]> {
  const found = new Map<Position, QuarantineEntry[]>();
  for (let before = last + 1; ;) {
    const page = live.quarantine({ beforePosition: before, limit: entriesAtOnce });
    for (const entry of page) {
      if (entry.position < first) return found;
      const known = found.get(entry.position);
      if (known === undefined) found.set(entry.position, [entry]);
      else known.unshift(entry);
    }
    const oldest = page.at(-1);
    if (oldest === undefined) return found;
    before = oldest.position;
  }
}
