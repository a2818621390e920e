import { afterEach, describe, expect, it } from 'vitest';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { createRecordedTelemetry } from '../../../devices/telemetry-silent.ts';
import { createKafkaServer } from '../../log/kafka/memory.ts';
import { createWorld, worldStartAt } from '../world.contract.ts';
import type { InfluxConfig } from './config.ts';
import type { Connection } from './connection.ts';
import { openInfluxEvents } from './events.ts';
import {
  configFor,
  openInfluxView,
  serverOf,
  topic,
  topicOf,
  type InfluxServer,
} from './influx.fixture.ts';
import { startInfluxDouble, type InfluxDouble } from './server.fixture.ts';
import { checkView, rebuildView } from './view.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function openView(server: InfluxServer, changed: Partial<InfluxConfig> = {}) {
  const view = openInfluxView(configFor(server, changed), server.token, openSystemClock());
  closing.push(() => view.close());
  return view;
}

async function openDouble(): Promise<{ double: InfluxDouble; server: InfluxServer }> {
  const double = await startInfluxDouble();
  closing.push(() => double.close());
  return { double, server: { url: double.url, token: 't', org: 'o', bucket: 'b' } };
}

const seed = { series: 0, day: 0, slot: 1, form: 0, value: 3, kind: 'value' } as const;

describe('the view in InfluxDB, before it is used', () => {
  it('is marked with its format', async () => {
    const { double, server } = await openDouble();
    const view = openView(server);
    await checkView(view);
    await checkView(view);
    expect([...double.points.keys()]).toEqual(['observation_view 1']);
  });

  it('is refused where a newer version wrote it, which stays as it is', async () => {
    const { double, server } = await openDouble();
    const view = openView(server);
    await view.connection.write('observation_view format=2i 2');
    await expect(checkView(view)).rejects.toMatchObject({
      code: 'INFLUX_NEWER_FORMAT',
      fields: { format: 2, known: 1 },
    });
    expect(double.overwritten).toEqual([]);
  });

  it.each([
    ['say 401', 'INFLUX_NOT_ALLOWED'],
    ['say 404', 'INFLUX_BUCKET_MISSING'],
    ['say 500', 'INFLUX_BUSY'],
    ['store half, then refuse all', 'INFLUX_BUSY'],
    ['hang up at once', 'INFLUX_UNREACHABLE'],
  ] as const)('is refused by name: %s', async (fault, code) => {
    const { double, server } = await openDouble();
    double.faults.push(fault);
    await expect(checkView(openView(server))).rejects.toMatchObject({ code });
  });
});

it('the view is refused in a bucket that forgets', async () => {
  const { server } = await openDouble();
  const view = openView(server);
  const body = '{"error":"partial write: points beyond retention policy dropped=1"}';
  const connection: Connection = {
    ...view.connection,
    write: async () => ({ status: 400, body, retryAfterMs: Number.NaN }),
  };
  await expect(checkView({ ...view, connection })).rejects.toMatchObject({
    code: 'INFLUX_RETENTION',
    canRetry: false,
  });
});

describe('building the view again', () => {
  it('empties it and lets the sink begin anew', async () => {
    const { double, server } = await openDouble();
    const view = openView(server);
    const world = createWorld();
    await view.take(1, world.grow({ rows: [seed], entries: [], waitMs: 0 }));
    await view.connection.write('other value=1 1');
    const broker = createKafkaServer();
    const kafka = broker.connect();
    await kafka.ensureTopics([topicOf(2)]);
    await kafka.noteGroupOffsets('sink', topic, [{ partition: 1, offset: 40, note: '39' }]);
    const telemetry = createRecordedTelemetry();
    const events = openInfluxEvents(telemetry);
    await rebuildView({ ...view, kafka, events, group: 'sink', topic });
    expect([...double.points.keys()]).toEqual(['other 1']);
    expect(await kafka.groupOffsets('sink', topic)).toEqual([
      { partition: 1, offset: 0, note: '0' },
      { partition: 0, offset: 0, note: '0' },
    ]);
    expect(telemetry.lines).toHaveLength(3);
  });
});

