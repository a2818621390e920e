import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createShares, type Client } from './shares.ts';

function client(key: string, change: Partial<Client> & { readonly cost?: number } = {}): Client {
  const { cost = 0, ...rest } = change;
  return { standing: 'keyless', key, isBounded: true, recentCost: () => cost, ...rest };
}

function open(placesMax: number, keptPercent = 0, clientPercentMax = 100) {
  const code = 'API_TOO_MANY_STREAMS' as const;
  return createShares({ placesMax, keptPercent, clientPercentMax, code });
}

/** How many of these are admitted. */
function admitted(shares: ReturnType<typeof open>, clients: readonly Client[]): number {
  return clients.filter((each) => {
    try {
      shares.take(each);
      return true;
    } catch {
      return false;
    }
  }).length;
}

test('one client has its share and no more, whatever is free, and gets back what it gave back', () => {
  const shares = open(8, 0, 25);
  const give = shares.take(client('a'));
  shares.take(client('a'));
  expect(() => shares.take(client('a'))).toThrow('long answers');
  give();
  give();
  expect(admitted(shares, [client('a'), client('a'), client('b')])).toBe(2);
});

test('who has no key leaves some places to keys, and keys leave some to operators', () => {
  const shares = open(40, 20);
  const many = (standing: Client['standing']) =>
    Array.from({ length: 50 }, (_, index) =>
      client(`${standing}${index}`, { standing, isBounded: standing !== 'operator' }),
    );
  expect(admitted(shares, many('keyless'))).toBe(32);
  expect(admitted(shares, many('key'))).toBe(6);
  expect(admitted(shares, many('operator'))).toBe(2);
});

test('where no place is free, who has cost most is cut for who has cost little, and never the other way', () => {
  const shares = open(3);
  const cut: string[] = [];
  const take = (key: string, cost: number) =>
    shares.take(client(key, { cost }), () => cut.push(key));
  take('heavy', 0.6);
  take('heavier', 0.9);
  take('light', 0.01);
  take('new', 0.1);
  expect(cut).toEqual(['heavier']);
  expect(() => take('as heavy', 0.5)).toThrow('long answers');
  take('newer', 0);
  expect(cut).toEqual(['heavier', 'heavy']);
  // Only light ones and one of their own kind are left.
  expect(() => take('newest', 0.2)).toThrow('long answers');
  expect(shares.taken).toBe(3);
});

test('without a key nobody takes the place of a key', () => {
  const shares = open(2);
  const cut: string[] = [];
  const key = client('key', { standing: 'key', cost: 2 });
  shares.take(key, () => cut.push('key'));
  shares.take(key, () => cut.push('key'));
  expect(() => shares.take(client('keyless'))).toThrow('long answers');
  shares.take(client('other key', { standing: 'key' }));
  expect(cut).toEqual(['key']);
});

test('whatever comes and goes, no bound is passed and nothing is lost', () => {
  const step = fc.record({
    who: fc.integer({ min: 0, max: 5 }),
    cost: fc.double({ min: 0, max: 2, noNaN: true }),
    gives: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const shares = open(10, 20, 30);
      const held = new Map<object, { readonly who: number; readonly give: () => void }>();
      for (const { who, cost, gives } of steps) {
        const [first] = held;
        if (gives && first !== undefined) {
          first[1].give();
          held.delete(first[0]);
          continue;
        }
        const place = {};
        const standing = who < 3 ? 'keyless' : 'key';
        try {
          const asking = client(String(who), { standing, cost });
          const give = shares.take(asking, () => held.delete(place));
          held.set(place, { who, give });
        } catch {
          continue;
        }
        const count = (wanted: (each: number) => boolean) =>
          [...held.values()].filter((each) => wanted(each.who)).length;
        expect(shares.taken).toBe(held.size);
        expect(held.size).toBeLessThanOrEqual(10);
        expect(count((each) => each < 3)).toBeLessThanOrEqual(8);
        for (let each = 0; each < 6; each++) {
          expect(count((other) => other === each)).toBeLessThanOrEqual(3);
        }
      }
      for (const { give } of held.values()) give();
      expect(shares.taken).toBe(0);
    }),
  );
});

test('clients of one site hold twice the share of one, however many they are', () => {
  const shares = open(20, 0, 10);
  const site = Array.from({ length: 9 }, (_, index) => client(`${index}`, { siteKey: 'site' }));
  expect(admitted(shares, site)).toBe(4);
  expect(admitted(shares, [client('other', { siteKey: 'other site' })])).toBe(1);
});
