import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';

import type { HistoryRow } from '../../devices/registry.ts';
import { openTestApi } from '../api.fixture.ts';
import { network } from '../network.fixture.ts';
import { createIntervalBook } from './intervals.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayAt = Date.parse('2024-06-10T00:00:00+07:00');
const id = 'hue-rain';

const nextRegistry = {
  ...network,
  datastreams: network.datastreams.map((each) =>
    (each as { readonly id: string }).id === id ? { ...each, intervalMs: minuteMs } : each,
  ),
};

test('a day in which a series begins to report more often expects what was in force hour by hour', async () => {
  const rig = await openTestApi();
  onTestFinished(() => rig.close());
  const beforeMs = rig.registry.current().datastreams.get(id)?.intervalMs ?? Number.NaN;
  expect(beforeMs).toBe(10 * minuteMs);
  // In the middle of an hour: both halves of it are expected by what was in force in them.
  const changeAt = dayAt + 12.5 * hourMs;
  rig.setNow(changeAt);
  await rig.api.registryAdmin.importRegistry(nextRegistry, 'test');
  const ends: number[] = [];
  for (let at = dayAt - 24 * hourMs + beforeMs; at <= changeAt; at += beforeMs) ends.push(at);
  for (let at = changeAt + minuteMs; at <= dayAt + 24 * hourMs; at += minuteMs) ends.push(at);
  rig.setNow(dayAt + 25 * hourMs);
  await rig.publish(
    ends.map((endAt) =>
      rig.row(id, endAt, { startAt: endAt - (endAt > changeAt ? minuteMs : beforeMs) }),
    ),
  );
  const asked = `datastream=${id}&from=2024-06-09T12:00:00%2B07:00`;
  const shown = async (query: string) => {
    const { items } = await rig.json(`/api/v1/aggregates?${asked}&${query}`);
    return items.map((item) => [item['rows'], item['expected'], item['completeness']]);
  };
  const halves = 12.5 * 6 + 11.5 * 60;
  for (const functions of ['mean', 'mean,p50']) {
    expect(await shown(`window=P1D&functions=${functions}`)).toEqual([
      [144, 144, 1],
      [halves, halves, 1],
    ]);
    const hours = await shown(`window=PT1H&functions=${functions}`);
    expect(hours.slice(23, 27)).toEqual([
      [6, 6, 1],
      [6, 6, 1],
      [33, 33, 1],
      [60, 60, 1],
    ]);
  }
});

test('what is expected of a time is the sum of what is expected of its parts, and of whole hours what they stand for', async () => {
  const at = fc.integer({ min: 0, max: 200 }).map((step) => step * 10 * minuteMs);
  const change = fc.record({ at, intervalMs: fc.constantFrom(minuteMs, 10 * minuteMs, hourMs) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 5 }),
      at,
      at,
      async (changes, a, b) => {
        const rows = changes
          .toSorted((one, other) => one.at - other.at)
          .map(({ at: madeAt, intervalMs }, index): HistoryRow => ({
            version: index + 1,
            at: madeAt,
            actor: 'test',
            kind: 'datastream',
            id,
            before: null,
            after: { intervalMs },
          }));
        const book = createIntervalBook({
          historySlice: (after, limit) => ({
            rows: rows.slice(after + 1, after + 1 + limit),
            end: Math.min(rows.length - 1, after + limit),
          }),
        });
        await book.follow();
        const datastream = {
          id,
          series: 0,
          station: 'hue',
          property: 'rainfall',
          slug: 'rain',
          aggregation: 'sum',
          intervalMs: changes[0]!.intervalMs,
        } as const;
        const intervals = book.of(datastream, rows.length);
        const [from, middle] = [Math.min(a, b), Math.max(a, b)];
        const to = middle + 7 * hourMs;
        expect(intervals.expectedIn(from, middle) + intervals.expectedIn(middle, to)).toBeCloseTo(
          intervals.expectedIn(from, to),
          6,
        );
        const hourAt = Math.ceil(from / hourMs) * hourMs;
        expect(hourMs / intervals.ofHour(hourAt)).toBeCloseTo(
          intervals.expectedIn(hourAt - hourMs, hourAt),
          6,
        );
        // An earlier version of the registry knows nothing of what came after it.
        const first = book.of({ ...datastream, intervalMs: changes[0]!.intervalMs }, 1);
        expect(first.ofHour(hourAt)).toBe(changes[0]!.intervalMs);
      },
    ),
    { numRuns: 200 },
  );
});
