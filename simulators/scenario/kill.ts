/**
 * `kill -9` at random instants of the whole process under load, also while it recovers. The ledger
 * outside knows what was acknowledged; at the end the open API must have all of it once.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, type Clock } from '../../devices/clock.ts';
import { openSystemClock } from '../../devices/clock-system.ts';
import { createSeededRandom } from '../../devices/random.ts';
import { audit, type Audit } from '../load/audit.ts';
import type { Ledger } from '../load/ledger.ts';
import { loadChannels } from '../load/network.ts';
import { startLoad } from '../load/run.ts';
import { readBalance, type Balance } from '../load/balance.ts';
import { provisionLoad } from './network.ts';
import { spawnServer, startServerProcess, type ServerProcess } from './server-process.ts';

export interface KillOptions {
  readonly rounds: number;
  readonly devices: number;
  /** Messages a second. */
  readonly rate: number;
  readonly seed: number;
  readonly tell: (line: string) => void;
}

export interface KillOutcome extends Audit {
  readonly kills: number;
  readonly killsDuringRecovery: number;
  /** Kill → the next acknowledgement of a publish, ascending, milliseconds. */
  readonly acceptMs: readonly number[];
  /** Kill → every door open, the API with all that was kept before, ascending, milliseconds. */
  readonly recoveryMs: readonly number[];
  readonly balance: Balance;
  readonly unacknowledged: number;
}

/** How long the server runs between two kills: at least, and spread over. */
const runMsMin = 50;
const runMsSpread = 750;
const settleMsMax = 60_000;

export async function runKill(options: KillOptions): Promise<KillOutcome> {
  const clock = openSystemClock();
  const random = createSeededRandom(options.seed);
  const dataDir = mkdtempSync(join(tmpdir(), 'quantrac-kill-'));
  let server: ServerProcess | undefined;
  try {
    const secrets = await provisionLoad(dataDir, options.devices);
    server = await startServerProcess({ dataDir });
    const ports = server.ports;
    const load = startLoad({
      host: '127.0.0.1',
      port: () => ports.mqttPort,
      clock,
      seed: options.seed,
      secrets,
      rate: options.rate,
      window: 20,
      qos2Share: 0.1,
      duplicateShare: 0.02,
    });
    const recoveryMs: number[] = [];
    const acceptMs: number[] = [];
    let killsDuringRecovery = 0;
    let kills = 0;
    while (kills < options.rounds) {
      await sleep(clock, runMsMin + random.next() * runMsSpread);
      await server.kill();
      kills += 1;
      let startedMs = clock.monotonicMs();
      // One round in five kills the recovery as well, before it has got anywhere in particular.
      if (random.next() < 0.2 && kills < options.rounds) {
        const early = spawnServer({ dataDir, ports });
        await sleep(clock, random.next() * 700);
        const gone = new Promise((resolve) => early.child.once('exit', resolve));
        early.child.kill('SIGKILL');
        await gone;
        kills += 1;
        killsDuringRecovery += 1;
        startedMs = clock.monotonicMs();
      }
      const { acknowledged } = load.ledger.totals();
      const starting = startServerProcess({ dataDir, ports });
      const accepting = acceptedAgain(load.ledger, acknowledged, clock);
      server = await starting;
      recoveryMs.push(clock.monotonicMs() - startedMs);
      acceptMs.push((await accepting) - startedMs);
      if (kills % 20 < 2)
        options.tell(`${kills} kills, ${load.ledger.totals().acknowledged} acknowledged`);
    }
    const unacknowledged = await load.finish(20_000);
    load.close();
    const api = `http://127.0.0.1:${ports.httpPort}`;
    const balance = await settled(api, clock);
    const channels = new Map(loadChannels.map(([channel, property]) => [property, channel]));
    const found = await audit({ api, ledger: load.ledger, payloads: load.payloads, channels });
    recoveryMs.sort((a, b) => a - b);
    acceptMs.sort((a, b) => a - b);
    return { ...found, kills, killsDuringRecovery, acceptMs, recoveryMs, balance, unacknowledged };
  } finally {
    await server?.kill();
    rmSync(dataDir, { recursive: true });
  }
}

/** Monotonic instant of the first acknowledgement beyond those counted before. */
async function acceptedAgain(ledger: Ledger, before: number, clock: Clock): Promise<number> {
  while (ledger.totals().acknowledged === before) await sleep(clock, 5);
  return clock.monotonicMs();
}

/** Waits until nothing is in flight. */
async function settled(api: string, clock: ReturnType<typeof openSystemClock>): Promise<Balance> {
  const until = clock.monotonicMs() + settleMsMax;
  for (;;) {
    const balance = await readBalance(api);
    if (balance.readingsInFlight === 0) return balance;
    if (clock.monotonicMs() > until)
      throw new Error(`${balance.readingsInFlight} readings are still in flight`);
    await sleep(clock, 100);
  }
}

export function percentile(ascending: readonly number[], share: number): number {
  return (
    ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? Number.NaN
  );
}
