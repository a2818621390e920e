/**
 * Ingest: follows `readings`, decides, appends `observations`, keeps the view. Opens by catching the
 * view up with the log, so that every answer it decides by is whole; everything outside is a
 * parameter.
 */
import type { Clock, Scheduled } from '../devices/clock.ts';
import type { RegistryReader } from '../devices/registry.ts';
import type { Telemetry } from '../devices/telemetry.ts';
import { createAdopt, type OldRows } from './adopt.ts';
import { openAttempts } from './attempts.ts';
import { openBalance } from './balance.ts';
import { catchUp } from './catch-up.ts';
import { openCommitter, type BatchLog } from './committer.ts';
import type { IngestConfig } from './config.ts';
import { createDecider } from './decide/decider.ts';
import { openDirectory } from './directory.ts';
import { isOfMachine } from './errors.ts';
import { openIngestEvents, type IngestEvents } from './events.ts';
import { followReadings } from './follow.ts';
import { createOriginals } from './originals.ts';
import type { FileSystem } from './log/file-system.ts';
import type { DurableEnd, LogReader, LogRecord, LogWriter, Position } from './log/log.ts';
import { createNormaliser } from './normalise/measurement.ts';
import type { BalanceTotals, SourceMark } from './observations/batch.ts';
import { createPassage, type Partition } from './pipeline.ts';
import { createRuleNames } from './rule-names.ts';
import { createSettler } from './settle.ts';
import { openSources } from './sources.ts';
import type { StoreWriter } from './store/store.ts';

export interface IngestOptions {
  readonly config: IngestConfig;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly registry: RegistryReader;
  /** Two readers of `readings`: one follows, one looks up what replays name. Closed by `close`. */
  readonly readings: LogReader;
  readonly originals: LogReader;
  readonly readingsEnd: DurableEnd;
  /** Its owner closes it, after this room. */
  readonly observations: BatchLog & Pick<LogWriter, 'durableEnd'>;
  /** A reader of `observations`, for catching the view up. Closed by `close`. */
  readonly ownObservations: LogReader;
  /** Its owner closes it, after this room. */
  readonly store: StoreWriter;
  /** Where the note of careful mode is kept: the data folder. */
  readonly fileSystem: FileSystem;
  readonly directory: string;
  /** Cluster profile: the partition of which this is the worker. */
  readonly partition?: PartitionWork;
  /** Readings before this position are settled in durable batches: their segments may go. */
  readonly mayTrimBefore?: (position: Position) => void;
  /** Ingest has stopped for this reason: the process should end with it and start again. */
  readonly onFailed: (error: unknown) => void;
}

export interface PartitionWork extends Partition {
  /** Readings behind the consumed position, about. */
  readonly inFlight: () => number;
  /** Waits for what a record needs before it can be settled: a registry version. */
  readonly prepare: (record: LogRecord) => Promise<void> | undefined;
  /** Where what lies before the view's horizon is kept; undefined: the view holds everything. */
  readonly oldRows: OldRows | undefined;
}

export interface IngestStats {
  /** All readings up to here are settled in a durable batch. */
  readonly consumed: Position;
  readonly readingsInFlight: number;
  /** Last batch that the store has. */
  readonly observations: Position;
  readonly totals: BalanceTotals;
  /** Cluster profile: what of each node's log is settled in a durable batch. */
  readonly sources: readonly SourceMark[];
  readonly windowsBytes: number;
  readonly tailBytes: number;
  /** Readings still decided one by one; 0 outside careful mode. */
  readonly carefulReadings: number;
}

export interface Ingest {
  readonly stats: IngestStats;
  readonly health: { readonly room: 'ingest'; isReady: boolean; reasons: string[] };
  /** Settles what was begun, waits until it is durable, and closes its readers. */
  close(): Promise<void>;
}

/** How often at most the log of readings is told how far it may trim. */
const trimEveryMs = 1_000;

/**
 * Opens the room. Rejects by name where the logs, the view and the registry do not belong together:
 * INGEST_READINGS_SHORTENED, INGEST_REGISTRY_VERSION, INGEST_BATCH_…, LOG_….
 */
