/**
 * Judges a range again under one registry version, in this order, so that it may be cut short at any
 * moment and is whole once the same order has run to its end:
 *
 *   1. the readings are decided again in a scratch world (`scratch.ts`, `walk.ts`), with what is kept
 *      of readings that are gone, and of keys outside the range, as it stands (`seeds.ts`)
 *   2. both worlds are compared at one position, key by key (`differences.ts`): the findings
 *   3. what differs enters `readings`: steps of one series and day, then replays of the readings
 *      whose quarantine ends or begins; the one decider applies them (`decide/restating.ts`)
 *   4. what came in meanwhile is decided in the scratch world too, and compared again, until both
 *      say the same
 *
 * Nothing of it is remembered: a second run finds what is left.
 */
import { sleep, type Clock } from '../../../devices/clock.ts';
import type { RegistryReader } from '../../../devices/registry.ts';
import type { Telemetry } from '../../../devices/telemetry.ts';
import type { IngestConfig } from '../../config.ts';
import type { FileSystem } from '../../log/file-system.ts';
import type { Position } from '../../log/log.ts';
import { openLogReader } from '../../log/segment-log.ts';
import type { Reading } from '../../reading.ts';
import { createStepWriter, orderText } from '../../reprocess-step.ts';
import { dayMs, dayOf } from '../../store/directory.ts';
import type { StoreReader } from '../../store/store.ts';
import type { FolderPaths } from '../backup.ts';
import { untilConsumed, type Decided } from '../consumed.ts';
import { maintainError } from '../errors.ts';
import type { MaintainProgress } from '../findings.ts';
import { logPlace } from '../log-place.ts';
import type { LogPositions } from '../verify-folder.ts';
import { circularIn } from '../verify-view.ts';
import { openViewAt, type ViewAt } from '../view-at.ts';
import { differencesOf, type Difference } from './differences.ts';
import { createPositions } from './positions.ts';
import {
  countDifference,
  createTally,
  reportOf,
  type ReprocessFindings,
  type Tally,
} from './report.ts';
import { openScratch, type Scratch } from './scratch.ts';
import { seedErased, seedGone, type SeedSpan } from './seeds.ts';
import { walkReadings, type Walked } from './walk.ts';

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

/** A value is judged by others at most so far away, on both sides together (design.md §6). */
const reachMs = 48 * 3_600_000;
/** A round finds what came in during the one before. */
const roundsMax = 10;

/** Rejects with INGEST_REPROCESS_…; the same order may be given again. */
export async function reprocess(
  order: ReprocessOrder,
  parts: ReprocessParts,
): Promise<ReprocessReport> {
  const { version } = parts.registry.refresh();
  const { clock, config, registry } = parts;
  const telemetry = parts.openTelemetry();
  const folder = parts.makeScratch();
  const scratch = openScratch({ folder, config, clock, telemetry, registry, version });
  const work: Work = {
    order,
    parts,
    scratch,
    folder,
    version,
    span: spanOf(order),
    walked: { gone: createPositions(), requeued: [], readings: 0 },
    startedMs: clock.monotonicMs(),
    fedTo: 0,
  };
  try {
    return await runRounds(work);
  } finally {
    scratch.close();
  }
}

