/** The day that is delivered in many orders: what the stations say, and the log bodies of an order. */
import { createManualClock } from '../../../devices/clock-manual.ts';
import { createSeededRandom, type Random } from '../../../devices/random.ts';
import { readingSize, writeReading } from '../../../ingest/reading-codec.ts';
import { shuffle } from '../../faults.ts';
import { markerOf, type Message } from './message.ts';
import { openNetwork, spineStartAt, type SpineNetwork } from './network.ts';
import { createStation, orderFreeHabits } from './station.ts';

export interface DayOptions {
  readonly stations: number;
  readonly seed: number;
  readonly intervalMs: number;
  readonly channelsMax: number;
}

export interface Day {
  readonly network: SpineNetwork;
  /** In the order in which the stations say them. */
  readonly messages: readonly Message[];
  /** Log bodies of the n-th order: of 0 as said, of every other one with repeats and shuffled. */
  bodiesOf(order: number): Iterable<Buffer>;
}

const minuteMs = 60_000;
export const dayMs = 1_440 * minuteMs;
const repeatShare = 0.15;

export function openDay(options: DayOptions): Day {
  const random = createSeededRandom(options.seed);
  const network = openNetwork({
    ...options,
    versionsAt: [dayMs / 3, dayMs / 2],
    clock: createManualClock(spineStartAt),
    random,
  });
  const messages = measureDay(network, random);
  return {
    network,
    messages,
    bodiesOf(order) {
      if (order === 0) return bodiesOf(messages);
      const own = createSeededRandom(options.seed * 1_024 + order);
      const repeated = messages.flatMap((message) =>
        own.next() < repeatShare ? [message, message] : [message],
      );
      return bodiesOf(shuffle(repeated, own));
    },
  };
}

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
