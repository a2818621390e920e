/**
 * The scratch world of a reprocess: a decider and a view of its own in a folder that is thrown away.
 * It decides the readings again as the one decider would have under one registry version.
 */
import type { Clock } from '../../../devices/clock.ts';
import type { Registry, RegistryReader } from '../../../devices/registry.ts';
import type { Telemetry } from '../../../devices/telemetry.ts';
import type { IngestConfig } from '../../config.ts';
import { createDecider, type Decider } from '../../decide/decider.ts';
import { valueOfRow } from '../../decide/restating.ts';
import type { Sender } from '../../decide/rows.ts';
import { bindingOfSeries, openDirectory } from '../../directory.ts';
import { openIngestEvents } from '../../events.ts';
import { createNormaliser, type Candidate } from '../../normalise/measurement.ts';
import type { ObservationRow } from '../../observation.ts';
import { createPassage, passMessage, type Passage } from '../../pipeline.ts';
import type { LoggedReading } from '../../reading-codec.ts';
import { noTotals } from '../../observations/batch.ts';
import type { StoreReader, StoreWriter } from '../../store/store.ts';
import { openStoreWriter } from '../../store/writer.ts';
import { circularIn } from '../verify-view.ts';

export interface ScratchOptions {
  /** An empty folder. */
  readonly folder: string;
  readonly config: IngestConfig;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly registry: RegistryReader;
  readonly version: number;
}

export interface Scratch {
  readonly registry: Registry;
  /** What was decided and committed. */
  readonly store: StoreReader;
  /**
   * Runs a message; `onCandidate` says whether a value of it is decided. What the message could not
   * become is in the answer, which is filled anew for each.
   */
  pass(reading: LoggedReading, onCandidate: OnCandidate): Passage;
  /** Decides a value that was kept before. */
  seed(row: ObservationRow): void;
  /** A key that was erased: whatever comes for it is a repeat. Before any value of the key. */
  entomb(row: ObservationRow): void;
  /** Deletes what devices said of a stretch, up to a position, where they were met. */
  erase(devices: readonly string[], stretch: ErasedStretch): void;
  /** Puts what was decided into the store. */
  commit(): void;
  close(): void;
}

export type OnCandidate = (candidate: Candidate, sender: Sender) => boolean;

interface ErasedStretch {
  readonly fromAt: number;
  readonly toAt: number;
  readonly upTo: number;
  readonly receivedAt: number;
}

/** Points of the scratch decider: as much as a server's, or less. */
const windowsBytesMax = 64 * 2 ** 20;
const rowsPerCommit = 8_192;

export function openScratch(options: ScratchOptions): Scratch {
  const { config, clock, telemetry, version } = options;
  const directory = openDirectory(options.registry, version);
  const { registry } = directory;
  const store = openStoreWriter({
    path: `${options.folder}/view.db`,
    config: config.store,
    clock,
    telemetry,
    isCircular: circularIn(registry),
    storeId: 'scratch',
    logEnd: 0,
  });
  const decider = createDecider({
    store,
    checks: config.checks,
    windowsBytesMax: Math.min(windowsBytesMax, config.windows.bytesMax),
    windowPoints: config.windows.points,
    lookBackPointsMax: config.windows.lookBackPointsMax,
  });
  const { pending } = decider;
  const commit = (): void => commitTo(store, decider, version);
  const passage = createPassage();
  const choosing = createChoosing(decider);
  const parts = {
    directory,
    limits: config.decode,
    normaliser: createNormaliser(config.normalise),
    decider: choosing.decider,
    events: openIngestEvents(telemetry),
  };
  return {
    registry,
    store,
    commit,
    pass(reading, onCandidate) {
      choosing.wants = onCandidate;
      passMessage(parts, reading, passage);
      if (pending.current.rows.length >= rowsPerCommit) commit();
      return passage;
    },
    seed(row) {
      const candidate = candidateOf(registry, row);
      if (candidate !== undefined) decider.decide(candidate, senderOf(row));
      if (pending.current.rows.length >= rowsPerCommit) commit();
    },
    entomb: (row) => void pending.current.rows.push({ ...row, revision: 0 }),
    erase(devices, stretch) {
      for (const device of devices) {
        for (const series of choosing.met.get(device) ?? []) {
          const binding = bindingOfSeries(registry, series);
          const erasure = { ...stretch, device, position: stretch.upTo };
          if (binding !== undefined) decider.erase(binding, erasure);
        }
      }
    },
    close: () => store.close(),
  };
}

/** A batch of its own for what was decided; the view is flushed as it wants to be. */
function commitTo(store: StoreWriter, { pending }: Decider, registryVersion: number): void {
  if (pending.current.rows.length === 0) return;
  const { rows } = pending.begin();
  const position = store.position + 1;
  const place = { publishedAt: position, consumed: position, registryVersion };
  store.apply(position, { ...place, totals: noTotals, rows, quarantined: [], control: [] });
  pending.applied();
  while (store.wantsFlush) store.flushSlice(Number.POSITIVE_INFINITY);
}

interface Choosing {
  wants: OnCandidate;
  readonly decider: Decider;
  /** Series by device, for erasures. */
  readonly met: ReadonlyMap<string, ReadonlySet<number>>;
}

/** The decider for values that are wanted; others are passed by. */
function createChoosing(decider: Decider): Choosing {
  const met = new Map<string, Set<number>>();
  const choosing: Choosing = {
    wants: () => false,
    met,
    decider: {
      ...decider,
      pending: decider.pending,
      decide(candidate, sender) {
        if (!choosing.wants(candidate, sender)) return 'duplicate';
        meet(met, sender.device, candidate.series);
        return decider.decide(candidate, sender);
      },
    },
  };
  return choosing;
}

function meet(met: Map<string, Set<number>>, device: string, series: number): void {
  const known = met.get(device);
  if (known === undefined) met.set(device, new Set([series]));
  else known.add(series);
}

/** The value as it would come from its reading; undefined for a series that the version does not know. */
function candidateOf(registry: Registry, row: ObservationRow): Candidate | undefined {
  const binding = bindingOfSeries(registry, row.series);
  if (binding === undefined) return undefined;
  const { given, qualifiers, reason } = valueOfRow(row);
  const { series, endAt, startAt, heightMm, result, raw, resultAt, latitude, longitude } = row;
  const serving = { device: row.device, datastream: binding.datastream.id, channel: raw.name };
  return {
    ok: true,
    binding: { ...binding, deployment: { ...serving, fromAt: 0 }, scale: 1, shift: 0 },
    series,
    endAt,
    startAt,
    heightMm,
    result,
    given,
    qualifiers,
    reason,
    raw,
    resultAt,
    timeSource: row.payloadHash === -1 ? 'device' : 'receive',
    latitude,
    longitude,
  };
}

function senderOf(row: ObservationRow): Sender {
  const { device, receivedAt, payloadHash } = row;
  const { position, node } = row.rank;
  const payload = new Uint8Array(0);
  return { device, receivedAt, position, node, payload, payloadHash, usualRank: undefined };
}
