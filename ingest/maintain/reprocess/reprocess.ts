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
import type { Position } from '../../log/log.ts';
import { openLogReader } from '../../log/segment-log.ts';
import { orderText } from '../../reprocess-step.ts';
import type { StoreReader } from '../../store/store.ts';
import type { Decided } from '../consumed.ts';
import { maintainError } from '../errors.ts';
import { logPlace } from '../log-place.ts';
import { circularIn } from '../verify-view.ts';
import { openViewAt, type ViewAt } from '../view-at.ts';
import { createPositions } from './positions.ts';
import { createTally, findingsOf, reportOf, type Tally } from './report.ts';
import { openScratch } from './scratch.ts';
import { seedErased, seedGone, type SeedSpan } from './seeds.ts';
import type { Leavers } from './strays.ts';
import { compare, requeue, straysOf, tellAll } from './telling.ts';
import { walkReadings } from './walk.ts';
import {
  appendText,
  assertVersion,
  frameOf,
  untilTold,
  walkParts,
  type ReprocessOrder,
  type ReprocessParts,
  type ReprocessReport,
  type Work,
} from './work.ts';

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
      const leavers: Leavers = new Map();
      await compare(work, live.store, { tally, leavers });
      const strays = await straysOf(work, live.store, { tally, leavers });
      const requeued = rounds === 1 ? walked.requeued : [];
      if (rounds === 1) parts.onFindings(await findingsOf(work, tally));
      const isDone = tally.differences === 0 && requeued.length === 0;
      if (order.isDryRun || isDone) return { ...done, rounds };
      if (rounds === 1) await appendText(work, orderText(frameOf(work)));
      await tellAll(work, live.store, strays);
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
