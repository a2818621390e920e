import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRuleNames } from './rule-names.ts';
import { openRoom, settled, type Room } from './room.fixture.ts';

let room: Room;
beforeEach(async () => {
  room = await openRoom();
});
afterEach(() => room.remove());

const unused = 'quantrac_ingest_rules_unused';
const warnings = () => room.telemetry.lines.filter(({ message }) => message.startsWith('rules'));
const rulesFor = (ids: readonly string[]) => ({
  checks: { datastreams: Object.fromEntries(ids.map((id) => [id, { gapMaxMs: 60_000 }])) },
});

test('rules whose datastream is misspelt are named at the start, once for the same ids', async () => {
  const life = await room.open({ config: rulesFor(['t', 'tt', 'rhh']) });
  await settled(life, await room.mark());
  expect(room.telemetry.value(unused)).toBe(2);
  expect(warnings()).toMatchObject([{ level: 'warn', fields: { count: 2, ids: ['tt', 'rhh'] } }]);
  await life.close();
});

test('rules whose datastreams are all there are no news', async () => {
  const life = await room.open({ config: rulesFor(['t', 'rain']) });
  expect([room.telemetry.value(unused), warnings()]).toEqual([0, []]);
  await life.close();
});

test('a line names a bounded number of ids and the count of all', async () => {
  const ids = Array.from({ length: 50 }, (_, index) => `none-${index}`);
  const life = await room.open({ config: rulesFor(ids) });
  expect(room.telemetry.value(unused)).toBe(50);
  const [{ fields } = { fields: {} }] = warnings();
  expect(fields).toMatchObject({ count: 50, ids: ids.slice(0, 20) });
  await life.close();
});

test('a registry version that brings or takes datastreams is judged anew', async () => {
  const told: [readonly string[], boolean][] = [];
  const registries = [new Map(), new Map([['a', {}]]), new Map()] as never[];
  let version = 0;
  const names = createRuleNames(
    { properties: {}, datastreams: { a: {} } },
    {
      get version() {
        return version;
      },
      get registry() {
        return { datastreams: registries[version] } as never;
      },
    },
    { rulesUnused: ({ ids }, isNews) => void told.push([ids, isNews]) },
  );
  for (version of [0, 0, 1, 2]) names.check();
  expect(told).toEqual([
    [['a'], true],
    [['a'], false],
    [[], false],
    [['a'], true],
  ]);
});
