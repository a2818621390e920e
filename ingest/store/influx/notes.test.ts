import { describe, expect, it } from 'vitest';
import { noteOf } from './notes.ts';

describe('a note of the sink', () => {
  it.each([
    ['12', 12, 12],
    ['0', 0, 0],
    ['12 40', 12, 40],
    ['0 3', 0, 3],
  ])('%j says what is whole and what was written', (note, whole, position) => {
    expect(noteOf({ offset: 90, note })).toEqual({ offset: 90, whole, position });
  });

  it.each(['', 'NaN', '12 ', '-1', '1 2 3', '1e3'])(
    '%j is none: nothing is believed but where to go on',
    (note) => {
      expect(noteOf({ offset: 90, note })).toEqual({ offset: 90, whole: 0, position: 0 });
    },
  );
});
