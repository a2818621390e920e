import { expect, test } from 'vitest';
import { createLevels, levelsBytes } from './levels.ts';

test('what one thread says of a partition, another sees over the same buffer', () => {
  const buffer = new SharedArrayBuffer(levelsBytes(3));
  const [writer, reader] = [createLevels(buffer), createLevels(buffer)];
  expect([0, 1, 2].map((partition) => reader.get(partition))).toEqual([
    -Infinity,
    -Infinity,
    -Infinity,
  ]);
  writer.set(1, 1_700_000_000_123);
  expect(reader.get(1)).toBe(1_700_000_000_123);
  expect(reader.get(2)).toBe(-Infinity);
  writer.set(1, 1_700_000_000_124);
  expect(reader.get(1)).toBe(1_700_000_000_124);
});
