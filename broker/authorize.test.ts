import { describe, expect, test } from 'vitest';
import type { Principal } from '../devices/visible.ts';
import { createAuthorizer, type Requester } from './authorize.ts';
import { createHandRegistry } from './mqtt/rig.ts';

const owners = ['agency', 'enterprise', 'citizens'];
const devices = ['one', 'two', 'three'];

/** Three devices of three owners; `two` speaks for `child` as its gateway. */
function openRights(anonymousPublish: 'never' | 'demo' = 'never') {
  const registry = createHandRegistry();
  devices.forEach((id, index) => registry.addDevice({ id, owner: owners[index]! }));
  registry.addDevice({ id: 'child', gateway: 'two', owner: 'enterprise' });
  return createAuthorizer({ registry: () => registry.current(), anonymousPublish });
}

function device(id: string, owner: string): Requester {
  return { principal: { kind: 'device', subject: id, role: 'device', owner }, loopback: true };
}

function person(role: 'operator' | 'reader'): Requester {
  return { principal: { kind: 'token', subject: role, role }, loopback: true };
}

const anonymous: Requester = { principal: 'anonymous', loopback: true };

/** Below `env/v1/{id}/`: what the device itself may publish, and whether retained. */
const publishForms: readonly (readonly [string, 'yes' | 'retained' | 'no'])[] = [
  ['obs', 'yes'],
  ['obs/backfill', 'yes'],
  ['state', 'retained'],
  ['meta', 'retained'],
  ['time', 'yes'],
  ['cfg/reported', 'yes'],
  ['cmd/7/reply', 'yes'],
  ['cmd/group/7/reply', 'yes'],
  ['cmd/7', 'no'],
  ['cmd/reply', 'no'],
  ['cmd', 'no'],
  ['cfg/desired', 'no'],
  ['cfg', 'no'],
  ['event', 'no'],
  ['obs/', 'no'],
  ['obs/other', 'no'],
  ['OBS', 'no'],
  ['', 'no'],
  ['sub/child/obs', 'no'],
  ['sub/child/state', 'no'],
  ['constructor', 'no'],
  ['__proto__', 'no'],
];

/** Whole topics that no device may publish. */
const foreignTopics = [
  'env/v1/one',
  'env/v1',
  'env',
  'env/v2/one/obs',
  'ENV/v1/one/obs',
  '/env/v1/one/obs',
  'env/v1//obs',
  'env//one/obs',
  'open/v1/station/slug',
  '$SYS/broker/uptime',
  '$share/group/env/v1/one/obs',
  'other',
  'env/v1/one /obs',
  'env/v1/../one/obs',
];

/** Below `env/v1/{id}/`: what the device itself may subscribe to. */
const ownFilters: readonly (readonly [string, boolean])[] = [
  ['cmd/#', true],
  ['cmd/+', true],
  ['cmd/7', true],
  ['cmd', true],
  ['cfg/#', true],
  ['cfg/desired', true],
  ['time', true],
  ['state', true],
  ['meta', true],
  ['obs', false],
  ['obs/#', false],
  ['+', false],
  ['#', false],
  ['+/7', false],
  ['sub/#', false],
  ['', false],
];

const foreignFilters = [
  '#',
  '+/#',
  '+/v1/one/cmd/#',
  'env/#',
  'env/+/one/cmd/#',
  'env/v1/#',
  'env/v1/+/cmd/#',
  'env/v1/+/state',
  'env/v1/+',
  'env/v1/one',
  '$SYS/#',
  '$SYS/broker/uptime',
  '$share/group/open/v1/#',
  '$share/group/env/v1/one/cmd/#',
  '$other',
  'open',
  '/open/v1/#',
];

