/**
 * The scenario `orders`: a day of data in many orders, every message duplicated at random, delayed
 * beyond the day's end and shuffled whole. What is settled must not depend on the order.
 */
import { inThreads } from './threads.ts';
import type { OrderOutcome, OrderPart } from './order-part.ts';

export interface OrderOptions {
  readonly orders: number;
  readonly stations: number;
  readonly seed: number;
  readonly tell: (line: string) => void;
  readonly intervalMs?: number;
  readonly channelsMax?: number;
  readonly config?: OrderPart['config'];
  /** Threads that work beside each other; 1: all in this one. */
  readonly threads?: number;
}

export interface OrderFigures {
  readonly orders: number;
  readonly stations: number;
  readonly seed: number;
  /** Over all orders. */
  readonly readings: number;
  readonly observations: number;
  readonly rowsMin: number;
  readonly rowsMax: number;
  readonly digest: string;
  readonly digests: number;
  readonly broken: readonly string[];
}

const fiveMinutesMs = 300_000;
const tellEvery = 10;

export async function runOrders(
  options: OrderOptions,
): Promise<{ readonly held: boolean; readonly figures: OrderFigures }> {
  const { orders, stations, seed, tell, threads = 2 } = options;
  const { intervalMs = fiveMinutesMs, channelsMax = 7, config = 'product' } = options;
  const parts = Array.from({ length: threads }, (_, thread): OrderPart => {
    const own = Array.from({ length: orders }, (_each, order) => order);
    const mine = own.filter((order) => order % threads === thread);
    return { orders: mine, stations, seed, intervalMs, channelsMax, config };
  });
  const outcomes: OrderOutcome[] = [];
  await inThreads(
    parts.map((part) => ({ kind: 'orders', part })),
    (outcome) => {
      outcomes.push(outcome as OrderOutcome);
      if (outcomes.length % tellEvery === 0) tell(`${outcomes.length} of ${orders} orders`);
    },
  );
  const figures = figuresOf(options, outcomes);
  for (const line of figures.broken) tell(line);
  return { held: figures.broken.length === 0 && figures.digests === 1, figures };
}

function figuresOf(
  { orders, stations, seed }: OrderOptions,
  outcomes: readonly OrderOutcome[],
): OrderFigures {
  const rows = outcomes.map((outcome) => outcome.rows);
  return {
    orders,
    stations,
    seed,
    readings: outcomes.reduce((sum, { readings }) => sum + readings, 0),
    observations: outcomes[0]?.observations ?? 0,
    rowsMin: Math.min(...rows),
    rowsMax: Math.max(...rows),
    digest: outcomes[0]?.digest ?? '',
    digests: new Set(outcomes.map(({ digest }) => digest)).size,
    broken: outcomes.flatMap(({ order, wrong }) => wrong.map((line) => `order ${order}: ${line}`)),
  };
}
