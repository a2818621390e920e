/** The partitions that a sink carries: opened where the group left off, asked in turn. */
import type { Position } from '../../log/log.ts';
import type { Kafka } from '../../log/kafka/kafka.ts';
import { emptyLoad, isFull, openFeed, type Feed, type FeedOptions, type Load } from './feed.ts';
import { createLag, type Lag } from './lag.ts';
import { noteOf, nothingNoted, type Noted } from './notes.ts';
import type { Pauses } from './pauses.ts';

export interface FeedsOptions extends FeedOptions {
  readonly group: string;
  readonly pauses: Pauses;
  /** A partition is carried from this mark on. */
  readonly opened: (partition: number, mark: Noted) => void;
}

export interface Feeds {
  /** All partitions from now on; what is new is opened, what is gone closed, by the next `take`. */
  assign(partitions: readonly number[]): void;
  has(partition: number): boolean;
  /** What may be stored together, empty where there is nothing now; never rejects. */
  take(): Promise<Load>;
  /** Resolves once `take` may have something, or `stir` is called. */
  wait(): Promise<void>;
  stir(): void;
  readonly lag: Pick<Lag, 'store' | 'learnEnds'>;
  /** Batches of all partitions that are not in InfluxDB, about. */
  readonly behind: number;
  close(): void;
}

export function openFeeds(options: FeedsOptions): Feeds {
  const { kafka, topic, group, config, events, pauses } = options;
  const feeds = new Map<number, Feed>();
  const lag = createLag();
  let wanted: readonly number[] = [];
  let isChanged = false;
  let wake = (): void => undefined;

  async function reconcile(): Promise<void> {
    isChanged = false;
    for (const [partition, feed] of feeds) {
      if (wanted.includes(partition)) continue;
      feed.close();
      feeds.delete(partition);
      lag.close(partition);
    }
    const fresh = wanted.filter((partition) => !feeds.has(partition));
    if (fresh.length === 0) return;
    try {
      const marks = await notedMarks(kafka, group, topic);
      for (const partition of fresh) {
        const mark = marks.get(partition) ?? nothingNoted;
        options.opened(partition, mark);
        feeds.set(partition, openFeed(options, partition, mark));
        lag.open(partition, mark.offset);
      }
    } catch (error) {
      events.notesUnread(error);
      isChanged = true;
      await pauses.pause(config.backoffMinMs);
    }
  }

  return {
    assign(partitions) {
      wanted = [...partitions];
      isChanged = true;
      wake();
    },
    has: (partition) => feeds.has(partition),
    async take() {
      if (isChanged) await reconcile();
      const load = emptyLoad();
      const turn = [...feeds.values()];
      for (const feed of turn) {
        if (isFull(load, config)) break;
        await feed.take(load);
        // Whoever was asked is asked last for the next load.
        feeds.delete(feed.partition);
        feeds.set(feed.partition, feed);
      }
      return load;
    },
    async wait() {
      if (isChanged || pauses.isEnded) return;
      const stirred = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await untilAny(feeds.values(), stirred);
    },
    stir: () => wake(),
    lag,
    get behind() {
      return lag.behind((partition) => feeds.get(partition)?.reading);
    },
    close() {
      for (const feed of feeds.values()) feed.close();
      feeds.clear();
    },
  };
}

async function untilAny(feeds: Iterable<Feed>, stirred: Promise<void>): Promise<void> {
  const waiting = new AbortController();
  const each = [...feeds].map((feed) => feed.wait(waiting.signal));
  await Promise.race([stirred, ...each]);
  waiting.abort();
}

async function notedMarks(
  kafka: Kafka,
  group: string,
  topic: string,
): Promise<ReadonlyMap<number, Noted>> {
  const noted = await kafka.groupOffsets(group, topic);
  return new Map(noted.map((each) => [each.partition, noteOf(each)]));
}

/** Of each partition, the last batch up to which all rows are in InfluxDB. */
export async function notedPositions(
  kafka: Kafka,
  group: string,
  topic: string,
): Promise<ReadonlyMap<number, Position>> {
  const marks = await notedMarks(kafka, group, topic);
  return new Map([...marks].map(([partition, { whole }]) => [partition, whole]));
}
