import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openQueryOf } from './open-feed.ts';
import { isTopicFilter, isTopicName, isWithinLimits, matches } from './topics.ts';

const level = fc.constantFrom('', 'a', 'b', '$c', 'env');
const topics = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'));
const filters = fc
  .tuple(
    fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }),
    fc.constantFrom('', '#', 'a', '+'),
  )
  .map(([levels, last]) => [...levels, last].join('/'));

/** The rules of §4.7 said another way: as a regular expression. */
function matchesByPattern(filter: string, topic: string): boolean {
  const wild = filter.startsWith('+') || filter.startsWith('#');
  if (topic.startsWith('$') && wild) return false;
  const pattern = filter
    .split('/')
    .map((part) => {
      if (part === '+') return '[^/]*';
      return part === '#' ? '.*' : part.replaceAll('$', '\\$');
    })
    .join('/')
    .replace(/\/\.\*$/, '(/.*)?');
  return new RegExp(`^${pattern}$`).test(topic);
}

describe('topics and filters', () => {
  test('matching is that of §4.7 (MQTT-4.7.1-2, MQTT-4.7.1-3, MQTT-4.7.2-1)', () => {
    fc.assert(
      fc.property(filters, topics, (filter, topic) => {
        fc.pre(isTopicFilter(filter) && topic.length > 0);
        expect(matches(filter, topic)).toBe(matchesByPattern(filter, topic));
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['+', '/finance', false],
    ['#', '$SYS/x', false],
    ['+/monitor', '$SYS/monitor', false],
    ['$SYS/#', '$SYS/monitor', true],
    ['ACCOUNTS', 'Accounts', false],
  ])('%s and %s of the standard: %s', (filter, topic, expected) => {
    expect(matches(filter, topic)).toBe(expected);
  });

  test.each(['a#', 'a/#/b', '#/a', 'a+', '+a', 'a/+b', 'a/b+', 'a/+b/c', '##', ''])(
    '%s is no filter',
    (filter) => {
      expect(isTopicFilter(filter)).toBe(false);
    },
  );

  test('a topic name has no wildcard and is not empty', () => {
    expect(['a/b', '/', 'a//b', ' '].every(isTopicName)).toBe(true);
    expect(['', 'a/+', '#', 'a/b#'].some(isTopicName)).toBe(false);
  });

  test('limits count levels and bytes', () => {
    const limits = { topicLevelsMax: 3, topicBytesMax: 9 };
    expect(isWithinLimits('a/b/c', limits)).toBe(true);
    expect(isWithinLimits('a/b/c/d', limits)).toBe(false);
    expect(isWithinLimits('123456789', limits)).toBe(true);
    expect(isWithinLimits('ạạạạ', limits)).toBe(false);
  });
});

describe('what a filter asks of the public feed', () => {
  test.each([
    ['open/#', {}],
    ['open/v1/#', {}],
    ['open/+/+/+', {}],
    ['open/v1/+/#', {}],
    ['open/v1/s1/#', { station: 's1' }],
    ['open/v1/s1/+', { station: 's1' }],
    ['open/v1/+/ph', { slug: 'ph' }],
    ['open/v1/s1/ph', { station: 's1', slug: 'ph' }],
    ['open/v1/s1/ph/#', { station: 's1', slug: 'ph' }],
    ['open/v1/s1', undefined],
    ['open/v1/s1/ph/x', undefined],
    ['open/v1/s1/ph/x/#', undefined],
    ['open/v2/#', undefined],
    ['env/v1/one/cmd/#', undefined],
  ])('%s', (filter, expected) => {
    expect(openQueryOf(filter)).toEqual(expected);
  });
});
