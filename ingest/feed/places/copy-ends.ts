/** Cursors that a reader of a copy stops at: by partition and number, wherever batches stand. */
import { feedError } from '../errors.ts';
import type { CopyCursors } from './copy-cursor.ts';
import type { CopyParts } from './copy-parts.ts';
import { reachIn } from './copy-passage.ts';
import type { Ends, FeedPlace } from './places.ts';
import type { Reach } from './reach.ts';

/** Throws API_CURSOR_INVALID (400) or API_CURSOR_STORE_UNKNOWN (410). */
export function decodeCursor(cursors: CopyCursors, text: string, parameter: string): Reach {
  const reach = cursors.decode(text);
  if (reach === 'invalid') throw feedError('API_CURSOR_INVALID', { parameter });
  if (reach === 'unknown') throw feedError('API_CURSOR_STORE_UNKNOWN', { parameter });
  return reach;
}

/** What is wholly behind a reader of a partition, and of its next batch the items that are left. */
function stateOf(reach: Reach, partition: number): { last: number; left: number } {
  const begun = reach.begun.find((each) => each.partition === partition);
  return { last: reach.positions[partition] ?? 0, left: begun?.left ?? Infinity };
}

export function createCopyEnds({ cursors, index }: CopyParts): Ends {
  const placeOf = (position: number, reach: Reach): FeedPlace => ({ position, index: 0, reach });
  return {
    readEnd: (until, parameter) => placeOf(0, decodeCursor(cursors, until, parameter)),
    itemsBefore(end, { place }, items) {
      if (place === undefined) return items;
      const { last, left } = stateOf(reachIn(end), place.partition);
      const number = place.positions[place.partition] ?? 0;
      if (number <= last) return items;
      return number === last + 1 && left < Infinity ? Math.max(0, items - left) : 0;
    },
    hasReached(place, end) {
      const read = reachIn(place);
      const wanted = reachIn(end);
      return wanted.positions.every((_number, partition) => {
        const has = stateOf(read, partition);
        const must = stateOf(wanted, partition);
        return has.last > must.last || (has.last === must.last && has.left <= must.left);
      });
    },
    async locate(cursor) {
      const reach = cursors.decode(cursor);
      if (reach === 'invalid' || reach === 'unknown') return undefined;
      const position = await index.locate(reach.positions);
      return position === undefined ? undefined : placeOf(position, reach);
    },
  };
}
