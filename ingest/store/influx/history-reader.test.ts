import { openSystemClock } from '../../../devices/clock-system.ts';
import { describeHistory, type HistoryUnderTest } from '../history.contract.ts';
import type { InfluxConfig } from './config.ts';
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
