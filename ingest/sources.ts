/**
 * How far each node's own log of readings has come into this partition. A node numbers what it sends
 * to a partition without holes and, after a crash, sends some of it again with the same numbers: so
 * what comes again is known exactly, and so is what never came.
 */
import type { SourceMark } from './observations/batch.ts';
import type { LoggedReading } from './reading-codec.ts';

export interface Sources {
  /**
   * Notes a reading before it is settled: what it stands for and came before is not settled again,
   * what should have come before it and never did is counted with it.
   */
  take(reading: LoggedReading): Taken;
  /** By node, for the batch that ends here. */
  marks(): readonly SourceMark[];
  /** Readings that were taken or missed, ever: what the balance of readings must come to. */
  readonly total: number;
}

export interface Taken {
  /** Of the readings that it stands for, those that come for the first time: 0 for a repeat. */
  readonly readings: number;
  /** Readings of its node, just before it, that never came. */
  readonly missing: number;
}

/** Stands for whoever writes into the topic and is no node of ours: such records have no origin. */
export const strangerNode = 65_536;

const repeat: Taken = { readings: 0, missing: 0 };
const next: Taken = { readings: 1, missing: 0 };

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
      // The place in the node's log is certain; the number only shows what is missing before it.
      if (origin.position <= mark.position) return repeat;
      const since = Math.max(1, origin.sequence - mark.sequence);
      // A fault stands for all the readings up to its own number; some may have come before.
      const readings = Math.min(since, fault?.readings ?? 1);
      total += since;
      mark.position = origin.position;
      mark.sequence += since;
      return since === 1 ? next : { readings, missing: since - readings };
    },
    marks: () => [...marks.values()].map((mark) => ({ ...mark })).sort((a, b) => a.node - b.node),
    get total() {
      return total;
    },
  };
}
