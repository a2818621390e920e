/**
 * How far each node's own log of readings has come into this partition. A node numbers what it sends
 * to a partition without holes and, after a crash, sends some of it again with the same numbers: so
 * what comes again is known exactly, and so is what never came.
 */
import type { SourceMark } from './observations/batch.ts';
import type { LoggedReading } from './reading-codec.ts';

export interface Sources {
  /**
   * Notes a reading before it is settled. `repeat`: it came before and is not settled again;
   * `missing`: how many readings of its node, just before it, never came.
   */
  take(reading: LoggedReading): Taken;
  /** By node, for the batch that ends here. */
  marks(): readonly SourceMark[];
  /** Readings that were taken or missed, ever: what the balance of readings must come to. */
  readonly total: number;
}

export interface Taken {
  readonly isRepeat: boolean;
  readonly missing: number;
}

/** Stands for whoever writes into the topic and is no node of ours: such records have no origin. */
export const strangerNode = 65_536;

const repeat: Taken = { isRepeat: true, missing: 0 };
const next: Taken = { isRepeat: false, missing: 0 };

export function openSources(initial: readonly SourceMark[]): Sources {
  const marks = new Map(initial.map((mark) => [mark.node, { ...mark }]));
  let total = initial.reduce((sum, { sequence }) => sum + sequence, 0);

  function markOf(node: number): { position: number; sequence: number } {
    let mark = marks.get(node);
    if (mark === undefined) {
      mark = { node, position: 0, sequence: 0 };
      marks.set(node, mark);
    }
    return mark;
  }

  return {
    take({ origin, fault, position }) {
      if (origin === undefined) {
        const mark = markOf(strangerNode);
        mark.position = position;
        mark.sequence++;
        total++;
        return next;
      }
      const mark = markOf(origin.node);
      if (origin.sequence <= mark.sequence) return repeat;
      // A fault stands for all the readings up to its own number.
      const first = origin.sequence - (fault?.readings ?? 1) + 1;
      const missing = Math.max(0, first - mark.sequence - 1);
      total += origin.sequence - mark.sequence;
      mark.position = origin.position;
      mark.sequence = origin.sequence;
      return missing === 0 ? next : { isRepeat: false, missing };
    },
    marks: () => [...marks.values()].map((mark) => ({ ...mark })).sort((a, b) => a.node - b.node),
    get total() {
      return total;
    },
  };
}
