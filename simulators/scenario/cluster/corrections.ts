/** A device that sends one observation again and again, each time with another value, from broker to broker. */
import { connectAsync } from 'mqtt';
import { sleep, type Clock } from '../../../devices/clock.ts';
import type { Random } from '../../../devices/random.ts';
import type { DeviceSecretOf } from '../../device.ts';
import { readAnswer } from '../../load/answer.ts';

export interface Correcting {
  readonly datastream: string;
  /** Acknowledged values, each another; the last one counts. */
  readonly values: readonly number[];
  stop(): Promise<void>;
}

export interface CorrectingOptions {
  readonly secret: DeviceSecretOf;
  /** MQTT ports of the brokers. */
  readonly ports: readonly number[];
  readonly clock: Clock;
  readonly random: Random;
}

/** Values of one connection: so many at most. */
const valuesMax = 5;
/** Of two values the one that came later counts, by the millisecond. */
const pauseMs = 5;
const refusedMs = 200;

/** A new secret may take a moment to reach the broker: it is tried again. */
function ignoreRefusal(): undefined {}

export function startCorrecting({ secret, ports, clock, random }: CorrectingOptions): Correcting {
  const values: number[] = [];
  const { deviceId: device, ...login } = secret;
  const topic = `env/v1/${device}/obs`;
  const ts = clock.now();
  let isOpen = true;
  const run = async (): Promise<void> => {
    while (isOpen) {
      const port = ports[Math.floor(random.next() * ports.length)] ?? 0;
      const address = `mqtt://127.0.0.1:${port}`;
      const client = await connectAsync(address, { ...login, clean: true }).catch(ignoreRefusal);
      if (client === undefined) {
        await sleep(clock, refusedMs);
        continue;
      }
      for (let left = Math.ceil(random.next() * valuesMax); left > 0; left -= 1) {
        const value = values.length / 100;
        await client.publishAsync(topic, JSON.stringify({ ts, values: { temp: value } }), {
          qos: random.next() < 0.5 ? 1 : 2,
        });
        values.push(value);
        await sleep(clock, pauseMs);
      }
      await client.endAsync(true);
    }
  };
  const ended = run();
  return {
    datastream: `${device}.air-temperature`,
    values,
    async stop() {
      isOpen = false;
      await ended;
    },
  };
}

export interface Corrected {
  readonly sent: number;
  /** Of the one row that an api shows. */
  readonly revision: number;
  /** Values that were overtaken on their way, by a later one over another broker. */
  readonly overtaken: number;
  /** It shows one row, with the last value, and has every value that was sent once. */
  readonly isRight: boolean;
}

interface Shown {
  readonly id: string;
  readonly result: number;
  readonly revision: number;
}

export async function readCorrected(api: string, correcting: Correcting): Promise<Corrected> {
  const { datastream, values } = correcting;
  const read = async <Answer>(path: string): Promise<Answer> =>
    JSON.parse(await readAnswer(api, `/api/v1/observations${path}`)) as Answer;
  const { items } = await read<{ readonly items: readonly Shown[] }>(`?datastream=${datastream}`);
  const [row] = items;
  const { revisions } = await read<{ readonly revisions: readonly Shown[] }>(
    `/${encodeURIComponent(row?.id ?? '')}`,
  );
  const kept = revisions.map(({ result }) => result).toSorted((a, b) => a - b);
  const shown = revisions.filter(({ revision }) => revision >= 0);
  const numbers = shown.map(({ revision }) => revision).toSorted((a, b) => a - b);
  const isRight =
    items.length === 1 &&
    row?.result === values.at(-1) &&
    row?.revision === shown.length - 1 &&
    numbers.every((number, place) => number === place) &&
    JSON.stringify(kept) === JSON.stringify(values);
  const [sent, revision] = [values.length, row?.revision ?? -1];
  return { sent, revision, overtaken: revisions.length - shown.length, isRight };
}