interface Work {
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

function spanOf({ fromAt, toAt }: ReprocessOrder): SeedSpan {
  const from = fromAt ?? Number.NEGATIVE_INFINITY;
  const to = toAt ?? Number.POSITIVE_INFINITY;
  return { fromAt: from, toAt: to, reachFromAt: from - reachMs, reachToAt: to + reachMs };
}

async function runRounds(work: Work): Promise<ReprocessReport> {
  const { order, parts, walked, version } = work;
  const done = { version, told: 0, steps: 0, requeued: 0 };
  for (let rounds = 1; rounds <= roundsMax; rounds++) {
    const decided = await untilDecided(work);
    const live = await openLive(work, decided);
    try {
      const tally = createTally();
      if (rounds === 1) await feedFirst(work, live.store, decided.consumed, tally);
      else await feedOn(work, decided.consumed);
      await compare(work, live.store, tally);
      const requeued = rounds === 1 ? walked.requeued : [];
      if (rounds === 1) parts.onFindings(await findingsOf(work, tally));
      const isDone = tally.differences === 0 && requeued.length === 0;
      if (order.isDryRun || isDone) return { ...done, rounds };
      if (rounds === 1) await appendText(work, orderText(frameOf(work)));
      await compare(work, live.store, createTally(), createTeller(work));
      await requeue(work, requeued);
      done.told += tally.differences;
      done.steps += tally.steps;
      done.requeued += requeued.length;
    } finally {
      live.close();
    }
  }
  throw maintainError('INGEST_REPROCESS_UNSETTLED', { rounds: roundsMax, ...done });
}

/** Ingest has decided all readings that there are now, under the version. */
async function untilDecided(work: Work): Promise<Decided> {
  const { ends } = work.parts;
  const decided = await untilTold(work, (await ends()).readings);
  assertVersion(work, decided.registryVersion);
  return decided;
}

/** Nobody may judge by another version between two rounds, nor tell what nobody would apply. */
function assertVersion({ parts, version }: Work, inForce: number): void {
  const newest = parts.registry.refresh().version;
  if (inForce === version && newest === version) return;
  throw maintainError('INGEST_REPROCESS_REGISTRY', { judgedBy: version, inForce, newest });
}

function untilTold({ parts }: Work, position: Position): Promise<Decided> {
  return untilConsumed(position, {
    ...parts,
    step: 'reprocess: readings decided',
    late: (fields) => maintainError('INGEST_REPROCESS_WAITING', fields),
  });
}

function openLive(work: Work, { observations }: Decided): Promise<ViewAt> {
  const { fileSystem, paths, config, clock, makeScratch, onProgress } = work.parts;
  return openViewAt({
    path: paths.view,
    observations: logPlace(fileSystem, paths.observations, observations),
    config: config.store,
    clock,
    telemetry: work.parts.openTelemetry(),
    isCircular: circularIn(work.scratch.registry),
    makeScratch,
    onProgress,
  });
}

/** Everything up to the position, and what is kept of readings that nobody can read any more. */
async function feedFirst(work: Work, live: StoreReader, to: Position, tally: Tally): Promise<void> {
  const { scratch, span, walked, parts } = work;
  const { fromAt, toAt } = span;
  await seedErased({ ...parts, scratch, live, span }, await firstKept(parts, to));
  await walkReadings(walkParts(work), { from: 1, to, fromAt, toAt, live }, walked);
  await seedGone({ ...parts, scratch, live, span }, walked.gone, (series) => {
    const datastream = scratch.registry.bySeries[series]?.id ?? `#${series}`;
    reportOf(tally, series, datastream).left += 1;
  });
  work.fedTo = to;
}

async function firstKept({ fileSystem, paths }: ReprocessParts, to: Position): Promise<Position> {
  const reader = await openLogReader(logPlace(fileSystem, paths.readings, to));
  const first = reader.next;
  await reader.close();
  return first;
}

/** What came in since: it was decided under the same version, inside the range and beside it. */
async function feedOn(work: Work, to: Position): Promise<void> {
  const { reachFromAt, reachToAt } = work.span;
  const walk = { from: work.fedTo + 1, to, fromAt: reachFromAt, toAt: reachToAt, live: null };
  if (walk.from <= to) await walkReadings(walkParts(work), walk, work.walked);
  work.fedTo = to;
}

function walkParts({ parts, scratch }: Work) {
  const { fileSystem, paths, config, onProgress } = parts;
  const { futureMaxMs } = config.normalise;
  return { fileSystem, readings: paths.readings, scratch, futureMaxMs, onProgress };
}

/** Told of each difference of a series, in order of key; a step ends with its day. */
interface Teller {
  tell(series: number, difference: Difference): Promise<void>;
  /** The series is through. */
  end(): Promise<void>;
}

const sliceMs = 20;

/** Counts what differs, and tells it where there is somebody to tell. */
async function compare(
  work: Work,
  live: StoreReader,
  tally: Tally,
  teller: Teller = createCounter(work, tally),
): Promise<void> {
  const { scratch, span, parts } = work;
  const { clock, onProgress } = parts;
  const all = [...new Set([...live.series(), ...scratch.store.series()])].sort((a, b) => a - b);
  let sinceMs = clock.monotonicMs();
  for (const [place, series] of all.entries()) {
    const datastream = scratch.registry.bySeries[series]?.id;
    // A series that the version does not know keeps what it has.
    if (datastream === undefined) continue;
    const stores = { live, scratch: scratch.store };
    for (const compared of differencesOf(stores, { ...span, series })) {
      tally.observations += 1;
      if (compared !== undefined) {
        tally.differences += 1;
        countDifference(reportOf(tally, series, datastream), compared);
        await teller.tell(series, compared);
      }
      if (clock.monotonicMs() - sinceMs < sliceMs) continue;
      onProgress('reprocess: series compared', place, all.length);
      await sleep(clock, 0);
      sinceMs = clock.monotonicMs();
    }
    await teller.end();
  }
}

/** Says what the steps would come to. */
function createCounter(work: Work, tally: Tally): Teller {
  return createDays(work, async (text) => {
    tally.steps += 1;
    tally.stepBytes += Buffer.byteLength(text);
  });
}

/** Steps that may wait for ingest: live readings behind them wait no longer than they take. */
const stepsAhead = 4;

function createTeller(work: Work): Teller {
  const { parts } = work;
  let told = 0;
  return createDays(work, async (text) => {
    const position = await appendText(work, text);
    told += 1;
    parts.onProgress('reprocess: steps', told, 0);
    if (told % stepsAhead === 0) await untilTold(work, position);
  });
}

function createDays(work: Work, onStep: (text: string) => Promise<void>): Teller {
  let place = { series: -1, day: Number.NaN };
  let texts: string[] = [];
  let writer = createStepWriter(frameOf(work), (text) => void texts.push(text));

  async function hand(): Promise<void> {
    const some = texts;
    texts = [];
    for (const text of some) await onStep(text);
  }

  return {
    async tell(series, { restatement }) {
      const day = dayOf(restatement.endAt);
      if (series !== place.series || day !== place.day) {
        writer.end();
        place = { series, day };
        const frame = { ...frameOf(work), ...place, ...dayIn(work, day) };
        const { version, actor, fromAt, toAt } = frame;
        const stepFrame = { version, series, fromAt, toAt, actor };
        writer = createStepWriter(stepFrame, (text) => void texts.push(text));
      }
      writer.add(restatement);
      await hand();
    },
    async end() {
      writer.end();
      await hand();
    },
  };
}

/** A day d is (d × 24 h, (d + 1) × 24 h]. */
function dayIn({ span }: Work, day: number): { readonly fromAt: number; readonly toAt: number } {
  const fromAt = Math.max(span.fromAt, day * dayMs + 1);
  return { fromAt, toAt: Math.min(span.toAt, (day + 1) * dayMs + 1) };
}

function frameOf({ order, version }: Work) {
  const { fromAt, toAt, actor } = order;
  return { version, series: null, fromAt, toAt, actor };
}

function appendText({ parts }: Work, text: string): Promise<Position> {
  return parts.append(recordOf('decision', text, parts.clock));
}

function recordOf(kind: Reading['kind'], text: string, clock: Clock): Reading {
  const receivedAt = clock.now();
  const payload = Buffer.from(text);
  return { kind, door: 'internal', receivedAt, device: '', topic: '', payload };
}

const replaysAhead = 64;

/** Runs readings again whose quarantine ends or begins: the values are told already. */
async function requeue(work: Work, positions: readonly Position[]): Promise<void> {
  const { parts, version } = work;
  for (let from = 0; from < positions.length; from += replaysAhead) {
    const some = positions.slice(from, from + replaysAhead);
    const appended = await Promise.all(
      some.map((position) => {
        const text = JSON.stringify({ position, version });
        return parts.append(recordOf('replay', text, parts.clock));
      }),
    );
    parts.onProgress('reprocess: quarantine', from + some.length, positions.length);
    await untilTold(work, Math.max(...appended));
  }
}

async function findingsOf(work: Work, tally: Tally): Promise<ReprocessFindings> {
  const { version, walked, parts, folder } = work;
  const { observations, differences, steps, stepBytes } = tally;
  return {
    version,
    upTo: work.fedTo,
    readings: walked.readings,
    readingsGone: walked.gone.count,
    readingsRequeued: walked.requeued.length,
    observations,
    differences,
    steps,
    stepBytes,
    scratchBytes: await sizeOf(parts.fileSystem, folder),
    tookMs: Math.round(parts.clock.monotonicMs() - work.startedMs),
    series: [...tally.series.values()],
  };
}

async function sizeOf(fileSystem: FileSystem, folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await fileSystem.list(folder)) {
    const file = await fileSystem.open(`${folder}/${name}`, 'read');
    try {
      bytes += await file.size();
    } finally {
      await file.close();
    }
  }
  return bytes;
}
