import { expect, test } from 'vitest';
import { dataReception, duplicateTimes, impossibleDate, syntax, timeGap } from './time-tests.ts';

const nan = Number.NaN;
const hour = 3_600_000;

test('a gap longer than the span fails on the later value, and the first takes the second digit', () => {
  expect(timeGap([0, hour, 3 * hour, 5 * hour + 1])).toEqual([1, 1, 1, 4]);
  expect(timeGap([0, 3 * hour, 4 * hour])).toEqual([4, 4, 1]);
});

test('after a missing time the step is unknown', () => {
  expect(timeGap([0, nan, hour, 2 * hour])).toEqual([2, 9, 2, 1]);
  expect(timeGap([nan, hour])).toEqual([9, 2]);
  expect(timeGap([5])).toEqual([2]);
});

test('a value that came later than the span fails', () => {
  expect(dataReception([0, 4 * hour, 5 * hour, nan], 10 * hour)).toEqual([4, 1, 1, 9]);
});

test('a time that has not come fails', () => {
  expect(impossibleDate([9, 10, 11, nan], 10)).toEqual([1, 1, 4, 9]);
});

test('all members of a set of equal times are suspect', () => {
  expect(duplicateTimes([1, 2, 2, 3, nan, nan])).toEqual([1, 3, 3, 1, 9, 9]);
});

test('lines are counted by characters, bytes or fields', () => {
  expect(syntax(['23 °C', '24 C'], 5, { of: 'characters' })).toEqual([1, 4]);
  expect(syntax(['23 °C'], 6, { of: 'bytes' })).toEqual([1]);
  expect(syntax(['1,2,3', '1;2;3'], 3, { of: 'fields' })).toEqual([1, 4]);
  expect(syntax(['1;2;3'], 3, { of: 'fields', delimiter: ';' })).toEqual([1]);
});
