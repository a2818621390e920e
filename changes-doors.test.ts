/**
 * The change feed through every door over one log: pages, server-sent events, WebSocket and MQTT give
 * the same changes under the same cursors, whatever was published and wherever a client was cut; and
 * played from zero they are what the store holds.
 */
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { openTestApi, startAt, type Json, type TestApi } from './api/api.fixture.ts';
import { openEvents } from './api/live/event-reader.fixture.ts';
import { openSocketReader } from './api/live/socket-reader.fixture.ts';
import { openChangeDoor } from './broker/change-door.fixture.ts';
import type { Broker } from './broker/main.ts';
import {
  connectPacket,
  openWire,
  readPublish,
  subscribePacket,
  type Wire,
} from './broker/mqtt/wire.ts';
import type { ObservationRow } from './ingest/observation.ts';
import { maskOf } from './ingest/quality.ts';

type Change = Record<string, unknown> & { readonly cursor?: string };

/** A door as a client follows it: so many changes behind a cursor, then it is cut. */
type Follow = (after: string, count: number) => Promise<readonly Change[]>;

function doorsOf(rig: TestApi, broker: Broker): Readonly<Record<string, Follow>> {
  return {
    async pages(after, count) {
      const page = await rig.json(`/api/v1/changes?after=${after}&limit=${count}`);
      return page.changes;
    },
    async events(after, count) {
      const reader = await openEvents(`${rig.url}/api/v1/live?after=${after}`);
      await reader.wait(count);
      reader.close();
      return reader.events.map(({ id, data }) => {
        const change = JSON.parse(data) as Change;
        expect(change['cursor']).toBe(id);
        return change;
      });
    },
    async messages(after, count) {
      const reader = await openSocketReader(`${rig.url}/api/v1/live?after=${after}`);
      await reader.wait(count);
      reader.socket.terminate();
      return reader.changes();
    },
    async mqtt(after, count) {
      const wire = await subscribe(broker, `open/v1/_changes/after/${after}/+/+`);
      const changes: Change[] = [];
      while (changes.length < count) changes.push(...(await nextChange(wire)));
      wire.destroy();
      return changes;
    },
  };
}

async function subscribe(broker: Broker, filter: string): Promise<Wire> {
  const wire = await openWire(broker.addresses.mqttPort);
  wire.send(connectPacket({ clientId: '' }), subscribePacket(1, [filter, 0]));
  expect((await wire.next()).body[1]).toBe(0);
  expect((await wire.next()).body[2]).toBe(0);
  return wire;
}

/** None for a message about the stream itself. */
async function nextChange(wire: Wire): Promise<Change[]> {
  const { payload } = readPublish(await wire.next());
  const change = JSON.parse(payload) as Change;
  if (change['type'] === 'problem') throw new Error(payload);
  return change['type'] === 'cursor' ? [] : [change];
}

const interval = 600_000;
const datastreams = ['ha-noi-temperature', 'hue-rain', 'hidden-temperature'];

const operation = fc.record({
  datastream: fc.constantFrom(...datastreams),
  /** Late data and corrections come about by themselves: in any order, some of them again. */
  place: fc.nat(5),
  kind: fc.constantFrom('value', 'value', 'value', 'deletion', 'backfill'),
  result: fc.integer({ min: -50, max: 50 }),
});
const history = fc.array(fc.array(operation, { minLength: 1, maxLength: 6 }), {
  minLength: 2,
  maxLength: 10,
});

type Operation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never;

/** Numbers revisions as the decider does, and deletes only what is there. */
function createRows(rig: TestApi) {
  const revisions = new Map<string, { revision: number; isDeleted: boolean }>();
  return ({ datastream, place, kind, result }: Operation): ObservationRow[] => {
    const key = `${datastream} ${place}`;
    const known = revisions.get(key);
    const isDeleted = kind === 'deletion';
    if (isDeleted && (known === undefined || known.isDeleted)) return [];
    const revision = known === undefined ? 0 : known.revision + 1;
    revisions.set(key, { revision, isDeleted });
    const row = rig.row(datastream, startAt + place * interval, { revision, result });
    if (isDeleted) {
      const verdict = { ...row.verdict, flag: 9, reason: 'ERASED' } as const;
      return [{ ...row, verdict, type: 'deletion', cause: 'erasure', result: null }];
    }
    const qualifiers = kind === 'backfill' ? maskOf(['BACKFILL']) : 0;
    return [
      {
        ...row,
        type: known === undefined || known.isDeleted ? 'insert' : 'correction',
        verdict: { ...row.verdict, qualifiers },
      },
    ];
  };
}

