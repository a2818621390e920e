/** A reader's way through a record of a copy: by partition and number, wherever the record stands. */
import type { Position } from '../../log/log.ts';
import type { BatchPlace } from '../../observations/batch.ts';
import type { CopyCursors } from './copy-cursor.ts';
import type { FeedPlace, Passage } from './places.ts';
import { reachBefore, withBatch, withBegun, type Reach } from './reach.ts';

/** `from` null: the reader has read everything before the record, and nothing of it. */
export function passRecord(
  cursors: CopyCursors,
  from: FeedPlace | null,
  position: Position,
  place: BatchPlace | undefined,
): Passage {
  if (place === undefined) throw new Error(`record ${position} of a copy has no place`);
  const { partition } = place;
  const number = place.positions[partition] ?? 0;
  const reach = from === null ? reachBefore(place) : reachIn(from);
  const last = reach.positions[partition] ?? 0;
  if (number <= last) return passOver({ position: position + 1, index: 0, reach });
  // Behind damage it is not the next batch: those between count as read.
  const before = number === last + 1 ? reach : withBatch(reach, partition, number - 1);
  const begun = before.begun.find((each) => each.partition === partition);
  const behind = withBatch(before, partition, number);
  const end: FeedPlace = { position: position + 1, index: 0, reach: behind };
  let within: ((left: number) => string) | undefined;
  return {
    end,
    isBehind: false,
    behindOf: (items) => (begun === undefined ? 0 : Math.max(0, items - begun.left)),
    cursorBehind(index, items) {
      if (index + 1 === items) return cursors.encode(behind);
      within ??= cursors.within(before, partition);
      return within(items - index - 1);
    },
    placeBehind(index, items) {
      if (index + 1 === items) return end;
      return { position, index: 0, reach: withBegun(before, partition, items - index - 1) };
    },
  };
}

/** A batch that the reader has had before, on a node where it stood earlier. */
function passOver(end: FeedPlace): Passage {
  return {
    end,
    isBehind: true,
    behindOf: (items) => items,
    cursorBehind: () => '',
    placeBehind: () => end,
  };
}

export function reachIn(place: FeedPlace): Reach {
  if (place.reach === undefined) throw new Error('a place of one log was met in a copy');
  return place.reach;
}
