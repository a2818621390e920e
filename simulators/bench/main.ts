/**
 * `npm run bench`: the whole way of an observation on this machine, generator beside the server; with
 * `--profile cluster` the same beside a cluster with real servers (`cluster.ts`). Prints machine, seed,
 * load and raw figures as JSON lines.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sleep } from '../../devices/clock.ts';
import { openSystemClock } from '../../devices/clock-system.ts';
import type { DeviceSecretOf } from '../device.ts';
import { loadChannels } from '../load/network.ts';
import { startLoad } from '../load/run.ts';
import { readBalance } from '../load/balance.ts';
import { provisionLoad } from '../scenario/network.ts';
import { startServerProcess, type ServerProcess } from '../scenario/server-process.ts';
import { runClusterBench } from './cluster.ts';
import { print, round, shares } from './figures.ts';
import { watchLive, watchRest } from './freshness.ts';
import { openIdle } from './idle.ts';
import {
  cpuSeconds,
  folderBytes,
  machine,
  residentMegabytes,
  threadCpuSeconds,
} from './process-figures.ts';
import { viewBytes } from './view-bytes.ts';

const clock = openSystemClock();
const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '15' },
    devices: { type: 'string', default: '1000' },
    idle: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: 'throughput,latency,never,delay,idle,workers' },
    profile: { type: 'string', default: 'machine' },
    rate: { type: 'string', default: '2000' },
    backlog: { type: 'string', default: '30000' },
    workers: { type: 'string', default: '1,2,4' },
    ack: { type: 'string', default: 'local' },
  },
});
const seconds = Number(flags.seconds);
const devices = Number(flags.devices);
const seed = Number(flags.seed);
const observationsPerMessage = loadChannels.length;

interface Bed {
  readonly dataDir: string;
  readonly server: ServerProcess;
  readonly secrets: readonly DeviceSecretOf[];
  readonly api: string;
}

/** A fresh server with the load's network, under a configuration of its own. */
async function withServer<Result>(
  config: unknown,
  work: (bed: Bed) => Promise<Result>,
): Promise<Result> {
  const dataDir = mkdtempSync(join(tmpdir(), 'quantrac-bench-'));
  const configFile = `${dataDir}.json`;
  writeFileSync(configFile, JSON.stringify(config));
  let server: ServerProcess | undefined;
  try {
    const secrets = await provisionLoad(dataDir, devices);
    server = await startServerProcess({ dataDir, flags: ['--config', configFile] });
    return await work({
      dataDir,
      server,
      secrets,
      api: `http://127.0.0.1:${server.ports.httpPort}`,
    });
  } finally {
    await server?.kill();
    rmSync(dataDir, { recursive: true });
    rmSync(configFile);
  }
}

function startOn(bed: Bed, rate: number | 'max') {
  return startLoad({
    host: '127.0.0.1',
    port: () => bed.server.ports.mqttPort,
    clock,
    seed,
    secrets: bed.secrets,
    rate,
    window: 10,
    qos2Share: 0,
    duplicateShare: 0,
  });
}

/** Each look at the metrics costs the measured process some ten milliseconds of CPU. */
const settledPollMs = 200;

async function drained(api: string): Promise<void> {
  while ((await readBalance(api)).readingsInFlight > 0) await sleep(clock, settledPollMs);
}

