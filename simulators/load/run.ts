/** Drives a load: many publishers, at a rate or as fast as the server acknowledges. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep, type Clock } from '../../devices/clock.ts';
import { createSeededRandom } from '../../devices/random.ts';
import { defaultSimulatorsConfig, type SimulatorsConfig } from '../config.ts';
import type { DeviceSecretOf } from '../device.ts';
import type { Trust } from '../trust.ts';
import { Latencies } from './latency.ts';
import { Ledger } from './ledger.ts';
import { Publisher } from './publisher.ts';

export interface LoadOptions {
  readonly host: string;
  /** Asked at each connection of the device with this number: it may go elsewhere each time. */
  readonly port: (device: number) => number;
  /** MQTT over TLS, to a server that this trusts; plain MQTT without. */
  readonly trust?: Trust | undefined;
  /** The defaults unless given. */
  readonly config?: SimulatorsConfig;
  readonly clock: Clock;
  readonly seed: number;
  readonly secrets: readonly DeviceSecretOf[];
  /** Messages a second over all devices, or `max` for a closed loop. */
  readonly rate: number | 'max';
  readonly window: number;
  readonly qos2Share: number;
  readonly duplicateShare: number;
  /** Share of messages that cannot be understood, 0 to 1. */
  readonly poisonShare?: number;
}

export interface Load {
  readonly ledger: Ledger;
  readonly latencies: Latencies;
  readonly payloads: readonly string[];
  /** Messages that cannot be understood and were acknowledged. */
  poisonKept(): number;
  /** Publishers whose connection is up. */
  connected(): number;
  /** Cuts the device's connection without a word; it comes back by itself, to where `port` says. */
  cut(device: number): void;
  /** Why a connection broke or was refused, of the last one that did. */
  problem(): string | undefined;
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

/** Deals out in turn what a rate owes since the last call, to publishers that have room. */
function createPacer(clock: Clock, rate: number, publishers: readonly Publisher[]): () => void {
  let owed = 0;
  let lastAt = clock.monotonicMs();
  let turn = 0;
  return () => {
    const now = clock.monotonicMs();
    owed = Math.min(owed + ((now - lastAt) / 1_000) * rate, rate);
    lastAt = now;
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
  };
}

export function startLoad(options: LoadOptions): Load {
  const { clock, rate, secrets, config = defaultSimulatorsConfig() } = options;
  const ledger = new Ledger(secrets.map(({ deviceId }) => deviceId));
  const latencies = new Latencies();
  const payloads = readPayloads();
  const random = createSeededRandom(options.seed);
  const publishers: Publisher[] = [];
  const sendOwed = rate === 'max' ? () => {} : createPacer(clock, rate, publishers);
  let sending = true;
  let open = true;
  let poisonKept = 0;
  let problem: string | undefined;

  function openSome(): void {
    const count = Math.min(secrets.length - publishers.length, config.loadOpensMax);
    for (let left = count; left > 0; left -= 1) {
      const device = publishers.length;
      const secret = secrets[device] as DeviceSecretOf;
      const { rate: _rate, seed: _seed, secrets: _secrets, port, ...rest } = options;
      const asked = { ...rest, port: () => port(device) };
      const onPoisonKept = () => (poisonKept += 1);
      const onBroken = (why: string) => (problem = why);
      const kept = { random, ledger, latencies, payloads };
      const common = { ...asked, ...kept, config, onPoisonKept, onBroken };
      const onRoom = (publisher: Publisher) => sending && publisher.send(publisher.room);
      publishers.push(
        new Publisher({ ...common, device, secret, ...(rate === 'max' ? { onRoom } : {}) }),
      );
    }
  }

  function tick(): void {
    if (!open) return;
    openSome();
    if (sending) sendOwed();
    clock.schedule(config.loadTickMs, tick);
  }
  tick();

  const waiting = () => publishers.reduce((sum, publisher) => sum + publisher.unacknowledged, 0);
  return {
    ledger,
    latencies,
    payloads,
    poisonKept: () => poisonKept,
    problem: () => problem,
    connected: () => publishers.filter(({ ready }) => ready).length,
    cut: (device) => publishers[device]?.cut(),
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
