/** Some orders of a day, each held against the order in which it was said. */
import { ingestConfigSchema } from '../../../ingest/config.ts';
import { openLogReader } from '../../../ingest/log/segment-log.ts';
import { digestOf } from '../../../ingest/store/digest.ts';
import type { StoreReader } from '../../../ingest/store/store.ts';
import { judgeAgain } from './again.ts';
import { createLocalDurableEnd } from './durable-end.ts';
import { followFromZero } from './feed.ts';
import { observationsFolder } from './life.ts';
import { spineStartAt } from './network.ts';
import { dayMs, openDay, type Day, type DayOptions } from './order-day.ts';
import { spineConfig } from './seeds.ts';
import { differences, hourLines, latestLines, settledLines, wrongOfView } from './state.ts';
import type { World } from './world.ts';

export interface OrderPart extends DayOptions {
  readonly orders: readonly number[];
  /** `mixed`: every second order with small stretches, windows and blocks. */
  readonly config: 'product' | 'mixed';
}

export interface OrderOutcome {
  readonly order: number;
  readonly digest: string;
  /** Rows of the feed and of history. */
  readonly rows: number;
  readonly readings: number;
  readonly observations: number;
  /** What is not as in the order of saying, and what is wrong by itself. */
  readonly wrong: readonly string[];
}

/** What must be equal for every order. */
interface Settled {
  /** That of `verify --digest`. */
  readonly digest: string;
  readonly lines: readonly string[];
  readonly hours: readonly string[];
  readonly latest: readonly string[];
  readonly rows: number;
  readonly readings: number;
  readonly wrong: readonly string[];
}

/** The order of saying (0) comes first, whether it is asked for or not. */
export async function judgeOrders(
  part: OrderPart,
  onOutcome: (outcome: OrderOutcome) => void,
): Promise<void> {
  const day = openDay(part);
  try {
    const first = await judge(day, part, 0);
    onOutcome(compare(0, first, first));
    for (const order of part.orders.filter((each) => each !== 0)) {
      onOutcome(compare(order, await judge(day, part, order), first));
    }
  } finally {
    day.network.close();
  }
}

function judge(day: Day, part: OrderPart, order: number): Promise<Settled> {
  const isSmall = part.config === 'mixed' && order % 2 === 1;
  const config = isSmall ? spineConfig : ingestConfigSchema.parse({});
  const { network } = day;
  return judgeAgain({ network, config, bodies: day.bodiesOf(order) }, readSettled);
}

function compare(order: number, settled: Settled, first: Settled): OrderOutcome {
  const { digest, rows, readings, lines } = settled;
  const wrong = [
    ...settled.wrong,
    ...(digest === first.digest ? [] : [`digest ${digest}`]),
    ...differences(lines, first.lines),
    ...differences(settled.hours, first.hours).map((line) => `hours: ${line}`),
    ...differences(settled.latest, first.latest).map((line) => `latest: ${line}`),
  ];
  return { order, digest, rows, readings, observations: lines.length, wrong };
}

async function readSettled(store: StoreReader, world: World): Promise<Settled> {
  const durableEnd = createLocalDurableEnd();
  durableEnd.advance(store.position);
  const directory = observationsFolder;
  const reader = await openLogReader({ fileSystem: world.disk, directory, durableEnd });
  const feed = await followFromZero(reader);
  await reader.close();
  const { digest } = await digestOf({ store, registry: world.network.registry.current() });
  return {
    digest,
    lines: settledLines(store),
    hours: hourLines(store, spineStartAt - dayMs, spineStartAt + 2 * dayMs),
    latest: latestLines(store),
    rows: feed.rows,
    readings: feed.consumed,
    wrong: [...feed.wrong.slice(0, 5), ...wrongOfView(store, feed.current)],
  };
}
