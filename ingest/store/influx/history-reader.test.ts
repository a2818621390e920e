import { expect, it, onTestFinished } from 'vitest';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { describeHistory, type HistoryUnderTest } from '../history.contract.ts';
import { askHistory } from '../asking.contract.ts';
import { isCircularSeries } from '../naive.contract.ts';
import { plainSeed } from '../store.contract.ts';
import { createWorld } from '../world.contract.ts';
import type { InfluxConfig } from './config.ts';
import { openHistoryReader } from './history-reader.ts';
import { configFor, openInfluxView, serverOf, type InfluxServer } from './influx.fixture.ts';
import { measurementsOf } from './schema.ts';
import { startInfluxDouble } from './server.fixture.ts';

/** Few shapes and points to a page, so that few rows meet every way. */
const small: Partial<InfluxConfig> = { shapesMax: 3, pageRowsMax: 16, seriesCacheMax: 2 };

describeHistory('InfluxDB, the double', {
  numRuns: 15,
  async open() {
    const server = await startInfluxDouble();
    const view = openInfluxView(configFor(server, small), 'token', openSystemClock());
    return {
      reader: view.reader,
      take: (position, batch) => view.take(position, batch),
      async remove() {
        view.close();
        await server.close();
      },
    };
  },
});

it('answers at the position that it is told, whatever is stored behind it', async () => {
  const server = await startInfluxDouble();
  const view = openInfluxView(configFor(server, small), 'token', openSystemClock());
  onTestFinished(async () => {
    view.close();
    await server.close();
  });
  const world = createWorld();
  const kinds = ['value', 'value', 'history', 'value', 'deletion', 'backfill', 'null'] as const;
  for (let at = 0; at < 14; at++) {
    const rows = Array.from({ length: 30 }, (_, place) => ({
      series: place % 3,
      day: at % 2,
      slot: (place * 3 + at) % 40,
      form: (place + at) % 5,
      value: at * 30 + place,
      kind: kinds[(at + place) % kinds.length]!,
    }));
    await view.take(at + 1, world.grow({ rows, entries: [], waitMs: 7 }));
  }
  for (const position of [1, 5, 9, 13]) {
    const { connection, config } = view;
    const positionOf = (): number => position;
    const options = { connection, config, positionOf, isCircular: isCircularSeries };
    await askHistory(openHistoryReader(options), world, position, 40 + position);
  }
});

it('reads no series with more rows in the overflow than it may hold', async () => {
  const server = await startInfluxDouble();
  const config = configFor(server, { shapesMax: 1, overflowRowsMax: 4 });
  const view = openInfluxView(config, 'token', openSystemClock());
  onTestFinished(async () => {
    view.close();
    await server.close();
  });
  const rows = Array.from({ length: 20 }, (_, slot) => ({ ...plainSeed, slot, form: slot % 4 }));
  await view.take(1, createWorld().grow({ rows, entries: [], waitMs: 0 }));
  await expect(view.reader.revisions({ ...plainKey, series: 0 })).rejects.toMatchObject({
    code: 'INFLUX_ANSWER_TOO_LARGE',
    fields: { series: 0, overflowRowsMax: 4 },
  });
});

it('names a point that is no row', async () => {
  const server = await startInfluxDouble();
  const view = openInfluxView(configFor(server), 'token', openSystemClock());
  onTestFinished(async () => {
    view.close();
    await server.close();
  });
  const query = { series: 1, fromAt: 0, toAt: 4e12, order: 'asc', limit: 5 } as const;
  await view.connection.write('observation,series=1 row="hello" 1000000');
  await expect(view.reader.range(query)).rejects.toMatchObject({ code: 'INFLUX_ROW' });
  const table = '{"name":"observation","columns":["time","row"],"values":[[1,5]]}';
  server.answerNext = `{"results":[{"series":[${table}]},{}]}`;
  await expect(view.reader.range(query)).rejects.toMatchObject({ code: 'INFLUX_ROW' });
});

const plainKey = { endAt: 0, startAt: 0, heightMm: Number.NaN };
let made = 0;

/** A measurement of its own in the one bucket, dropped behind the test. */
async function openReal(server: InfluxServer): Promise<HistoryUnderTest> {
  const measurement = `test_${process.pid}_${Date.now()}_${++made}`;
  const config = configFor(server, { ...small, measurement });
  const view = openInfluxView(config, server.token, openSystemClock());
  return {
    reader: view.reader,
    take: (position, batch) => view.take(position, batch),
    async remove() {
      const { shown, superseded, overflow } = measurementsOf(measurement);
      for (const name of [shown, superseded, overflow]) await view.connection.drop(name);
      view.close();
    },
  };
}

for (const [name, prefix] of [
  ['InfluxDB 2', 'INFLUX'],
  ['InfluxDB 1.8', 'INFLUX1'],
] as const) {
  const server = serverOf(process.env, prefix);
  const missing = server === undefined ? `${prefix}_URL is not set` : undefined;
  describeHistory(name, { numRuns: 5, missing, open: () => openReal(server!) });
}