async function throughput(name: string, config: unknown): Promise<number> {
  return withServer(config, async (bed) => {
    const { pid } = bed.server;
    const load = startOn(bed, 'max');
    while (load.connected() < devices) await sleep(clock, 20);
    await sleep(clock, 2_000);
    const before = { at: clock.monotonicMs(), cpu: cpuSeconds(pid), ...load.ledger.totals() };
    const threadsBefore = threadCpuSeconds(pid);
    await sleep(clock, seconds * 1_000);
    const after = { at: clock.monotonicMs(), ...load.ledger.totals() };
    await load.finish(20_000);
    await drained(bed.api);
    const end = { at: clock.monotonicMs(), cpu: cpuSeconds(pid), ...load.ledger.totals() };
    load.close();
    const messages = after.acknowledged - before.acknowledged;
    const settled = end.acknowledged - before.acknowledged;
    const threads = Object.entries(threadCpuSeconds(pid)).map(([thread, cpu]) => [
      thread,
      round(cpu - (threadsBefore[thread] ?? 0)),
    ]);
    const messageRate = messages / ((after.at - before.at) / 1_000);
    const observations = end.acknowledged * observationsPerMessage;
    print(name, {
      acknowledgedPerSecond: round(messageRate),
      pubackP50Ms: round(load.latencies.percentile(0.5)),
      pubackP99Ms: round(load.latencies.percentile(0.99)),
      observationsPerSecondToQueryable: round(
        (settled * observationsPerMessage) / ((end.at - before.at) / 1_000),
      ),
      observationsPerCpuSecond: round((settled * observationsPerMessage) / (end.cpu - before.cpu)),
      cpuSecondsByThread: Object.fromEntries(threads.filter(([, cpu]) => Number(cpu) > 0.05)),
      residentMegabytes: residentMegabytes(pid),
      readingsBytesPerObservation: round(
        folderBytes(join(bed.dataDir, 'readings'), /\.segment$/) / observations,
      ),
      observationsBytesPerObservation: round(
        folderBytes(join(bed.dataDir, 'observations'), /\.segment$/) / observations,
      ),
      view: viewBytes(join(bed.dataDir, 'view.db')),
    });
    return messageRate;
  });
}

async function latency(name: string, config: unknown): Promise<void> {
  await withServer(config, async (bed) => {
    const { pid } = bed.server;
    const load = startOn(bed, 2_000);
    while (load.connected() < devices) await sleep(clock, 20);
    await sleep(clock, 2_000);
    const live = await watchLive(bed.api);
    const rest = watchRest(bed.api, bed.secrets[0]?.deviceId ?? '', 'air-temperature');
    const cpuBefore = cpuSeconds(pid);
    await sleep(clock, seconds * 1_000);
    const cpu = cpuSeconds(pid) - cpuBefore;
    await Promise.all([live.stop(), rest.stop()]);
    await load.finish(20_000);
    load.close();
    print(name, {
      rate: 2_000,
      puback: shares(load.latencies),
      publishToSse: shares(live.latencies),
      publishToRest: shares(rest.latencies),
      cores: round(cpu / seconds),
      residentMegabytes: residentMegabytes(pid),
    });
    if (name !== 'latency') return;
    const killedAt = clock.monotonicMs();
    await bed.server.kill();
    const again = await startServerProcess({ dataDir: bed.dataDir });
    print('recovery', { killToListeningMs: Math.round(clock.monotonicMs() - killedAt) });
    await again.kill();
  });
}

async function idle(): Promise<void> {
  const count = Number(flags.idle);
  await withServer({}, async (bed) => {
    const before = residentMegabytes(bed.server.pid).now;
    const close = await openIdle(bed.server.ports.mqttPort, count);
    await sleep(clock, 1_000);
    const after = residentMegabytes(bed.server.pid).now;
    print('idle', {
      connections: count,
      residentMegabytes: after,
      kilobytesPerConnection: round(((after - before) * 1_024) / count),
    });
    close();
  });
}

print('machine', {
  machine: machine(),
  seed,
  seconds,
  devices,
  observationsPerMessage,
  window: 10,
});
const wanted = flags.only.split(',');
if (flags.profile === 'cluster') {
  await runClusterBench({
    clock,
    seconds,
    devices,
    seed,
    rate: Number(flags.rate),
    backlog: Number(flags.backlog),
    workers: flags.workers.split(',').map(Number),
    ack: flags.ack === 'replicated' ? 'replicated' : 'local',
    wanted,
  });
  process.exit(0);
}
const rate = wanted.includes('throughput') ? await throughput('throughput', {}) : Number.NaN;
if (wanted.includes('latency')) await latency('latency', {});
if (wanted.includes('never')) {
  const unsynced = await throughput('throughputWithoutSync', { log: { sync: 'never' } });
  print('syncRatio', { withSyncToWithout: round(rate / unsynced) });
}
if (wanted.includes('delay')) {
  await throughput('throughputWith5MsCommits', { log: { commitDelayMs: 5 } });
  await latency('latencyWith5MsCommits', { log: { commitDelayMs: 5 } });
}
if (wanted.includes('idle')) await idle();
process.exit(0);