export async function openIngest(options: IngestOptions): Promise<Ingest> {
  const { config, clock, store, readingsEnd, observations, fileSystem } = options;
  const events = openIngestEvents(options.telemetry);
  const replayedBatches = await catchUp({
    reader: options.ownObservations,
    end: observations.durableEnd.get(),
    readingsEnd: readingsEnd.get(),
    store,
    clock,
    config,
  });
  const { consumed } = store;
  const attempts = await openAttempts({
    fileSystem,
    directory: options.directory,
    consumed,
    config: config.careful,
    stretch: config.stretch,
  });
  const ending = createEnding(events, options.onFailed);
  const trim = createTrim(clock, options.mayTrimBefore ?? (() => undefined));
  const { signal, fail } = ending;
  const steps = openSteps({ options, events, signal, fail, onKept: trim.kept });
  const carefulReadings = attempts.carefulLeft;
  events.opened({ consumed, observations: store.position, replayedBatches, carefulReadings });
  const following = followReadings(
    { ...options, ...steps, attempts, events, signal },
    consumed,
  ).catch(ending.fail);

  return {
    get stats() {
      return {
        consumed: store.consumed,
        readingsInFlight: options.partition?.inFlight() ?? readingsEnd.get() - store.consumed,
        observations: store.position,
        totals: store.totals,
        sources: store.sources ?? [],
        windowsBytes: steps.decider.windowsBytes,
        tailBytes: store.tailBytes,
        carefulReadings: attempts.carefulLeft,
      };
    },
    get health() {
      const error = ending.failure ?? steps.committer.refusal;
      const reasons = error === undefined ? [] : [error.message];
      return { room: 'ingest' as const, isReady: reasons.length === 0, reasons };
    },
    async close() {
      ending.stop();
      await following;
      if (ending.failure === undefined || isOfMachine(ending.failure)) await attempts.end();
      trim.now(store.consumed);
      await options.readings.close();
      await options.originals.close();
      await options.ownObservations.close();
      events.closed({ consumed: store.consumed });
    },
  };
}

interface StepParts {
  readonly options: IngestOptions;
  readonly events: IngestEvents;
  readonly signal: AbortSignal;
  readonly fail: (error: unknown) => void;
  readonly onKept: (consumed: Position) => void;
}

/** The steps of the pipeline, with the state that the last batch left. */
function openSteps({ options, events, signal, fail, onKept }: StepParts) {
  const { config, clock, store, observations, partition } = options;
  const sources = partition === undefined ? undefined : openSources(store.sources ?? []);
  const directory = openDirectory(options.registry, store.registryVersion);
  const decider = createDecider({
    store,
    horizon: partition?.oldRows === undefined ? undefined : store.horizon,
    checks: config.checks,
    windowsBytesMax: config.windows.bytesMax,
    windowPoints: config.windows.points,
    lookBackPointsMax: config.windows.lookBackPointsMax,
  });
  const balance = openBalance(store.totals);
  const ruleNames = createRuleNames(config.checks, directory, events);
  ruleNames.check();
  const settler = createSettler({
    directory,
    limits: config.decode,
    normaliser: createNormaliser(config.normalise),
    decider,
    events,
    balance,
    ruleNames,
    store,
    partition,
    passage: createPassage(),
  });
  const committer = openCommitter({
    clock,
    observations,
    store,
    pending: decider.pending,
    balance,
    sources,
    events,
    config: config.stretch,
    registryVersion: () => directory.version,
    onKept,
    onFailed: fail,
  });
  const originals = createOriginals({
    reader: options.originals,
    store,
    clock,
    retryMs: config.stretch.commitRetryMs,
    events,
    signal,
  });
  const prepare = partition?.prepare;
  const oldRows = partition?.oldRows;
  const adopting = { horizon: store.horizon, decider, clock, events, signal };
  const adopt = oldRows && createAdopt({ ...adopting, oldRows });
  return {
    decider,
    pending: decider.pending,
    settler,
    committer,
    originals,
    sources,
    prepare,
    adopt,
  };
}

/** How the room ends: told to, or by a failure, of which the first counts. */
function createEnding(events: IngestEvents, onFailed: (error: unknown) => void) {
  const stopping = new AbortController();
  let failure: Error | undefined;
  return {
    signal: stopping.signal,
    get failure() {
      return failure;
    },
    stop: (): void => stopping.abort(),
    fail: (error: unknown): void => {
      if (failure !== undefined) return;
      failure = error instanceof Error ? error : new Error(String(error));
      stopping.abort();
      events.failed(failure);
      onFailed(failure);
    },
  };
}

/**
 * Tells now and then what is settled, and always the last of it: a log that is full takes no reading
 * after which it could be told.
 */
function createTrim(clock: Clock, mayTrimBefore: (position: Position) => void) {
  let lastMs = Number.NEGATIVE_INFINITY;
  let [told, newest] = [0, 0];
  let later: Scheduled | undefined;
  const now = (consumed: Position): void => {
    later?.cancel();
    later = undefined;
    if (consumed <= told) return;
    told = consumed;
    lastMs = clock.monotonicMs();
    mayTrimBefore(consumed + 1);
  };
  return {
    now,
    kept: (consumed: Position): void => {
      newest = consumed;
      const waitMs = lastMs + trimEveryMs - clock.monotonicMs();
      if (waitMs <= 0) now(consumed);
      else later ??= clock.schedule(waitMs, () => now(newest));
    },
  };
}
