/** Drives a load: many publishers, at a rate or as fast as the server acknowledges. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep, type Clock } from '../../devices/clock.ts';
import { createSeededRandom } from '../../devices/random.ts';
import type { DeviceSecretOf } from '../device.ts';
import { Latencies } from './latency.ts';
import { Ledger } from './ledger.ts';
import { Publisher } from './publisher.ts';

export interface LoadOptions {
  readonly host: string;
  readonly port: () => number;
  readonly clock: Clock;
  readonly seed: number;
  readonly secrets: readonly DeviceSecretOf[];
  /** Messages a second over all devices, or `max` for a closed loop. */
  readonly rate: number | 'max';
  readonly window: number;
  readonly qos2Share: number;
  readonly duplicateShare: number;
}

export interface Load {
  readonly ledger: Ledger;
  readonly latencies: Latencies;
  readonly payloads: readonly string[];
  /** Publishers whose connection is up. */
  connected(): number;
  /** Stops sending; resolves when everything sent is acknowledged, or after `withinMs`. */
  finish(withinMs: number): Promise<number>;
  close(): void;
}

/** The frozen payload file. */
export function readPayloads(): string[] {
  return readFileSync(join(import.meta.dirname, 'payloads.ndjson'), 'utf8')
    .trimEnd()
    .split('\n');
}

const tickMs = 5;
/** Connections opened in one tick, so that a start is not a storm of its own. */
const opensPerTick = 20;

export function startLoad(options: LoadOptions): Load {
  const { clock } = options;
  const ledger = new Ledger(options.secrets.map(({ deviceId }) => deviceId));
  const latencies = new Latencies();
  const payloads = readPayloads();
  const random = createSeededRandom(options.seed);
  const publishers: Publisher[] = [];
  const startedAt = clock.monotonicMs();
  let owed = 0;
  let lastTickAt = startedAt;
  let turn = 0;
  let sending = true;
  let open = true;

  function openSome(): void {
    for (
      let count = 0;
      count < opensPerTick && publishers.length < options.secrets.length;
      count += 1
    ) {
      const device = publishers.length;
      const secret = options.secrets[device] as DeviceSecretOf;
      const { rate, seed: _seed, secrets: _secrets, ...rest } = options;
      publishers.push(
        new Publisher({
          ...rest,
          device,
          secret,
          random,
          ledger,
          latencies,
          payloads,
          ...(rate === 'max'
            ? { onRoom: (publisher: Publisher) => sending && publisher.send(publisher.room) }
            : {}),
        }),
      );
    }
  }

  /** What the rate owes since the last tick, dealt out in turn to those that have room. */
  function sendOwed(): void {
    const now = clock.monotonicMs();
    if (options.rate === 'max') return;
    owed = Math.min(owed + ((now - lastTickAt) / 1_000) * options.rate, options.rate);
    lastTickAt = now;
    let without = 0;
    while (owed >= 1 && without < publishers.length) {
      const publisher = publishers[turn % publishers.length] as Publisher;
      turn += 1;
      if (publisher.room > 0) {
        publisher.send(1);
        owed -= 1;
        without = 0;
      } else without += 1;
    }
  }

  function tick(): void {
    if (!open) return;
    openSome();
    if (sending) sendOwed();
    clock.schedule(tickMs, tick);
  }
  tick();

  const waiting = () => publishers.reduce((sum, publisher) => sum + publisher.unacknowledged, 0);
  return {
    ledger,
    latencies,
    payloads,
    connected: () => publishers.filter(({ ready }) => ready).length,
    async finish(withinMs) {
      sending = false;
      const until = clock.monotonicMs() + withinMs;
      while (waiting() > 0 && clock.monotonicMs() < until) await sleep(clock, 20);
      return waiting();
    },
    close() {
      open = false;
      for (const publisher of publishers) publisher.close();
    },
  };
}
