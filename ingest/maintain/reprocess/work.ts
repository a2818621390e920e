/** What the parts of one run share. */
import type { Clock } from '../../../devices/clock.ts';
import type { RegistryReader } from '../../../devices/registry.ts';
import type { Telemetry } from '../../../devices/telemetry.ts';
import type { IngestConfig } from '../../config.ts';
import type { FileSystem } from '../../log/file-system.ts';
import type { Position } from '../../log/log.ts';
import type { Reading } from '../../reading.ts';
import type { FolderPaths } from '../backup.ts';
import { untilConsumed, type Decided } from '../consumed.ts';
import { maintainError } from '../errors.ts';
import type { MaintainProgress } from '../findings.ts';
import type { LogPositions } from '../verify-folder.ts';
import type { ReprocessFindings } from './report.ts';
import type { Scratch } from './scratch.ts';
import type { SeedSpan } from './seeds.ts';
import type { Walked, WalkParts } from './walk.ts';

export interface ReprocessOrder {
  /** On the end of phenomenon time: from inclusive, to exclusive; null: without this bound. */
  readonly fromAt: number | null;
  readonly toAt: number | null;
  /** Only what it would change is said. */
  readonly isDryRun: boolean;
  readonly actor: string;
}

export interface ReprocessParts {
  readonly clock: Clock;
  readonly fileSystem: FileSystem;
  /** Each part names its metrics: one for each. */
  readonly openTelemetry: () => Telemetry;
  readonly config: IngestConfig;
  readonly registry: RegistryReader;
  readonly paths: Pick<FolderPaths, 'readings' | 'observations' | 'view'>;
  /** Gives a new empty folder, which the caller removes. */
  readonly makeScratch: () => string;
  readonly ends: () => Promise<LogPositions>;
  /** Resolves once the reading is durable. */
  readonly append: (reading: Reading) => Promise<Position>;
  /** Before anything is changed. */
  readonly onFindings: (findings: ReprocessFindings) => void;
  readonly onProgress: MaintainProgress;
}

export interface ReprocessReport {
  readonly version: number;
  /** Observations that were told again, over all rounds. */
  readonly told: number;
  readonly steps: number;
  readonly requeued: number;
  /** The last finds nothing. */
  readonly rounds: number;
}

/** One run of an order. */
export interface Work {
  readonly order: ReprocessOrder;
  readonly parts: ReprocessParts;
  readonly scratch: Scratch;
  readonly folder: string;
  readonly version: number;
  readonly span: SeedSpan;
  readonly walked: Walked;
  readonly startedMs: number;
  /** The scratch world knows the readings up to here. */
  fedTo: Position;
}

/** Nobody may judge by another version between two rounds, nor tell what nobody would apply. */
export function assertVersion({ parts, version }: Work, inForce: number): void {
  const newest = parts.registry.refresh().version;
  if (inForce === version && newest === version) return;
  throw maintainError('INGEST_REPROCESS_REGISTRY', { judgedBy: version, inForce, newest });
}

export function untilTold({ parts }: Work, position: Position): Promise<Decided> {
  return untilConsumed(position, {
    ...parts,
    step: 'reprocess: readings decided',
    late: (fields) => maintainError('INGEST_REPROCESS_WAITING', fields),
  });
}

export function walkParts({ parts, scratch }: Work): WalkParts {
  const { fileSystem, paths, config, onProgress } = parts;
  const { futureMaxMs } = config.normalise;
  return { fileSystem, readings: paths.readings, scratch, futureMaxMs, onProgress };
}

export function frameOf({ order, version }: Work) {
  const { fromAt, toAt, actor } = order;
  return { version, series: null, fromAt, toAt, actor };
}

export function appendText({ parts }: Work, text: string): Promise<Position> {
  return parts.append(recordOf('decision', text, parts.clock));
}

export function recordOf(kind: Reading['kind'], text: string, clock: Clock): Reading {
  const receivedAt = clock.now();
  const payload = Buffer.from(text);
  return { kind, door: 'internal', receivedAt, device: '', topic: '', payload };
}
