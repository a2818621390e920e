/**
 * A month of 1,000 series at ten minutes, 4.46 million rows in one of 31 days: as Parquet over HTTP by
 * one question, then as the files of the month, by the thread that makes them.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { sleep, type Clock } from '../../devices/clock.ts';
import { readBalance } from '../load/balance.ts';
import { loadChannels, loadRegistryFile } from '../load/network.ts';
import { provision } from '../scenario/network.ts';
import { startServerProcess } from '../scenario/server-process.ts';
import { fill } from './feeds-filling.ts';
import { openAsker } from './feeds-questions.ts';
import { print, round } from './figures.ts';

const stepMs = 600_000;
const hourMs = 3_600_000;
/** Of the stations, all in Viet Nam. */
const offsetMs = 7 * hourMs;
const dataset = 'load~weather';
/** Of `loadChannels`, the first: those of one dataset. */
const channels = 5;
const tries = 3;

export interface MonthBench {
  readonly clock: Clock;
  readonly folder: string;
  readonly seed: number;
  readonly series: number;
}

interface Span {
  readonly name: string;
  readonly fromAt: number;
  readonly toAt: number;
}

/** The last month that has ended, where the stations are. */
function lastMonth(nowAt: number): Span {
  const local = new Date(nowAt + offsetMs);
  const begin = (behind: number) =>
    Date.UTC(local.getUTCFullYear(), local.getUTCMonth() + behind, 1) - offsetMs;
  const name = new Date(begin(-1) + offsetMs).toISOString().slice(0, 7);
  return { name, fromAt: begin(-1), toAt: begin(0) };
}

export async function measureMonth(bench: MonthBench): Promise<void> {
  const month = lastMonth(bench.clock.now());
  const dataDir = join(bench.folder, 'month');
  const quiet = configFile(bench, 'quiet', { bulkSettleHours: 8_760 });
  await fillMonth(bench, { dataDir, config: quiet, month });
  await measureQuestion(bench, { dataDir, config: quiet, month });
  const making = configFile(bench, 'making', { bulkSettleHours: 0 });
  await measureFiles({ dataDir, config: making, month });
}

function configFile({ folder }: MonthBench, name: string, api: object): string {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, JSON.stringify({ ingest: { store: { tailAgeMsMax: 1_000 } }, api }));
  return path;
}

interface Place {
  readonly dataDir: string;
  readonly config: string;
  readonly month: Span;
}

async function fillMonth(
  { clock, seed, series }: MonthBench,
  { dataDir, config, month }: Place,
): Promise<void> {
  const stations = Math.ceil(series / channels);
  const secrets = await provision(dataDir, loadRegistryFile(stations, stepMs));
  const server = await startServerProcess({ dataDir, flags: ['--config', config] });
  const beganMs = clock.monotonicMs();
  try {
    const door = { host: '127.0.0.1', port: server.ports.mqttPort };
    const { fromAt, toAt } = month;
    const records = secrets.map((secret) => ({ secret, channels, fromAt, toAt, stepMs }));
    const values = await fill(door, records, seed);
    const api = `http://127.0.0.1:${server.ports.httpPort}`;
    while ((await readBalance(api)).readingsInFlight > 0) await sleep(clock, 200);
    print('monthDataSet', {
      seed,
      series: stations * channels,
      month: month.name,
      stepMs,
      values,
      filledMs: Math.round(clock.monotonicMs() - beganMs),
    });
  } finally {
    await server.stop();
  }
}

/** Answers are read to their last byte; each is told, so that nothing is hidden in a mean. */
async function measureQuestion(
  { clock }: MonthBench,
  { dataDir, config, month }: Place,
): Promise<void> {
  const server = await startServerProcess({ dataDir, flags: ['--config', config] });
  try {
    const asker = openAsker(server.ports.httpPort, () => clock.monotonicMs());
    while ((await asker.ask('/readyz')).status !== 200) await sleep(clock, 100);
    const properties = loadChannels.slice(0, channels).map(([, property]) => property);
    const [from, to] = [month.fromAt, month.toAt].map((at) => new Date(at).toISOString());
    const path = `/api/v1/observations.parquet?property=${properties.join()}&from=${from}&to=${to}`;
    for (let left = tries; left > 0; left -= 1) {
      const { status, bytes, firstMs, wholeMs, text } = await asker.ask(path);
      const refused = status === 200 ? {} : { text: text.slice(0, 500) };
      print('monthAsParquet', {
        status,
        bytes,
        firstByteMs: round(firstMs),
        wholeMs: round(wholeMs),
        ...refused,
      });
      if (status !== 200) return;
    }
    asker.close();
  } finally {
    await server.stop();
  }
}

/** As the server tells it: Parquet and CSV under gzip, in one pass, and what describes them. */
async function measureFiles({ dataDir, config, month }: Place): Promise<void> {
  let tell = (_line: Readonly<Record<string, unknown>>): void => undefined;
  const made = new Promise<Readonly<Record<string, unknown>>>((resolve) => (tell = resolve));
  const onLine = (line: string): void => {
    if (!line.startsWith('{')) return;
    const told = JSON.parse(line) as Readonly<Record<string, unknown>>;
    const { dataset: of, month: at, seconds } = told;
    if (of === dataset && at === month.name && seconds !== undefined) tell(told);
  };
  const server = await startServerProcess({ dataDir, flags: ['--config', config], onLine });
  try {
    const { rows, bytes, seconds } = await made;
    print('monthFilesMade', { dataset, month: month.name, rows, bytes, seconds });
  } finally {
    await server.stop();
  }
}