let made = 0;

for (const [name, prefix] of [
  ['InfluxDB 2', 'INFLUX'],
  ['InfluxDB 1.8', 'INFLUX1'],
] as const) {
  const real = serverOf(process.env, prefix);
  const missing = real === undefined ? ` (${prefix}_URL is not set)` : '';
  describe.skipIf(real === undefined)(`${name} itself${missing}`, () => {
    const own = (): Partial<InfluxConfig> => ({
      measurement: `view_${process.pid}_${Date.now()}_${++made}`,
    });

    it('says by name that the token, the bucket or the address is wrong', async () => {
      const server = real!;
      const codeOf = (wrong: Partial<InfluxServer>): Promise<unknown> =>
        checkView(openView({ ...server, ...wrong }, own())).then(
          () => 'right',
          (error: unknown) => (error as { code: string }).code,
        );
      expect(await codeOf({ token: 'wrong:wrong' })).toBe('INFLUX_NOT_ALLOWED');
      expect(await codeOf({ bucket: 'nowhere/to-be-found' })).toBe('INFLUX_BUCKET_MISSING');
      expect(await codeOf({ url: 'http://127.0.0.1:9' })).toBe('INFLUX_UNREACHABLE');
    });

    it('is right to use, takes the same again, and forgets all when it is dropped', async () => {
      const view = openView(real!, own());
      await checkView(view);
      const world = createWorld();
      const batch = world.grow({ rows: [seed, { ...seed, slot: 2 }], entries: [], waitMs: 0 });
      await view.take(1, batch);
      await view.take(1, batch);
      const query = { series: 0, fromAt: 0, toAt: 4e12, order: 'asc', limit: 9 } as const;
      expect(await view.reader.range(query)).toHaveLength(2);
      const { measurement } = view.config;
      for (const one of [measurement, `${measurement}_view`]) await view.connection.drop(one);
      expect(await view.reader.range(query)).toEqual([]);
    });

    it('refuses a poisoned line alone', async () => {
      const view = openView(real!, own());
      const world = createWorld();
      const rows = Array.from({ length: 40 }, (_, slot) => ({ ...seed, slot }));
      const lines = view.linesOf(1, world.grow({ rows, entries: [], waitMs: 0 }));
      // Types of fields are kept by the week.
      const conflict = `${view.config.measurement},series=0 row=5 ${worldStartAt}000000`;
      const garbage = 'no line protocol';
      await view.writer.write([
        ...lines.slice(0, 1),
        conflict,
        ...lines.slice(1, 30),
        garbage,
        ...lines.slice(30),
      ]);
      expect(view.refused.map(({ line }) => line)).toEqual([conflict, garbage]);
      expect(view.refused[0]!.reason).toContain('field type conflict');
      const asked = await view.connection.ask([`SELECT "row" FROM "${view.config.measurement}"`]);
      expect(asked[0]![0]!.values).toHaveLength(40);
      await view.connection.drop(view.config.measurement);
    });

    it('keeps as many series as the schema says', async () => {
      const view = openView(real!, { ...own(), shapesMax: 2 });
      const world = createWorld();
      const rows = Array.from({ length: 40 }, (_, at) => ({
        ...seed,
        slot: at % 20,
        form: at % 4,
        series: at % 3,
        kind: (at % 3 === 2 ? 'history' : 'value') as 'history' | 'value',
      }));
      await view.take(1, world.grow({ rows, entries: [], waitMs: 0 }));
      const { measurement } = view.config;
      const names = [measurement, `${measurement}_superseded`, `${measurement}_overflow`];
      const asked = await view.connection.ask(
        names.map((one) => `SELECT "row" FROM "${one}" GROUP BY *`),
      );
      const [shown, superseded, overflow] = asked.map((tables) => tables.length);
      expect(shown).toBe(6);
      expect(superseded).toBeLessThanOrEqual(6);
      expect(overflow).toBe(3);
      for (const one of names) await view.connection.drop(one);
    });
  });
}
