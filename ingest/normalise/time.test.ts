import { describe, expect, test } from 'vitest';
import type { Aggregation, Datastream } from '../../devices/model.ts';
import {
  createResolvedTime,
  resolveEnd,
  resolveResult,
  resolveStart,
  type ResolvedTime,
  type SentTime,
  type TimeRule,
} from './time.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const nan = Number.NaN;
const at = (text: string) => Date.parse(text);

const receivedAt = at('2026-03-01T12:00:00Z');
const deployedAt = at('2025-01-01T00:00:00Z');
const rule: TimeRule = {
  plausibleFromAt: at('2000-01-01T00:00:00Z'),
  futureMaxMs: 10 * minute,
  intervalMsMax: 366 * day,
};

function datastream(aggregation: Aggregation, intervalMs = 5 * minute): Datastream {
  return {
    id: 'd',
    series: 0,
    station: 's',
    property: 'air-temperature',
    slug: 'air-temperature',
    aggregation,
    intervalMs,
  };
}

function resolve(
  sent: Partial<SentTime>,
  options: { aggregation?: Aggregation; fromAt?: number } = {},
): ResolvedTime {
  const whole = { endAt: nan, startAt: nan, timeText: null, resultAt: nan, ...sent };
  const into = createResolvedTime();
  const fromAt = options.fromAt ?? deployedAt;
  resolveEnd(whole, { fromAt, receivedAt, futureMaxMs: rule.futureMaxMs }, into);
  resolveStart(whole, datastream(options.aggregation ?? 'instant'), rule, into);
  resolveResult(whole, rule, receivedAt, into);
  return into;
}

function sentAt(endAt: number): Partial<SentTime> {
  return { endAt, timeText: String(endAt) };
}

describe('thirty bad times', () => {
  test.each<[string, Partial<SentTime>]>([
    ['the epoch: a clock never set', sentAt(0)],
    ['a millisecond of uptime', sentAt(1)],
    ['seconds sent as milliseconds', sentAt(1_772_366_400)],
    ['milliseconds since boot', sentAt(86_400_123)],
    ['minus one', sentAt(-1)],
    ['a year before the epoch', sentAt(at('1969-07-20T20:17:40Z'))],
    ['the default of a GPS receiver', sentAt(at('1980-01-06T00:00:00Z'))],
    ['the default of a PC clock', sentAt(at('1980-01-01T00:00:00Z'))],
    ['the last moment before 2000', sentAt(at('2000-01-01T00:00:00Z') - 1)],
    ['the default of a real-time clock chip', sentAt(at('2000-01-01T00:00:00Z'))],
    ['seconds since 2000 added to 1970', sentAt(at('1996-03-01T12:00:00Z'))],
    ['a GPS week roll-over, 1,024 weeks back', sentAt(receivedAt - 1_024 * 7 * day)],
    ['the build date of a firmware', sentAt(at('2023-05-04T09:00:00Z'))],
    ['the year before the deployment', sentAt(at('2024-12-31T23:59:59Z'))],
    ['a millisecond before the deployment', sentAt(deployedAt - 1)],
    ['a millisecond too far ahead', sentAt(receivedAt + 10 * minute + 1)],
    ['local time sent as UTC, seven hours ahead', sentAt(receivedAt + 7 * hour)],
    ['nine hours ahead', sentAt(receivedAt + 9 * hour)],
    ['a day ahead', sentAt(receivedAt + day)],
    ['a GPS week roll-over, 1,024 weeks ahead', sentAt(receivedAt + 1_024 * 7 * day)],
    ['the Buddhist year', sentAt(at('2569-03-01T12:00:00Z'))],
    ['the end of 32-bit seconds', sentAt(at('2038-01-19T03:14:07Z'))],
    ['microseconds sent as milliseconds', sentAt(receivedAt * 1_000)],
    ['nanoseconds sent as milliseconds', sentAt(receivedAt * 1e6)],
    ['the end of the calendar', sentAt(8.64e15)],
    ['beyond the calendar', sentAt(8.64e15 + 1)],
    ['infinity', sentAt(Number.POSITIVE_INFINITY)],
    ['minus infinity', sentAt(Number.NEGATIVE_INFINITY)],
    ['a text that is no time', { endAt: nan, timeText: 'yesterday' }],
    ['an empty text', { endAt: nan, timeText: '' }],
  ])('%s gives way to the receive time', (_, sent) => {
    expect(resolve(sent)).toEqual({
      endAt: receivedAt,
      startAt: receivedAt,
      resultAt: nan,
      source: 'replaced',
      isArrival: true,
    });
  });
});

