/** What clients with a key are given, by the bytes on the wire and by the book that counts it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createManualClock } from '../devices/clock-manual.ts';
import type { Principal } from '../devices/visible.ts';
import { createGivenBook, type Followed, type Given, type GivenBook } from './given.ts';

const token = (subject: string): Principal => ({ kind: 'token', role: 'reader', subject });
const latest: Followed = { path: 'open/v1/{stationId}/{slug}' };
const dayMs = 86_400_000;

function openBook(countersMax = 100) {
  const clock = createManualClock(0);
  return { clock, book: createGivenBook({ clock, countersMax }) };
}

function takeAll(book: GivenBook): { given: Given[]; dropped: number } {
  const given: Given[] = [];
  let dropped = 0;
  for (;;) {
    const page = book.take(2);
    given.push(...page.given);
    dropped += page.dropped;
    if (!page.hasMore) return { given, dropped };
  }
}

function sum(given: readonly Given[], column: 'rows' | 'bytes' | 'requests'): number {
  return given.reduce((all, each) => all + each[column], 0);
}

const step = fc.oneof(
  fc.record({ act: fc.constant('open' as const), key: fc.constantFrom('a', 'b') }),
  fc.record({ act: fc.constant('send' as const), at: fc.nat(20) }),
  fc.record({ act: fc.constant('fail' as const), at: fc.nat(20) }),
  fc.record({ act: fc.constant('end' as const), at: fc.nat(20) }),
  fc.record({ act: fc.constant('take' as const) }),
);

describe('the book of what keys are given', () => {
  test('tells every message and every subscription once, whenever it is asked', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { book } = openBook();
        const open: NonNullable<ReturnType<GivenBook['open']>>[] = [];
        const told: Given[] = [];
        const sent = { rows: 0, bytes: 0 };
        for (const each of steps) {
          const giving = 'at' in each ? open[each.at % Math.max(1, open.length)] : undefined;
          if (each.act === 'open') open.push(book.open(token(each.key), latest)!);
          else if (each.act === 'take') told.push(...takeAll(book).given);
          else if (each.act === 'fail') giving?.fail(410);
          else if (each.act === 'end') giving?.end();
          else if (giving !== undefined) {
            giving.counter.add(1, 10);
            sent.rows += 1;
            sent.bytes += 10;
          }
        }
        told.push(...takeAll(book).given);
        expect([sum(told, 'rows'), sum(told, 'bytes'), sum(told, 'requests')]).toEqual([
          sent.rows,
          sent.bytes,
          open.length,
        ]);
        expect(takeAll(book).given).toEqual([]);
      }),
    );
  });

  test('has a request of each day on which a subscription goes on, and says since when', () => {
    const { clock, book } = openBook();
    const giving = book.open(token('a'), { ...latest, station: 's1' });
    giving?.counter.add(1, 10);
    clock.advance(1_000);
    expect(takeAll(book).given).toEqual([
      { ...latest, station: 's1', key: 'a', status: 200, at: 0, requests: 1, rows: 1, bytes: 10 },
    ]);
    giving?.counter.add(2, 20);
    clock.advance(dayMs);
    expect(takeAll(book).given).toMatchObject([{ at: 1_000, requests: 0, rows: 2 }]);
    clock.advance(1_000);
    expect(takeAll(book).given).toEqual([]);
    giving?.counter.add(1, 10);
    expect(takeAll(book).given).toMatchObject([{ at: dayMs + 2_000, requests: 1, rows: 1 }]);
  });

  test('counts nothing of devices and of nobody in particular', () => {
    const { book } = openBook();
    expect(book.open('anonymous', latest)).toBeUndefined();
    const device: Principal = { kind: 'device', role: 'device', subject: 'd' };
    expect(book.open(device, latest)).toBeUndefined();
  });

  test('is bounded: what it has no counter for is told as dropped as long as it goes on', () => {
    const { book } = openBook(1);
    const counted = book.open(token('a'), latest);
    const over = book.open(token('b'), latest);
    over?.counter.add(5, 50);
    expect(takeAll(book)).toMatchObject({ given: [{ key: 'a', rows: 0 }], dropped: 1 });
    expect(takeAll(book).dropped).toBe(1);
    over?.end();
    counted?.end();
    expect(takeAll(book).dropped).toBe(1);
    expect(takeAll(book)).toEqual({ given: [], dropped: 0 });
    book.open(token('b'), latest)?.counter.add(1, 1);
    expect(takeAll(book)).toMatchObject({ given: [{ key: 'b', rows: 1 }], dropped: 0 });
  });
});
