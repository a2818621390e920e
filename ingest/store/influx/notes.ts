/**
 * What the sink notes with Kafka: of each partition where it goes on, and up to which batch InfluxDB has
 * all rows, which is what nodes rely on when they let go of what is old. Behind the first batch that is
 * not whole there the sink goes on, and what is relied on stays before it until the view is built again.
 *
 *   note := whole               all that was written is whole
 *         | whole " " written   batch `whole` + 1 is not; `written` is the last one that was written
 */
import type { GroupOffset, Kafka } from '../../log/kafka/kafka.ts';
import type { Position } from '../../log/log.ts';
import type { InfluxEvents } from './events.ts';
import type { Mark } from './feed.ts';
import type { Pauses } from './pauses.ts';

export interface Noted extends Mark {
  /** The last batch up to which InfluxDB has all rows of the partition. */
  readonly whole: Position;
}

export const nothingNoted: Noted = { offset: 0, position: 0, whole: 0 };

export interface NotesOptions {
  readonly kafka: Pick<Kafka, 'noteGroupOffsets'>;
  readonly group: string;
  readonly topic: string;
  readonly events: Pick<InfluxEvents, 'noteFailed' | 'partitionIncomplete' | 'incomplete'>;
  readonly pauses: Pauses;
  /** Whether the sink still carries the partition. */
  readonly isOwn: (partition: number) => boolean;
}

export interface Notes {
  /** The partition is carried from there on. */
  begin(partition: number, noted: Noted): void;
  /**
   * All lines up to there were written; `holes`: of a partition, the first batch that is not whole.
   * Never rejects: the next note covers it.
   */
  put(marks: ReadonlyMap<number, Mark>, holes: ReadonlyMap<number, Position>): Promise<void>;
  /** Until the pauses end: Kafka forgets what was noted long ago, though nothing has come since. */
  repeat(): Promise<void>;
}

/** Kafka keeps notes of a group without members for a week (`offsets.retention.minutes`). */
const repeatMs = 3_600_000;

export function createNotes(options: NotesOptions): Notes {
  const { kafka, group, topic, events, pauses, isOwn } = options;
  const stored = new Map<number, Noted>();

  function set(partition: number, noted: Noted, isNew: boolean): void {
    stored.set(partition, noted);
    const { whole, position } = noted;
    if (isNew && !isComplete(noted)) events.partitionIncomplete({ partition, whole, position });
    const all = [...stored].filter(([own, each]) => isOwn(own) && !isComplete(each));
    events.incomplete(all.length);
  }

  async function put(
    marks: ReadonlyMap<number, Mark>,
    holes: ReadonlyMap<number, Position>,
  ): Promise<void> {
    const own = [...marks].filter(([partition]) => isOwn(partition));
    for (const [partition, mark] of own) {
      const before = stored.get(partition) ?? nothingNoted;
      set(partition, notedAfter(before, mark, holes.get(partition)), isComplete(before));
    }
    const offsets = own.map(([partition]) => textOf(partition, stored.get(partition)!));
    if (offsets.length === 0) return;
    try {
      await kafka.noteGroupOffsets(group, topic, offsets);
    } catch (error) {
      events.noteFailed(error);
    }
  }

  return {
    begin: (partition, noted) => set(partition, noted, true),
    put,
    async repeat() {
      for (;;) {
        await pauses.pause(repeatMs);
        if (pauses.isEnded) return;
        await put(new Map([...stored].filter(([, { position }]) => position > 0)), new Map());
      }
    },
  };
}

function isComplete({ whole, position }: Noted): boolean {
  return whole === position;
}

function notedAfter(before: Noted, { offset, position }: Mark, hole: Position | undefined): Noted {
  if (!isComplete(before)) return { offset, position, whole: before.whole };
  return { offset, position, whole: hole === undefined ? position : hole - 1 };
}

function textOf(partition: number, { offset, position, whole }: Noted): GroupOffset {
  const note = whole === position ? `${whole}` : `${whole} ${position}`;
  return { partition, offset, note };
}

/** Of what is no note nothing is believed but where it goes on. */
export function noteOf({ offset, note }: Pick<GroupOffset, 'offset' | 'note'>): Noted {
  const [, whole = '0', position = whole] = /^(\d+)(?: (\d+))?$/.exec(note) ?? [];
  return { offset, position: Number(position), whole: Number(whole) };
}
