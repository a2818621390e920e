/**
 * Proves a data folder, or a backup, which has the same files: both logs byte by byte, every reading
 * and batch, the laws of balance, the view, the registry, and that their positions fit each other.
 * Only reads. While a server runs it looks no further than what is durable when it begins.
 */
import type { Clock } from '../../devices/clock.ts';
import { CodedError } from '../../devices/coded-error.ts';
import { verifyRegistry } from '../../devices/registry/verify.ts';
import {
  fileName as forwardFileName,
  readForwardState,
  type ForwardedState,
} from '../cluster/forward/state-file.ts';
import type { FileSystem } from '../log/file-system.ts';
import type { Position } from '../log/log.ts';
import { readViewState, type ViewReport } from '../store/adopt-view.ts';
import type { FolderPaths } from './backup.ts';
import type { Finding, MaintainProgress } from './findings.ts';
import { findLogEnd, logPlace, type LogPlace } from './log-place.ts';
import { verifyBatches, type LastBatch } from './verify-batches.ts';
import { verifyLogFiles } from './verify-log.ts';
import { verifyReadings } from './verify-readings.ts';

export interface LogPositions {
  readonly readings: Position;
  readonly observations: Position;
}

export interface VerifyFolderOptions {
  readonly paths: FolderPaths;
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  /** Of the data; null where it is not known, as of a folder that was never opened. */
  readonly storeId: string | null;
  /** Durable ends that the server tells; null where none runs. */
  readonly liveEnds: (() => Promise<LogPositions>) | null;
  readonly onFinding: (finding: Finding) => void;
  readonly onProgress: MaintainProgress;
}

export interface FolderReport {
  readonly ends: LogPositions;
  readonly readings: LogPlace;
  readonly observations: LogPlace;
  /** Null: there is none, which is no fault: it is built from the observations. */
  readonly view: ViewReport | null;
  /** On one machine at most one; in a node's copy that of each partition. */
  readonly lastBatches: readonly LastBatch[];
  /** Null where the registry cannot be read. */
  readonly registryVersion: number | null;
  readonly records: number;
}

export async function verifyFolder(options: VerifyFolderOptions): Promise<FolderReport> {
  const { paths, fileSystem, clock, liveEnds, onFinding, onProgress } = options;
  // A follower's position is read before its source's end, so that a running server is no fault.
  const view = viewState(options);
  const forwarded = await forwardedState(options);
  const ends = liveEnds === null ? await endsOf(fileSystem, paths) : await liveEnds();
  let records = 0;
  for (const part of ['observations', 'readings'] as const) {
    const end = liveEnds === null ? null : ends[part];
    const directory = paths[part];
    const log = { part, fileSystem, directory, end, clock, onFinding, onProgress };
    records += (await verifyLogFiles(log)).records;
  }
  const readings = logPlace(fileSystem, paths.readings, ends.readings);
  const observations = logPlace(fileSystem, paths.observations, ends.observations);
  if (ends.readings > 0) await verifyReadings(readings, onFinding, onProgress);
  const isWhole = view?.knownFromAt === Number.NEGATIVE_INFINITY;
  const lastBatches =
    ends.observations > 0
      ? await verifyBatches(observations, { isWhole, onFinding, onProgress })
      : [];
  const registryVersion = registryOf(options);
  const report = { ends, readings, observations, view, lastBatches, registryVersion, records };
  for (const what of [...positionProblems(report), ...forwardProblems(report, forwarded)]) {
    onFinding({ part: 'positions', file: 'positions', what });
  }
  return report;
}

export async function endsOf(
  fileSystem: FileSystem,
  paths: Pick<FolderPaths, 'readings' | 'observations'>,
): Promise<LogPositions> {
  return {
    observations: await findLogEnd(fileSystem, paths.observations),
    readings: await findLogEnd(fileSystem, paths.readings),
  };
}

/** State of the view; null where there is none or it cannot be read, which is then a finding. */
function viewState({ paths, storeId, onFinding }: VerifyFolderOptions): ViewReport | null {
  try {
    const state = readViewState(paths.view);
    if (storeId !== null && state.storeId !== storeId) {
      const what = `belongs to the log ${state.storeId}, not to ${storeId}`;
      onFinding({ part: 'view', file: 'view.db', what });
    }
    return state;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'STORE_NO_VIEW') return null;
    onFinding({ part: 'view', file: 'view.db', what: sentenceOf(error) });
    return null;
  }
}

/** Of a node of a network; null where it never forwarded, or the file cannot be read: a finding. */
async function forwardedState({
  fileSystem,
  paths,
  onFinding,
}: VerifyFolderOptions): Promise<ForwardedState | null> {
  try {
    return (await readForwardState(fileSystem, paths.path)) ?? null;
  } catch (error) {
    onFinding({ part: 'positions', file: forwardFileName, what: sentenceOf(error) });
    return null;
  }
}

function registryOf({ paths, onFinding, onProgress }: VerifyFolderOptions): number | null {
  onProgress('registry: files', 0, 1);
  try {
    const { problems, version } = verifyRegistry(paths.registry);
    for (const what of problems) onFinding({ part: 'registry', file: 'registry.db', what });
    return version;
  } catch (error) {
    onFinding({ part: 'registry', file: 'registry.db', what: sentenceOf(error) });
    return null;
  }
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A follower never knows more than its source. */
function* positionProblems(report: FolderReport): Generator<string> {
  const { ends, view, lastBatches, registryVersion } = report;
  if (view !== null) {
    const held = Math.max(view.position, view.target);
    if (held > ends.observations) {
      yield `the view holds batch ${held}, the observations end at ${ends.observations}`;
    }
  }
  for (const { batch } of lastBatches) {
    const { consumed, registryVersion: marked, place } = batch;
    // In a network readings are consumed from Kafka, which is not in the folder.
    if (place === undefined && consumed > ends.readings) {
      yield `reading ${consumed} is consumed, the readings end at ${ends.readings}`;
    }
    if (registryVersion !== null && marked > registryVersion) {
      yield `version ${marked} of the registry is in force, its newest is ${registryVersion}`;
    }
  }
}

/** What a network has of a node's readings is in the node's log, and no more. */
function* forwardProblems(
  { ends, lastBatches }: FolderReport,
  forwarded: ForwardedState | null,
): Generator<string> {
  if (forwarded === null) return;
  const { node, position } = forwarded;
  if (position > ends.readings) {
    yield `reading ${position} is forwarded, the readings end at ${ends.readings}`;
  }
  for (const { batch } of lastBatches) {
    const mark = batch.sources?.find((one) => one.node === node);
    if (mark !== undefined && mark.position > ends.readings) {
      const { partition } = batch.place ?? {};
      yield `reading ${mark.position} is decided in partition ${partition}, the readings end at ${ends.readings}`;
    }
  }
}