describe('the end', () => {
  test.each([
    ['the first moment of the deployment', deployedAt],
    ['now', receivedAt],
    ['ten minutes ahead', receivedAt + 10 * minute],
    ['a year late', receivedAt - 365 * day],
  ])('%s is the device time', (_, endAt) => {
    expect(resolve(sentAt(endAt))).toMatchObject({ endAt, source: 'device', isArrival: false });
  });

  test('is a whole millisecond', () => {
    expect(resolve(sentAt(receivedAt - 0.4)).endAt).toBe(receivedAt);
    expect(resolve(sentAt(receivedAt + 10 * minute + 0.4)).source).toBe('device');
  });

  test('without any time is the receive time, and no clock was replaced', () => {
    expect(resolve({})).toMatchObject({ endAt: receivedAt, source: 'receive' });
  });

  test('with no deployment bound reaches back to 2000', () => {
    const fromAt = rule.plausibleFromAt;
    const source = (endAt: number) => resolve(sentAt(endAt), { fromAt }).source;
    expect(source(fromAt)).toBe('device');
    expect(source(fromAt - 1)).toBe('replaced');
  });
});

describe('the start', () => {
  const endAt = receivedAt - minute;

  test.each(['instant', 'counter'] as const)(
    'of an %s is its end, whatever was sent',
    (aggregation) => {
      const sent = { ...sentAt(endAt), startAt: endAt - hour };
      expect(resolve(sent, { aggregation })).toMatchObject({ startAt: endAt, source: 'device' });
    },
  );

  test.each(['mean', 'sum', 'min', 'max'] as const)(
    'of a %s is one interval back',
    (aggregation) => {
      expect(resolve(sentAt(endAt), { aggregation }).startAt).toBe(endAt - 5 * minute);
    },
  );

  test('is what the message names', () => {
    const sent = { ...sentAt(endAt), startAt: endAt - hour + 0.3 };
    expect(resolve(sent, { aggregation: 'mean' }).startAt).toBe(endAt - hour);
    const empty = { ...sentAt(endAt), startAt: endAt };
    expect(resolve(empty, { aggregation: 'sum' })).toMatchObject({
      startAt: endAt,
      source: 'device',
    });
  });

  test('moves with an end that was replaced', () => {
    const sent = { ...sentAt(hour), startAt: 0 };
    expect(resolve(sent, { aggregation: 'mean' })).toMatchObject({
      endAt: receivedAt,
      startAt: receivedAt - hour,
      source: 'replaced',
    });
  });

  test('without an end of its own reaches to the receive time', () => {
    const sent = { startAt: receivedAt - hour };
    expect(resolve(sent, { aggregation: 'mean' })).toMatchObject({
      endAt: receivedAt,
      startAt: receivedAt - hour,
      source: 'receive',
    });
  });

  test.each([
    ['behind the end', endAt + 1],
    ['of another age', 0],
  ])('%s gives way to one interval, and the clock is doubted', (_, startAt) => {
    expect(resolve({ ...sentAt(endAt), startAt }, { aggregation: 'mean' })).toMatchObject({
      endAt,
      startAt: endAt - 5 * minute,
      source: 'replaced',
    });
  });
});

describe('the result time', () => {
  test('is kept where it can be', () => {
    const sent = { ...sentAt(receivedAt), resultAt: receivedAt + 0.2 };
    expect(resolve(sent)).toMatchObject({ resultAt: receivedAt, source: 'device' });
  });

  test.each([
    ['too far ahead', receivedAt + 10 * minute + 1],
    ['before 2000', 0],
  ])('%s is dropped, since it would outrank every correction', (_, resultAt) => {
    expect(resolve({ ...sentAt(receivedAt), resultAt })).toMatchObject({
      resultAt: nan,
      source: 'replaced',
    });
  });
});
