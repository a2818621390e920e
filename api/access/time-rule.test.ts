import { expect, onTestFinished, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';
import { openEvents } from '../live/event-reader.fixture.ts';
import { settleMarker } from './settle-marker.fixture.ts';

const hourMs = 3_600_000;
const registryFile = (entries: object) => ({ format: 'quantrac-registry/1', ...entries });

/** Puts a station under embargo, as an operator does. */
async function embargo({ api, registry }: TestApi, until: number): Promise<void> {
  const hue = registry.current().stations.get('hue');
  const station = { ...hue, embargoUntil: new Date(until).toISOString() };
  await api.registryAdmin.importRegistry(registryFile({ stations: [station] }), 'test');
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}

test('an embargo ends by a version of the registry, and followers are told by name', async () => {
  const rig = await openTestApi();
  onTestFinished(() => rig.close());
  await embargo(rig, startAt + hourMs);
  await settleMarker(rig);
  expect((await rig.get('/api/v1/datastreams/hue-rain')).status).toBe(404);
  const follower = await openEvents(`${rig.url}/api/v1/live`);
  onTestFinished(() => follower.close());
  const { version } = rig.registry.current();
  const marked = rig.appended.length;
  rig.setNow(startAt + hourMs);
  await until(() => rig.appended.length > marked);
  expect(rig.registry.current().version).toBe(version + 1);
  expect(rig.registry.history({ afterVersion: version })).toMatchObject([
    { actor: 'rule', kind: 'time', version: version + 1 },
  ]);
  expect(rig.announced.at(-1)).toBe(version + 1);
  expect((await rig.get('/api/v1/datastreams/hue-rain')).status).toBe(200);
  await settleMarker(rig);
  await follower.wait(1);
  expect(JSON.parse(follower.events.at(0)?.data ?? '{}')).toMatchObject({
    type: 'datastream',
    datastream: 'hue-rain',
    visible: true,
  });
});

test('no embargo ends and no log is deleted by a clock that is wrong by years', async () => {
  let rig = await openTestApi({ config: { clockJumpMsMax: 24 * hourMs } });
  onTestFinished(() => rig.close());
  await embargo(rig, startAt + 365 * 24 * hourMs);
  await settleMarker(rig);
  const authorization = `Bearer ${rig.operator}`;
  const logged = async () => (await rig.get('/api/v1/admin/access-log', { authorization })).text();
  await (await rig.get('/api/v1/latest', { authorization })).text();
  expect(await logged()).toContain('/api/v1/latest');
  const isStill = async () => {
    // Any change of the registry would make moments come too.
    const owners = [...rig.registry.current().owners.values()].slice(0, 1);
    const name = { vi: 'Tên', en: `Name ${rig.now()}` };
    await rig.api.registryAdmin.importRegistry(
      registryFile({ owners: owners.map((owner) => ({ ...owner, name })) }),
      'test',
    );
    await settleMarker(rig);
    expect((await rig.get('/api/v1/datastreams/hue-rain')).status).toBe(404);
    expect(await logged()).toContain('/api/v1/latest');
  };
  rig.setNow(startAt + 3 * 365 * 24 * hourMs);
  await until(() => rig.telemetry.value('quantrac_clock_held') === 1);
  const ready = await rig.get('/readyz');
  expect(ready.status).toBe(200);
  expect(await ready.json()).toMatchObject({
    ready: true,
    warnings: [{ room: 'api', reason: expect.stringContaining('clockJumpMsMax') }],
  });
  await isStill();
  // Neither by a start under that clock.
  rig = await rig.reopen();
  await isStill();
  rig.setNow(startAt + hourMs);
  await until(() => rig.telemetry.value('quantrac_clock_held') === 0);
  expect((await rig.json('/readyz'))['warnings']).toEqual([]);
  await isStill();
  // An operator who says that the clock is right is believed.
  rig.setNow(startAt + 3 * 365 * 24 * hourMs);
  rig = await rig.reopen({ config: { clockJumpMsMax: 315_360_000_000 } });
  await settleMarker(rig);
  expect((await rig.get('/api/v1/datastreams/hue-rain')).status).toBe(200);
});

test('what ended while nobody served is followed before the doors open', async () => {
  const rig = await openTestApi();
  await embargo(rig, startAt + hourMs);
  // Closed in the same turn: the running one cannot have seen it.
  rig.setNow(startAt + 2 * hourMs);
  const again = await rig.reopen();
  onTestFinished(() => again.close());
  expect((await again.get('/api/v1/datastreams/hue-rain')).status).toBe(200);
});

test('the end of a grant is told to its recipient alone', async () => {
  const rig = await openTestApi();
  onTestFinished(() => rig.close());
  const ministry = { name: { vi: 'Bộ', en: 'Ministry' }, kind: 'ministry' };
  const recipients = ['one', 'other'].map((id) => ({ id, ...ministry }));
  rig.registry.importFile(registryFile({ recipients }), 'test');
  const keyOf = (recipient: string) =>
    rig.registry.createToken({ role: 'reader', recipient, actor: 'test' }).secret;
  const keys = { one: keyOf('one'), other: keyOf('other') };
  const follow = async (token?: string) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const follower = await openEvents(`${rig.url}/api/v1/live`, headers as Record<string, string>);
    onTestFinished(() => follower.close());
    return follower;
  };
  const followers = [await follow(keys.one), await follow(keys.other), await follow()] as const;
  const change = async (work: () => Promise<unknown>) => {
    await work();
    await settleMarker(rig);
  };
  const scope = { stations: ['shared'] };
  const wish = { recipient: 'one', scope, purpose: 'x' };
  const untilAt = rig.now() + hourMs;
  await change(() => rig.api.access.grant(wish, { reason: 'x', actor: 'ann', untilAt }));
  const marked = rig.appended.length;
  rig.setNow(untilAt);
  await change(() => until(() => rig.appended.length > marked));
  // A row that all may see, behind the two changes.
  await rig.publish([rig.row('hue-rain', startAt)]);
  const told = async (follower: (typeof followers)[number], count: number) => {
    await follower.wait(count);
    return follower.events.map(({ data }) => {
      const { type, datastream, visible } = JSON.parse(data) as Record<string, unknown>;
      return [type, datastream, visible];
    });
  };
  const row = ['insert', undefined, undefined];
  expect(await told(followers[0], 3)).toEqual([
    ['datastream', 'shared-temperature', true],
    ['datastream', 'shared-temperature', false],
    row,
  ]);
  expect(await told(followers[1], 1)).toEqual([row]);
  expect(await told(followers[2], 1)).toEqual([row]);
});
