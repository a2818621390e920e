import type { Position } from '../log/log.ts';

/** Something in a data folder that is not what was written. */
export interface Finding {
  readonly part: 'readings' | 'observations' | 'view' | 'registry' | 'positions' | 'backup';
  /** From the data folder. */
  readonly file: string;
  /** The positions that it is about; absent where it is about none. */
  readonly first?: Position;
  readonly last?: Position;
  /** Byte in the file, where it has a place. */
  readonly offset?: number;
  readonly what: string;
}

/** One line for a person. */
export function describeFinding(finding: Finding): string {
  const { file, first, last, offset, what } = finding;
  const record =
    first === undefined
      ? ''
      : last === undefined || last === first
        ? `record ${first}`
        : `records ${first} to ${last}`;
  const place = offset === undefined ? '' : `${record === '' ? '' : ', '}byte ${offset}`;
  return [file, `${record}${place}`, what].filter((part) => part !== '').join(': ');
}

/** How far a long work is: a step's name, what is done of it, and what it comes to (0: not known). */
export type MaintainProgress = (step: string, done: number, all: number) => void;
