/**
 * A flood of readers while stations report each minute: ten thousand polite readers behind a few
 * addresses ask for the latest values, look at pages and follow changes. Devices and operators must
 * not notice; readers are served, or told when to come back.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { sleep, type Clock } from '../../../devices/clock.ts';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { residentMegabytes, threadCpuSeconds } from '../../bench/process-figures.ts';
import { readBalance } from '../../load/balance.ts';
import { Latencies } from '../../load/latency.ts';
import { loadRegistryFile } from '../../load/network.ts';
import { startLoad } from '../../load/run.ts';
import { provision } from '../network.ts';
import { runCommand, runtime, startServerProcess, type ServerProcess } from '../server-process.ts';
import { judge, type FloodFigures, type Readers, type Shares, type Verdict } from './promises.ts';

export interface FloodOptions {
  readonly readers: number;
  /** Of the quiet run, and of the flood once all readers are there. */
  readonly seconds: number;
  readonly rampSeconds: number;
  /** Stations of seven values. */
  readonly devices: number;
  /** Messages a second. */
  readonly rate: number;
  readonly seed: number;
  /** Settings of the server's `api`, beside those of the flood. */
  readonly api?: Readonly<Record<string, unknown>>;
  /** What misses an aim has not held either. */
  readonly isStrict: boolean;
  readonly tell: (line: string) => void;
}

export interface FloodOutcome {
  readonly held: boolean;
  readonly figures: FloodFigures &
    Verdict & { readonly cpuSecondsInFlood: Readonly<Record<string, number>> };
}

const minuteMs = 60_000;
const settleMs = 5_000;

export async function runFlood(options: FloodOptions): Promise<FloodOutcome> {
  const clock = openSystemClock();
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-flood-'));
  const dataDir = join(folder, 'data');
  let server: ServerProcess | undefined;
  try {
    const secrets = await provision(dataDir, loadRegistryFile(options.devices, minuteMs));
    const config = join(folder, 'config.json');
    // Readers come from addresses that a proxy on this machine tells.
    const api = { trustedProxies: ['127.0.0.0/8'], ...options.api };
    writeFileSync(config, JSON.stringify({ api }));
    const words = ['token', 'create', '--role', 'operator', '--data-dir', dataDir];
    const { stdout } = await runCommand(words);
    const { secret: token } = JSON.parse(stdout) as { readonly secret: string };
    server = await startServerProcess({ dataDir, flags: ['--config', config] });
    const { mqttPort } = server.ports;
    const load = startLoad({
      host: '127.0.0.1',
      port: () => mqttPort,
      clock,
      seed: options.seed,
      secrets,
      rate: options.rate,
      window: 10,
      qos2Share: 0,
      duplicateShare: 0,
    });
    try {
      return await play({ options, clock, server, load, token });
    } finally {
      load.close();
    }
  } finally {
    await server?.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Ground {
  readonly options: FloodOptions;
  readonly clock: Clock;
  readonly server: ServerProcess;
  readonly load: ReturnType<typeof startLoad>;
  readonly token: string;
}

async function play(ground: Ground): Promise<FloodOutcome> {
  const { options, clock, server, load } = ground;
  const { pid, ports } = server;
  const api = `http://127.0.0.1:${ports.httpPort}`;
  while (load.connected() < options.devices) await sleep(clock, 50);
  await sleep(clock, settleMs);
  options.tell('quiet');
  load.latencies.take();
  await sleep(clock, options.seconds * 1_000);
  const quiet = sharesOf(load.latencies.take());
  const before = residentMegabytes(pid).now;
  options.tell(`flood of ${options.readers} readers`);
  const readers = startReaders(ports.httpPort, options);
  await sleep(clock, options.rampSeconds * 1_000 + settleMs);
  const begun = readers.tally();
  const cpuBefore = threadCpuSeconds(pid);
  const operators = watchOperators(ground, api);
  load.latencies.take();
  await sleep(clock, options.seconds * 1_000);
  const flood = sharesOf(load.latencies.take());
  const called = await operators.stop();
  const ended = readers.tally();
  const cpu = Object.entries(threadCpuSeconds(pid)).map(
    ([thread, seconds]) =>
      [thread, Math.round((seconds - (cpuBefore[thread] ?? 0)) * 100) / 100] as const,
  );
  await readers.stop();
  const memory = residentMegabytes(pid);
  const unacknowledged = await load.finish(20_000);
  while ((await readBalance(api)).readingsInFlight > 0) await sleep(clock, 200);
  const answered = (each: Readers): number => each.served + each.notModified + each.told;
  const figures: FloodFigures = {
    seed: options.seed,
    readersWanted: options.readers,
    readers: ended,
    answeredPerSecond: Math.round((answered(ended) - answered(begun)) / options.seconds),
    quiet,
    flood,
    operators: called,
    unacknowledged,
    balanceExact: (await readBalance(api)).exact,
    residentMegabytes: { before, after: memory.now, peak: memory.peak },
  };
  const verdict = judge(figures);
  const held = verdict.broken.length === 0 && (!options.isStrict || verdict.missed.length === 0);
  const cpuSecondsInFlood = Object.fromEntries(cpu.filter(([, seconds]) => seconds > 0.1));
  return { held, figures: { ...figures, cpuSecondsInFlood, ...verdict } };
}

function sharesOf(latencies: Latencies): Shares {
  const { count } = latencies;
  return { p50Ms: latencies.percentile(0.5), p99Ms: latencies.percentile(0.99), count };
}

/** An operator looks at this and that, five times a second, one call after the other. */
function watchOperators({ clock, token, options: { tell } }: Ground, api: string) {
  const paths = ['/api/v1/admin/health', '/api/v1/admin/stations', '/api/v1/latest?limit=10'];
  const latencies = new Latencies();
  let failed = 0;
  let isOpen = true;
  const run = async (): Promise<void> => {
    for (let turn = 0; isOpen; turn += 1) {
      const beganMs = clock.monotonicMs();
      const headers = { authorization: `Bearer ${token}` };
      try {
        const answer = await fetch(api + paths[turn % paths.length], { headers });
        await answer.arrayBuffer();
        if (!answer.ok) failed += 1;
      } catch (error) {
        failed += 1;
        tell(`operator: ${String((error as Error).cause ?? error)}`);
      }
      latencies.add(clock.monotonicMs() - beganMs);
      await sleep(clock, 200);
    }
  };
  const ended = run();
  return {
    async stop() {
      isOpen = false;
      await ended;
      return { ...sharesOf(latencies), failed };
    },
  };
}

function startReaders(port: number, { readers, rampSeconds, seed }: FloodOptions) {
  const flags = {
    '--port': port,
    '--readers': readers,
    '--ramp-seconds': rampSeconds,
    '--seed': seed,
  };
  const words = Object.entries(flags).flatMap(([name, value]) => [name, String(value)]);
  const child: ChildProcess = spawn(
    runtime(),
    [join(import.meta.dirname, 'readers.ts'), ...words],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  let last: Readers | undefined;
  createInterface({ input: child.stdout! }).on('line', (line) => {
    last = JSON.parse(line) as Readers;
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    tally(): Readers {
      if (last === undefined || child.exitCode !== null) throw new Error('the readers have ended');
      return last;
    },
    async stop() {
      child.stdin?.end();
      await gone;
    },
  };
}
