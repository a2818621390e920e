import { afterEach, describe, expect, it } from 'vitest';
import { createSeededRandom, type Random } from '../devices/random.ts';
import type { ObservationRow } from './observation.ts';
import { maskOf } from './quality.ts';
import type { Reading } from './reading.ts';
import { at, imbalance, openRoom, rowsOf, settled, type Room } from './room.fixture.ts';
import type { StoreWriter } from './store/store.ts';

const rooms: Room[] = [];
afterEach(async () => {
  for (const room of rooms.splice(0)) await room.remove();
});

const receivedAt = at(3 * 1_440);
const series = ['t', 'rh', 'pm'];

/** A day with a spike, a stuck sensor, holes and a null; corrections carry a later result time. */
function dayOf(random: Random): Partial<Reading>[] {
  const messages: object[] = [];
  for (let step = 0; step < 144; step++) {
    if (step > 60 && step < 66) continue;
    const ts = at(step * 10);
    const ta = step === 30 ? 40 : 20 + Math.round(random.next() * 20) / 10;
    const rh = step > 80 ? 61.5 : 60 + Math.round(random.next() * 50) / 10;
    const pm = step % 37 === 0 ? null : Math.round(random.next() * 400) / 10;
    messages.push({ ts, resultTime: ts + 60_000, ta, rh, pm });
    if (step % 25 === 3) messages.push({ ts, resultTime: ts + 7_200_000, ta: ta + 0.5, rh, pm });
    if (step % 10 === 0) messages.push({ ts, resultTime: ts + 60_000, ta, rh, pm });
  }
  return messages.map((message, index) => ({
    receivedAt,
    kind: index % 9 === 0 ? 'backfill' : 'message',
    payload: Buffer.from(JSON.stringify(message)),
  }));
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random.next() * (last + 1));
    [order[last], order[other]] = [order[other] as Item, order[last] as Item];
  }
  return order;
}

const arrival = maskOf(['LATE', 'BACKFILL']);

/** What a digest is made of: nothing of order, arrival or place in a log. */
function factsOf(row: ObservationRow): string {
  const { endAt, startAt, result, resultAt, verdict } = row;
  const tests = verdict.tests.replaceAll('2', '1');
  const qualifiers = verdict.qualifiers & ~arrival;
  return [endAt, startAt, result, resultAt, verdict.flag, tests, qualifiers, verdict.reason].join(
    ' ',
  );
}

function stateOf(room: Room, store: StoreWriter): unknown {
  const registry = room.registry.current();
  return series.map((id) => {
    const number = registry.datastreams.get(id)?.series ?? -1;
    const kept = rowsOf(room, store, id).flatMap((row) =>
      store.revisions(row).map(({ result, resultAt }) => `${row.endAt} ${result} ${resultAt}`),
    );
    return {
      id,
      rows: rowsOf(room, store, id).map(factsOf),
      kept: [...new Set(kept)],
      hours: store.hours(number, 0, 8e15),
    };
  });
}

async function stateAfter(order: readonly Partial<Reading>[]): Promise<unknown> {
  const room = await openRoom();
  rooms.push(room);
  const config = {
    windows: { bytesMax: 65_536, points: 16, lookBackPointsMax: 32 },
    stretch: { rowsMax: 40, readBytesMax: 2_048 },
  };
  const first = await room.open({ config });
  for (const reading of order.slice(0, 100)) await room.append(reading);
  await settled(first, 100);
  first.crash();
  const second = await room.open({ config });
  for (const reading of order.slice(100)) await room.append(reading);
  await settled(second, order.length);
  while (!second.store.flushSlice(10));
  const state = stateOf(room, second.store);
  expect(imbalance(second.store)).toEqual([0, 0]);
  await second.close();
  return state;
}

describe('a day in another order', () => {
  it('gives the same rows, kept values and hours, over a restart in its middle', async () => {
    const random = createSeededRandom(7);
    const day = dayOf(random);
    const expected = await stateAfter(day);
    for (let order = 0; order < 5; order++) {
      expect(await stateAfter(shuffled(day, random))).toEqual(expected);
    }
  });
});
