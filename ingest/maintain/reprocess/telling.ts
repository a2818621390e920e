/** Compares both worlds, and tells the one decider what differs. */
import { sleep } from '../../../devices/clock.ts';
import type { Position } from '../../log/log.ts';
import { createStepWriter } from '../../reprocess-step.ts';
import { dayOf, endsOfDay } from '../../store/directory.ts';
import type { StoreReader } from '../../store/store.ts';
import { differencesOf, type Difference } from './differences.ts';
import { countDifference, createTally, reportOf, type Tally } from './report.ts';
import { findStrays, noteLeavers, type Leavers, type Stray } from './strays.ts';
import {
  appendText,
  assertVersion,
  frameOf,
  recordOf,
  untilTold,
  walkParts,
  type Work,
} from './work.ts';

/** Told of each difference of a series, in order of key; a step ends with its day. */
interface Teller {
  tell(series: number, difference: Difference): Promise<void>;
  /** The series is through. */
  end(): Promise<void>;
}

const sliceMs = 20;

interface Comparing {
  readonly tally: Tally;
  readonly leavers: Leavers;
  /** Absent: it is counted what the steps come to. */
  readonly teller?: Teller;
}

/** Counts what differs, and tells it where there is somebody to tell. */
export async function compare(
  work: Work,
  live: StoreReader,
  { tally, leavers, teller = createCounter(work, tally) }: Comparing,
): Promise<void> {
  const { scratch, span, parts } = work;
  const { clock, onProgress } = parts;
  const all = [...new Set([...live.series(), ...scratch.store.series()])].sort((a, b) => a - b);
  const isBounded = span.fromAt > Number.NEGATIVE_INFINITY || span.toAt < Number.POSITIVE_INFINITY;
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
        if (isBounded) noteLeavers(leavers, compared);
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

/** Values that leave the range, counted with it. */
export async function straysOf(
  work: Work,
  live: StoreReader,
  { tally, leavers }: Comparing,
): Promise<Stray[]> {
  const { span, scratch } = work;
  const strays = await findStrays({ parts: walkParts(work), live, span, leavers });
  const teller = createCounter(work, tally);
  for (const { series, difference } of strays) {
    const datastream = scratch.registry.bySeries[series]?.id ?? `#${series}`;
    tally.differences += 1;
    countDifference(reportOf(tally, series, datastream), difference);
    await teller.tell(series, difference);
  }
  await teller.end();
  return strays;
}

/** Those that leave first: a run that is cut short then finds them in both places, not in none. */
export async function tellAll(
  work: Work,
  live: StoreReader,
  strays: readonly Stray[],
): Promise<void> {
  const teller = createTeller(work);
  for (const { series, difference } of strays) await teller.tell(series, difference);
  await teller.end();
  await compare(work, live, { tally: createTally(), leavers: new Map(), teller });
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
    if (told % stepsAhead !== 0) return;
    assertVersion(work, (await untilTold(work, position)).registryVersion);
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
        writer.end(series === place.series ? restatement.endAt : null);
        place = { series, day };
        const frame = { ...frameOf(work), ...place, ...endsOfDay(day) };
        const { version, actor, fromAt, toAt } = frame;
        const stepFrame = { version, series, fromAt, toAt, actor };
        writer = createStepWriter(stepFrame, (text) => void texts.push(text));
      }
      writer.add(restatement);
      await hand();
    },
    async end() {
      writer.end(null);
      await hand();
    },
  };
}

const replaysAhead = 64;

/** Runs readings again whose quarantine ends or begins: the values are told already. */
export async function requeue(work: Work, positions: readonly Position[]): Promise<void> {
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
    assertVersion(work, (await untilTold(work, Math.max(...appended))).registryVersion);
  }
}
