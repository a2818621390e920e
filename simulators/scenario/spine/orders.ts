/**
 * A day of data in many orders: every message duplicated at random, delayed beyond the day's end, and
 * shuffled whole. What is settled must not depend on the order.
 */
import { createManualClock } from '../../../devices/clock-manual.ts';
import { createSeededRandom, type Random } from '../../../devices/random.ts';
import { ingestConfigSchema, type IngestConfig } from '../../../ingest/config.ts';
import { openLogReader } from '../../../ingest/log/segment-log.ts';
import { readingSize, writeReading } from '../../../ingest/reading-codec.ts';
import { digestOf } from '../../../ingest/store/digest.ts';
import type { StoreReader } from '../../../ingest/store/store.ts';
import { shuffle } from '../../faults.ts';
import { judgeAgain } from './again.ts';
import { createLocalDurableEnd } from './durable-end.ts';
import { followFromZero } from './feed.ts';
import { observationsFolder } from './life.ts';
import { markerOf, type Message } from './message.ts';
import { openNetwork, spineStartAt, type SpineNetwork } from './network.ts';
import { differences, hourLines, latestLines, settledLines, wrongOfView } from './state.ts';
import { createStation, orderFreeHabits } from './station.ts';
import type { World } from './world.ts';

export interface OrderOptions {
  readonly orders: number;
  readonly stations: number;
  readonly seed: number;
  readonly tell: (line: string) => void;
  readonly intervalMs?: number;
  readonly channelsMax?: number;
  /** Of the n-th order; by default that of the product. */
  readonly configOf?: (order: number) => IngestConfig;
}

export interface OrderFigures {
  readonly orders: number;
  readonly stations: number;
  readonly seed: number;
  readonly messages: number;
  readonly readingsOfAll: number;
  readonly observations: number;
  readonly rowsMin: number;
  readonly rowsMax: number;
  readonly digest: string;
  readonly broken: readonly string[];
}

const minuteMs = 60_000;
const dayMs = 1_440 * minuteMs;

export async function runOrders(
  options: OrderOptions,
): Promise<{ readonly held: boolean; readonly figures: OrderFigures }> {
  const { stations, seed, intervalMs = 5 * minuteMs, channelsMax = 7 } = options;
  const random = createSeededRandom(seed);
  const network = openNetwork({
    stations,
    intervalMs,
    channelsMax,
    versionsAt: [dayMs / 3, dayMs / 2],
    clock: createManualClock(spineStartAt),
    random,
  });
  try {
    const messages = measureDay(network, random);
    const figures = await compare(options, { network, messages, random });
    return { held: figures.broken.length === 0, figures };
  } finally {
    network.close();
  }
}

/** All that the stations say in a day, in the order of saying it. */
function measureDay(network: SpineNetwork, random: Random): Message[] {
  const said: { readonly atMs: number; readonly message: Message }[] = [];
  for (const spec of network.stations) {
    let corrections = 0;
    const station = createStation(spec, random, {
      habits: orderFreeHabits,
      delayMsMax: minuteMs,
      // Rank compares result times with times of arrival: corrections are made when all has arrived.
      correctedAt: () => spineStartAt + dayMs + 6 * minuteMs + (corrections += 1),
    });
    for (let atMs = spec.intervalMs; atMs <= dayMs; atMs += spec.intervalMs) {
      for (const { message, delayMs } of station.turn(spineStartAt + atMs)) {
        said.push({ atMs: atMs + delayMs, message });
      }
    }
  }
  return said.toSorted((a, b) => a.atMs - b.atMs).map(({ message }) => message);
}

interface Day {
  readonly network: SpineNetwork;
  readonly messages: readonly Message[];
  readonly random: Random;
}

/** What must be equal for every order. */
interface Settled {
  /** That of `verify --digest`. */
  readonly digest: string;
  readonly lines: readonly string[];
  readonly hours: readonly string[];
  readonly latest: readonly string[];
  readonly rows: number;
  /** What is wrong with this order by itself. */
  readonly wrong: readonly string[];
}

async function compare(options: OrderOptions, day: Day): Promise<OrderFigures> {
  const { orders, stations, seed, tell } = options;
  const { network, messages, random } = day;
  const configOf = options.configOf ?? (() => ingestConfigSchema.parse({}));
  const broken: string[] = [];
  let first: Settled | null = null;
  let readings = 0;
  let rowsMin = Infinity;
  let rowsMax = 0;
  for (let order = 0; order < orders; order += 1) {
    const arrivals = order === 0 ? messages : shuffle(withRepeats(messages, random), random);
    readings += arrivals.length;
    const config = configOf(order);
    const settled = await judgeAgain({ network, config, bodies: bodiesOf(arrivals) }, readSettled);
    first ??= settled;
    rowsMin = Math.min(rowsMin, settled.rows);
    rowsMax = Math.max(rowsMax, settled.rows);
    const wrong = [
      ...settled.wrong,
      ...(settled.digest === first.digest ? [] : [`digest ${settled.digest}`]),
      ...differences(settled.lines, first.lines),
      ...differences(settled.hours, first.hours).map((line) => `hours: ${line}`),
      ...differences(settled.latest, first.latest).map((line) => `latest: ${line}`),
    ];
    broken.push(...wrong.map((line) => `order ${order}: ${line}`));
    for (const line of wrong) tell(`order ${order}: ${line}`);
    if ((order + 1) % 10 === 0) tell(`${order + 1} of ${orders} orders`);
  }
  const lines = first?.lines ?? [];
  return {
    orders,
    stations,
    seed,
    messages: messages.length,
    readingsOfAll: readings,
    observations: lines.length,
    rowsMin,
    rowsMax,
    digest: first?.digest ?? '',
    broken,
  };
}

function withRepeats(messages: readonly Message[], random: Random): Message[] {
  return messages.flatMap((message) => (random.next() < 0.15 ? [message, message] : [message]));
}

/** Received after the day's end, one millisecond after the other. */
function* bodiesOf(arrivals: Iterable<Message>): Generator<Buffer> {
  let receivedAt = spineStartAt + dayMs + minuteMs;
  for (const message of [markerOf(1), markerOf(2), markerOf(3)]) yield bodyOf(message, receivedAt);
  for (const message of arrivals) yield bodyOf(message, (receivedAt += 1));
}

function bodyOf(message: Message, receivedAt: number): Buffer {
  const door = message.kind === 'registry' ? 'internal' : 'mqtt';
  const reading = { ...message, door, receivedAt } as const;
  const body = Buffer.alloc(readingSize(reading));
  writeReading(reading, body, 0);
  return body;
}

async function readSettled(store: StoreReader, world: World): Promise<Settled> {
  const durableEnd = createLocalDurableEnd();
  durableEnd.advance(store.position);
  const directory = observationsFolder;
  const reader = await openLogReader({ fileSystem: world.disk, directory, durableEnd });
  const feed = await followFromZero(reader);
  await reader.close();
  const untilAt = spineStartAt + 2 * dayMs;
  const { digest } = await digestOf({ store, registry: world.network.registry.current() });
  return {
    digest,
    lines: settledLines(store),
    hours: hourLines(store, spineStartAt - dayMs, untilAt),
    latest: latestLines(store),
    rows: feed.rows,
    wrong: [...feed.wrong.slice(0, 5), ...wrongOfView(store, feed.current)],
  };
}
