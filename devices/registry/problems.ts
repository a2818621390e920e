import type { DevicesErrorCode } from '../errors.ts';
import type { ImportProblem } from '../registry.ts';

/** A place in the file: keys and indices from the root. */
export type Place = readonly (string | number)[];

/** What is wrong with a file, in the order found. */
export interface Problems {
  add(place: Place, code: DevicesErrorCode, message: string): void;
  readonly list: readonly ImportProblem[];
}

export function createProblems(): Problems {
  const list: ImportProblem[] = [];
  return {
    list,
    add(place, code, message) {
      list.push({ pointer: pointerOf(place), code, message });
    },
  };
}

/** RFC 6901: `~` and `/` inside a key are escaped. */
export function pointerOf(place: Place): string {
  return place.map((step) => `/${String(step).replace(/~/g, '~0').replace(/\//g, '~1')}`).join('');
}