describe('what a device may publish', () => {
  const { publish } = openRights();
  const table = devices.flatMap((id, index) =>
    devices.flatMap((target) =>
      publishForms.map(([form, right]) => ({
        id,
        owner: owners[index]!,
        target,
        form,
        right,
        topic: `env/v1/${target}/${form}`,
      })),
    ),
  );

  test.each(table)('$id to $topic', ({ id, owner, target, form, right, topic }) => {
    const childOfTwo = form === 'sub/child/obs' && id === 'two';
    const expected = id === target && (right !== 'no' || childOfTwo);
    const got = publish(device(id, owner), topic);
    expect(got !== undefined).toBe(expected);
    expect(got?.retainable ?? false).toBe(expected && right === 'retained');
    const whose = childOfTwo ? 'child' : id;
    expect(got?.device).toBe(expected ? whose : undefined);
  });

  test.each(foreignTopics)('nobody to %s', (topic) => {
    const all: Requester[] = [anonymous, person('operator'), person('reader')];
    for (const requester of [...all, device('one', 'agency')]) {
      expect(publish(requester, topic)).toBeUndefined();
    }
  });

  test('a gateway speaks for its own children alone', () => {
    expect(publish(device('two', 'enterprise'), 'env/v1/two/sub/one/obs')).toBeUndefined();
    expect(publish(device('two', 'enterprise'), 'env/v1/two/sub/nobody/obs')).toBeUndefined();
    expect(publish(device('one', 'agency'), 'env/v1/one/sub/child/obs')).toBeUndefined();
    expect(publish(device('two', 'enterprise'), 'env/v1/two/sub/child/obs')).toMatchObject({
      purpose: 'message',
      device: 'child',
    });
  });

  test('each form has its purpose', () => {
    const purposeOf = (form: string) =>
      publish(device('one', 'agency'), `env/v1/one/${form}`)?.purpose;
    expect(purposeOf('obs')).toBe('message');
    expect(purposeOf('obs/backfill')).toBe('backfill');
    expect(purposeOf('state')).toBe('control');
    expect(purposeOf('time')).toBe('time');
  });
});

describe('what others may publish', () => {
  test('an operator commands a device and sets what is desired of it, nothing else', () => {
    const { publish } = openRights();
    const allowed = ['cmd/7', 'cmd/group/7', 'cfg/desired'];
    const forms = new Set([...publishForms.map(([form]) => form), ...allowed]);
    const granted = [...forms].filter(
      (form) => publish(person('operator'), `env/v1/one/${form}`) !== undefined,
    );
    expect(granted.toSorted()).toEqual(allowed.toSorted());
  });

  test('a reader publishes nothing', () => {
    const { publish } = openRights('demo');
    for (const [form] of publishForms) {
      expect(publish(person('reader'), `env/v1/one/${form}`)).toBeUndefined();
    }
  });

  test('nobody in particular publishes only under --demo, and only from this machine', () => {
    const far: Requester = { principal: 'anonymous', loopback: false };
    for (const [form, right] of publishForms) {
      const topic = `env/v1/one/${form}`;
      expect(openRights('never').publish(anonymous, topic)).toBeUndefined();
      expect(openRights('demo').publish(far, topic)).toBeUndefined();
      const expected = right !== 'no' && ['obs', 'obs/backfill', 'state', 'meta'].includes(form);
      expect(openRights('demo').publish(anonymous, topic) !== undefined).toBe(expected);
    }
  });
});

describe('what may be read', () => {
  const { subscribe } = openRights();
  const everybody: readonly (readonly [string, Requester])[] = [
    ['anonymous', anonymous],
    ...devices.map((id, index) => [id, device(id, owners[index]!)] as const),
    ['operator', person('operator')],
    ['reader', person('reader')],
  ];
  const table = devices.flatMap((id, index) =>
    devices.flatMap((target) =>
      ownFilters.map(([form, right]) => ({
        id,
        owner: owners[index]!,
        filter: `env/v1/${target}/${form}`,
        expected: id === target && right,
      })),
    ),
  );

  test.each(table)('$id reads $filter: $expected', ({ id, owner, filter, expected }) => {
    expect(subscribe(device(id, owner), filter)).toBe(expected);
  });

  test.each(foreignFilters)('no device reads %s', (filter) => {
    for (const [, requester] of everybody) {
      const { principal } = requester;
      const system = filter.startsWith('$SYS');
      const expected = system && isOperator(principal);
      expect(subscribe(requester, filter)).toBe(expected);
    }
  });

  test.each(everybody)('%s reads what is public, with any wildcard', (_name, requester) => {
    for (const filter of ['open/v1/#', 'open/v1/+/ph', 'open/v1/a/#', 'open/v1/a/ph', 'open/#']) {
      expect(subscribe(requester, filter)).toBe(true);
    }
    expect(subscribe(requester, 'open/v2/#')).toBe(false);
  });

  test('an operator reads what a named device says of itself, and nothing said to it', () => {
    const read = (form: string) => subscribe(person('operator'), `env/v1/one/${form}`);
    expect(['state', 'meta'].map(read)).toEqual([true, true]);
    expect(['cmd/#', 'cfg/#', 'time', 'obs', '#', 'state/#'].map(read)).toEqual(
      Array.from({ length: 6 }, () => false),
    );
    expect(subscribe(person('reader'), 'env/v1/one/state')).toBe(false);
  });
});

function isOperator(principal: Principal): boolean {
  return principal !== 'anonymous' && principal.role === 'operator';
}