function isVisible({ series }: ObservationRow, rig: TestApi): boolean {
  return series !== rig.series('hidden-temperature');
}

/** What a client holds that has played all changes from zero. */
function played(changes: readonly Change[]): Map<unknown, Json> {
  const rows = new Map<unknown, Json>();
  for (const change of changes) {
    const row = change['observation'] as Json;
    if (change['type'] === 'deletion') rows.delete(row['id']);
    else rows.set(row['id'], row);
  }
  return rows;
}

function newestOf(rows: Iterable<Json>): Map<unknown, Json> {
  const newest = new Map<unknown, Json>();
  for (const row of rows) {
    if ((row['qualifiers'] as string[]).includes('BACKFILL')) continue;
    const known = newest.get(row['datastream']);
    const endOf = (each: Json) =>
      Date.parse(String(each['phenomenonTime']).split('/').at(-1) ?? '');
    if (known === undefined || endOf(row) > endOf(known)) newest.set(row['datastream'], row);
  }
  return newest;
}

const byId = (a: Json, b: Json) => (String(a['id']) < String(b['id']) ? -1 : 1);

test('any history, through any door, cut anywhere, is what the store holds', async () => {
  await fc.assert(
    fc.asyncProperty(
      history,
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 8 }),
      fc.nat(9),
      async (batches, cuts, flushedAt) => {
        const rig = await openTestApi();
        const broker = await openChangeDoor(rig);
        try {
          rig.setNow(startAt + 100 * interval);
          const zero = String((await rig.json('/api/v1/changes'))['next']);
          const rowsOf = createRows(rig);
          let told = 0;
          const publish = async (some: typeof batches): Promise<void> => {
            for (const [index, batch] of some.entries()) {
              const rows = batch.flatMap(rowsOf);
              told += rows.filter((row) => isVisible(row, rig)).length;
              await rig.publish(rows);
              if (index === flushedAt) rig.flush();
            }
          };
          await publish(batches.slice(0, batches.length / 2));
          const early = told;
          const doors = Object.entries(doorsOf(rig, broker));
          const publishing = publish(batches.slice(batches.length / 2));
          const followed = await Promise.all(
            doors.map(async ([name, follow]) => {
              const got: Change[] = [];
              const last = () => got.at(-1)?.cursor ?? zero;
              for (const cut of cuts) {
                const count = Math.min(cut, early - got.length);
                if (count > 0) got.push(...(await follow(last(), count)));
              }
              await publishing;
              if (got.length < told) got.push(...(await follow(last(), told - got.length)));
              return [name, got] as const;
            }),
          );
          const whole = (await rig.json('/api/v1/changes?limit=1000')).changes;
          expect(whole).toHaveLength(told);
          for (const [name, changes] of followed) expect([name, changes]).toEqual([name, whole]);
          const held = played(whole);
          const { items } = await rig.json('/api/v1/observations?limit=1000');
          expect([...held.values()].sort(byId)).toEqual(
            items.toSorted((a, b) => byId(a as Json, b as Json)),
          );
          const latest = (await rig.json('/api/v1/latest?limit=1000')).items.map(
            ({ ageSeconds: _age, stale: _stale, ...row }) => row as Json,
          );
          expect(latest.sort(byId)).toEqual([...newestOf(held.values()).values()].sort(byId));
        } finally {
          await broker.close();
          await rig.close();
        }
      },
    ),
    { numRuns: 15 },
  );
});

async function openAll(): Promise<{ readonly rig: TestApi; readonly broker: Broker }> {
  const rig = await openTestApi();
  onTestFinished(() => rig.close());
  const broker = await openChangeDoor(rig);
  rig.setNow(startAt + 100 * interval);
  return { rig, broker };
}

