/**
 * The disk fills under load: acknowledgements stop, reading goes on, and once there is space again the
 * server goes on by itself. Needs the right to mount a small file system in memory.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, type Clock } from '../../devices/clock.ts';
import { openSystemClock } from '../../devices/clock-system.ts';
import { audit, type Audit } from '../load/audit.ts';
import { readBalance, type Balance } from '../load/balance.ts';
import type { Ledger } from '../load/ledger.ts';
import { loadChannels } from '../load/network.ts';
import { startLoad } from '../load/run.ts';
import { provisionLoad } from './network.ts';
import { startServerProcess, type ServerProcess } from './server-process.ts';

export interface DiskFullOptions {
  readonly devices: number;
  readonly rate: number;
  readonly seed: number;
}

export interface DiskFullOutcome extends Audit {
  /** Acknowledgements in the two seconds after the disk was full for a while. */
  readonly acknowledgedWhileFull: number;
  readonly statusOfLatestWhileFull: number;
  readonly statusOfReadyWhileFull: number;
  /** Space given back → first acknowledgement. */
  readonly resumedMs: number;
  readonly balance: Balance;
  readonly unacknowledged: number;
}

/** The machine does not let this process mount a file system: the scenario cannot be played here. */
export class MountRefused extends Error {}

const megabytes = 48;
/** Held by a file that is deleted to give space back. */
const ballastMegabytes = 24;
const resumeMsMax = 30_000;
/** To write the disk full, and to decide what was acknowledged. */
const waitMsMax = 120_000;

export async function runDiskFull(options: DiskFullOptions): Promise<DiskFullOutcome> {
  const clock = openSystemClock();
  const mountedAt = mkdtempSync(join(tmpdir(), 'quantrac-full-'));
  mount(mountedAt);
  let server: ServerProcess | undefined;
  try {
    const dataDir = join(mountedAt, 'data');
    const ballast = join(mountedAt, 'ballast');
    writeFileSync(ballast, Buffer.alloc(ballastMegabytes * 2 ** 20));
    const secrets = await provisionLoad(dataDir, options.devices);
    server = await startServerProcess({ dataDir });
    const { mqttPort, httpPort } = server.ports;
    const api = `http://127.0.0.1:${httpPort}`;
    const load = startLoad({
      ...options,
      host: '127.0.0.1',
      port: () => mqttPort,
      clock,
      secrets,
      window: 20,
      qos2Share: 0,
      duplicateShare: 0,
    });
    await stalled(load.ledger, mountedAt, clock);
    const before = load.ledger.totals().acknowledged;
    await sleep(clock, 2_000);
    const acknowledgedWhileFull = load.ledger.totals().acknowledged - before;
    const statusOfLatestWhileFull = (await fetch(`${api}/api/v1/latest`)).status;
    const statusOfReadyWhileFull = (await fetch(`${api}/readyz`)).status;
    unlinkSync(ballast);
    const freedAt = clock.monotonicMs();
    const whenFreed = load.ledger.totals().acknowledged;
    while (
      load.ledger.totals().acknowledged === whenFreed &&
      clock.monotonicMs() - freedAt < resumeMsMax
    )
      await sleep(clock, 10);
    const resumedMs = clock.monotonicMs() - freedAt;
    await sleep(clock, 1_000);
    const unacknowledged = await load.finish(20_000);
    load.close();
    await until(clock, async () => (await readBalance(api)).readingsInFlight === 0);
    const channels = new Map(loadChannels.map(([channel, property]) => [property, channel]));
    const found = await audit({ api, ledger: load.ledger, payloads: load.payloads, channels });
    const balance = await readBalance(api);
    return {
      ...found,
      acknowledgedWhileFull,
      statusOfLatestWhileFull,
      statusOfReadyWhileFull,
      resumedMs,
      balance,
      unacknowledged,
    };
  } finally {
    await server?.kill();
    execFileSync('umount', [mountedAt]);
    rmSync(mountedAt, { recursive: true });
  }
}

function mount(path: string): void {
  const words = ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path];
  try {
    execFileSync('mount', words, { stdio: 'pipe' });
  } catch (error) {
    rmSync(path, { recursive: true });
    throw new MountRefused(String(error), { cause: error });
  }
}

/** Resolves when nothing was acknowledged for a second and the disk is full. */
function stalled(ledger: Ledger, path: string, clock: Clock): Promise<void> {
  return until(clock, async () => {
    const before = ledger.totals().acknowledged;
    await sleep(clock, 1_000);
    const isStill = before > 0 && ledger.totals().acknowledged === before;
    const { bavail, bsize } = statfsSync(path);
    return isStill && bavail * bsize < 4 * 2 ** 20;
  });
}

async function until(clock: Clock, isDone: () => Promise<boolean>): Promise<void> {
  const giveUpMs = clock.monotonicMs() + waitMsMax;
  while (!(await isDone())) {
    if (clock.monotonicMs() > giveUpMs) throw new Error(`not within ${waitMsMax} ms`);
    await sleep(clock, 50);
  }
}
