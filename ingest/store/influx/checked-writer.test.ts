import { afterEach, expect, it } from 'vitest';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import { createRecordedTelemetry } from '../../../devices/telemetry-silent.ts';
import { openCheckedWriter } from './checked-writer.ts';
import { openInfluxEvents } from './events.ts';
import { configFor, openInfluxView } from './influx.fixture.ts';
import { startInfluxDouble } from './server.fixture.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function openScene() {
  const double = await startInfluxDouble();
  const server = { url: double.url, token: 't', org: 'o', bucket: 'b' };
  const clock = openSystemClock();
  const config = configFor(server, { backoffMinMs: 5, backoffMaxMs: 20 });
  const view = openInfluxView(config, server.token, clock);
  const { connection } = view;
  closing.push(
    () => double.close(),
    () => view.close(),
  );
  const telemetry = createRecordedTelemetry();
  const open = () => {
    const events = openInfluxEvents(telemetry);
    const random = createSeededRandom(1);
    const writer = openCheckedWriter({ config, connection, clock, random, events });
    closing.push(() => writer.close());
    return writer;
  };
  const told = (): unknown[] =>
    telemetry.lines.map(({ level, fields }) => [level, (fields as { error: unknown }).error]);
  return { double, connection, telemetry, open, told };
}

it('writes nothing into a view of a newer format, says so, and begins when it is gone', async () => {
  const { double, connection, open, told } = await openScene();
  await connection.write('observation_view format=2i 2');
  const writing = open().write(['observation,datastream=a row="x" 1000000']);
  await expect
    .poll(told)
    .toContainEqual(['error', expect.objectContaining({ code: 'INFLUX_NEWER_FORMAT' })]);
  expect([...double.points.keys()].filter((key) => !key.startsWith('observation_view'))).toEqual(
    [],
  );
  await connection.drop('observation_view');
  await writing;
  const measurements = [...double.points.keys()].map((key) => key.split(/[, ]/)[0]);
  expect(new Set(measurements)).toEqual(new Set(['observation', 'observation_view']));
});

it('is closed at once while it may not write', async () => {
  const { connection, open, told } = await openScene();
  await connection.write('observation_view format=2i 2');
  const writer = open();
  const writing = writer.write(['observation row="x" 1']);
  await expect.poll(told).not.toEqual([]);
  writer.close();
  await expect(writing).rejects.toMatchObject({ code: 'INFLUX_CLOSED' });
});

it('marks the view again where its mark was dropped before it was read', async () => {
  const { double, open, told } = await openScene();
  double.answerNext = '{"results":[{"statement_id":0}]}';
  await open().write(['observation,datastream=a row="x" 1000000']);
  expect(told()).toEqual([['error', expect.objectContaining({ code: 'INFLUX_ANSWER' })]]);
  expect(double.bodies.map((body) => body.split(/[, ]/)[0])).toEqual([
    'observation_view',
    'observation_view',
    'observation',
  ]);
});