test('a datastream that is closed, and one that only a key may see, are told over MQTT too', async () => {
  const { rig, broker } = await openAll();
  const wire = await subscribe(broker, 'open/v1/_changes/after/oldest/ha-noi/#');
  const operator = await openWire(broker.addresses.mqttPort);
  operator.send(
    connectPacket({ clientId: '', username: 'token', password: rig.operator }),
    subscribePacket(1, ['open/v1/_changes/#', 0]),
  );
  for (let packets = 0; packets < 3; packets += 1) await operator.next();
  const file = rig.registry.exportFile() as { datastreams: { id: string }[] };
  const closed = file.datastreams.map((each) =>
    each.id === 'ha-noi-temperature' ? { ...each, visibility: 'internal' } : each,
  );
  await rig.publish([rig.row('ha-noi-temperature', startAt, { result: 1 })]);
  const got: Change[] = [];
  while (got.length < 1) got.push(...(await nextChange(wire)));
  const { version } = await rig.api.registryAdmin.importRegistry(
    { ...file, datastreams: closed },
    'test',
  );
  broker.registryChanged();
  const text = JSON.stringify({ version });
  const marker = { position: 1, receivedAt: startAt, device: '', kind: 'registry', text } as const;
  await rig.publish([rig.row('hidden-temperature', startAt, { result: 2 })], { control: [marker] });
  await rig.publish([rig.row('ha-noi-temperature', startAt + interval, { result: 3 })]);
  while (got.length < 2) got.push(...(await nextChange(wire)));
  const seen: Change[] = [];
  while (seen.length < 3) seen.push(...(await nextChange(operator)));
  const resultOf = (change: Change) => (change['observation'] as Json | undefined)?.['result'];
  expect(got).toMatchObject([
    { type: 'insert', observation: { result: 1 } },
    { type: 'datastream', datastream: 'ha-noi-temperature', visible: false },
  ]);
  expect(seen.map(resultOf)).toEqual([1, 2, 3]);
});

test('a cursor that is gone is told over MQTT where the filter says it, and nothing follows', async () => {
  const { rig, broker } = await openAll();
  const other = Buffer.from('1:store-of-others:1:0').toString('base64url');
  const wire = await subscribe(broker, `open/v1/_changes/after/${other}/+/air-temperature`);
  const told = readPublish(await wire.next());
  expect(told.topic).toBe(`open/v1/_changes/after/${other}/_stream/air-temperature`);
  expect(JSON.parse(told.payload)).toMatchObject({
    type: 'problem',
    code: 'API_CURSOR_STORE_UNKNOWN',
    status: 410,
  });
  const ahead = Buffer.from('1:store-1:99:0').toString('base64url');
  const lost = await subscribe(broker, `open/v1/_changes/after/${ahead}/#`);
  expect(JSON.parse(readPublish(await lost.next()).payload)).toMatchObject({
    code: 'API_CURSOR_EXPIRED',
  });
  await rig.publish([rig.row('ha-noi-temperature', startAt)]);
  const live = await subscribe(broker, 'open/v1/_changes/after/oldest/#');
  while ((await nextChange(live)).length === 0);
  expect([wire.packets.length, lost.packets.length]).toEqual([3, 3]);
});

test('one that takes nothing is cut over MQTT, and costs the others nothing', async () => {
  const { rig, broker } = await openAll();
  const frozen = await subscribe(broker, 'open/v1/_changes/+/+');
  frozen.stream.pause();
  const other = await subscribe(broker, 'open/v1/_changes/+/+');
  await other.next();
  const total = 30_000;
  for (let batch = 0; batch < total / 1_000; batch++) {
    await rig.publish(
      Array.from({ length: 1_000 }, (_, index) =>
        rig.row('ha-noi-temperature', startAt + (batch * 1_000 + index) * 1_000, { result: index }),
      ),
    );
  }
  const got: Change[] = [];
  while (got.length < total) got.push(...(await nextChange(other)));
  const ended = () =>
    rig.telemetry.value('quantrac_mqtt_change_followers_ended_total', { reason: 'frozen' });
  await expect.poll(ended).toBe(1);
  frozen.stream.resume();
  const held = (await frozen.ended()).flatMap((packet) => {
    const change = JSON.parse(readPublish(packet).payload) as Change;
    return change['type'] === 'cursor' ? [] : [change];
  });
  expect(held.length).toBeLessThan(total);
  const resumed = await subscribe(
    broker,
    `open/v1/_changes/after/${held.at(-1)?.cursor ?? 'oldest'}/+/+`,
  );
  const rest: Change[] = [];
  while (held.length + rest.length < total) rest.push(...(await nextChange(resumed)));
  expect([...held, ...rest]).toEqual(got);
});
