/** What the sink notes with Kafka: of each partition how far InfluxDB has come. */
import type { Kafka } from '../../log/kafka/kafka.ts';
import type { InfluxEvents } from './events.ts';
import type { Mark } from './feed.ts';
import type { Pauses } from './pauses.ts';

export interface NotesOptions {
  readonly kafka: Pick<Kafka, 'noteGroupOffsets'>;
  readonly group: string;
  readonly topic: string;
  readonly events: Pick<InfluxEvents, 'noteFailed'>;
  readonly pauses: Pauses;
  /** Whether the sink still carries the partition. */
  readonly isOwn: (partition: number) => boolean;
}

export interface Notes {
  /** The partition is carried from there on: everything before is stored. */
  begin(partition: number, mark: Mark): void;
  /** Never rejects: the next note covers it. */
  put(marks: ReadonlyMap<number, Mark>): Promise<void>;
  /** Until the pauses end: Kafka forgets what was noted long ago, though nothing has come since. */
  repeat(): Promise<void>;
}

/** Kafka keeps notes of a group without members for a week (`offsets.retention.minutes`). */
const repeatMs = 3_600_000;

export function createNotes(options: NotesOptions): Notes {
  const { kafka, group, topic, events, pauses, isOwn } = options;
  const stored = new Map<number, Mark>();

  async function put(marks: ReadonlyMap<number, Mark>): Promise<void> {
    const own = [...marks].filter(([partition]) => isOwn(partition));
    for (const [partition, mark] of own) stored.set(partition, mark);
    const offsets = own.map(([partition, { offset, position }]) => {
      return { partition, offset, note: `${position}` };
    });
    if (offsets.length === 0) return;
    try {
      await kafka.noteGroupOffsets(group, topic, offsets);
    } catch (error) {
      events.noteFailed(error);
    }
  }

  return {
    begin: (partition, mark) => void stored.set(partition, mark),
    put,
    async repeat() {
      for (;;) {
        await pauses.pause(repeatMs);
        if (pauses.isEnded) return;
        await put(new Map([...stored].filter(([, { position }]) => position > 0)));
      }
    },
  };
}
