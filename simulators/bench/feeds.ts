/**
 * `npm run bench:feeds`: what readers of the open feeds wait for, on this machine, over the wire: a
 * server of its own is filled over MQTT with a network of 10,000 series and a year of one of them,
 * started again, and asked. Prints machine, seed, data set and raw figures as JSON lines.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { sleep } from '../../devices/clock.ts';
import { openSystemClock } from '../../devices/clock-system.ts';
import { readBalance } from '../load/balance.ts';
import { loadChannels, loadRegistryFile } from '../load/network.ts';
import { provision } from '../scenario/network.ts';
import { startServerProcess, type ServerProcess } from '../scenario/server-process.ts';
import { fill } from './feeds-filling.ts';
import { measureMonth } from './feeds-month.ts';
import { openAsker, type Asker, type Timed } from './feeds-questions.ts';
import { dearQuestions, searchWorst } from './feeds-worst.ts';
import { print, round } from './figures.ts';
import { machine, residentMegabytes } from './process-figures.ts';

const clock = openSystemClock();
const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    /** Series of the network, at least. */
    series: { type: 'string', default: '10000' },
    /** Worst questions that are tried. */
    tries: { type: 'string', default: '300' },
    /** Series of the month that is given out as Parquet; 0: none. */
    monthSeries: { type: 'string', default: '1000' },
  },
});
const seed = Number(flags.seed);
const minuteMs = 60_000;
const dayMs = 1_440 * minuteMs;
const stations = Math.ceil(Number(flags.series) / loadChannels.length);
const nowAt = Math.floor(clock.now() / minuteMs) * minuteMs;
const yearSeries = 'load-00001.air-temperature';

/** Fills a data folder through a server; the folder is then as that of a server that was stopped. */
async function fillFolder(dataDir: string, config: string): Promise<void> {
  const secrets = await provision(dataDir, loadRegistryFile(stations, minuteMs));
  const server = await startServerProcess({ dataDir, flags: ['--config', config] });
  const beganMs = clock.monotonicMs();
  try {
    const door = { host: '127.0.0.1', port: server.ports.mqttPort };
    const record = { toAt: nowAt, stepMs: minuteMs };
    const [first, ...others] = secrets;
    const year = { ...record, secret: first!, channels: 1, fromAt: nowAt - 365 * dayMs };
    const hours = others.map((secret) => ({
      ...record,
      secret,
      channels: loadChannels.length,
      fromAt: nowAt - 30 * minuteMs,
    }));
    const rest = { ...record, secret: first!, channels: loadChannels.length, fromAt: nowAt };
    const values = await fill(door, [year, ...hours, { ...rest, toAt: nowAt + minuteMs }], seed);
    const api = `http://127.0.0.1:${server.ports.httpPort}`;
    while ((await readBalance(api)).readingsInFlight > 0) await sleep(clock, 200);
    print('dataSet', {
      seed,
      stations,
      series: stations * loadChannels.length,
      values,
      yearOfMinutes: yearSeries,
      filledMs: Math.round(clock.monotonicMs() - beganMs),
    });
  } finally {
    await server.stop();
  }
}

function figures({ latencies, first, last }: Timed): Record<string, unknown> {
  return {
    status: last.status,
    bytes: last.bytes,
    p50Ms: round(latencies.percentile(0.5)),
    p95Ms: round(latencies.percentile(0.95)),
    maxMs: round(latencies.greatestMs),
    firstByteP95Ms: round(first.percentile(0.95)),
    count: latencies.count,
  };
}

const instant = (at: number): string => new Date(at).toISOString();

async function measureFeeds(asker: Asker): Promise<void> {
  const ok = { status: 200 };
  for (let left = 20; left > 0; left -= 1) await asker.ask('/api/v1/latest');
  // With a limit none is answered with a body that is ready.
  print('latestWritten', figures(await asker.time('/api/v1/latest?limit=1000000', 100, ok)));
  print('latestReady', figures(await asker.time('/api/v1/latest', 100, ok)));
  const brotli = { ...ok, headers: { 'accept-encoding': 'br' } };
  print('latestReadyBrotli', figures(await asker.time('/api/v1/latest', 100, brotli)));
  const etag = String((await asker.ask('/api/v1/latest')).headers['etag']);
  const held = { status: 304, headers: { 'if-none-match': etag } };
  print('latestNotModified', figures(await asker.time('/api/v1/latest', 200, held)));
  const year = `datastream=${yearSeries}&from=${instant(nowAt - 365 * dayMs)}`;
  const daily = `/api/v1/aggregates?${year}&window=P1D`;
  print('yearOfMinutesAsDays', figures(await asker.time(daily, 50, ok)));
  const day = `/api/v1/observations?datastream=${yearSeries}&from=${instant(nowAt - dayMs)}&limit=2000`;
  print('dayOfOneSeries', figures(await asker.time(day, 100, ok)));
}

async function measureWorst(asker: Asker): Promise<void> {
  const worst = await searchWorst(asker, { seed, tries: Number(flags.tries), nowAt, yearSeries });
  print('worstAllowed', { ...worst });
  for (const [name, path] of Object.entries(dearQuestions(yearSeries))) {
    const timed = await asker.time(path, 50, { status: 400 });
    const { code } = JSON.parse(timed.last.text) as { readonly code: string };
    print('refusal', { name, code, ...figures(timed) });
  }
}

const folder = mkdtempSync(join(tmpdir(), 'quantrac-bench-feeds-'));
let server: ServerProcess | undefined;
try {
  print('machine', { machine: machine(), seed });
  const dataDir = join(folder, 'data');
  // What came in a minute ago is in the view, as what is measured was long ago where it counts.
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify({ ingest: { store: { tailAgeMsMax: 1_000 } } }));
  await fillFolder(dataDir, config);
  server = await startServerProcess({ dataDir, flags: ['--config', config] });
  const asker = openAsker(server.ports.httpPort, () => clock.monotonicMs());
  while ((await asker.ask('/readyz')).status !== 200) await sleep(clock, 100);
  await measureFeeds(asker);
  await measureWorst(asker);
  print('resident', { residentMegabytes: residentMegabytes(server.pid) });
  asker.close();
  await server.stop();
  server = undefined;
  const monthSeries = Number(flags.monthSeries);
  if (monthSeries > 0) await measureMonth({ clock, folder, seed, series: monthSeries });
} finally {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}
