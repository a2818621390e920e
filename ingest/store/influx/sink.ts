/**
 * Carries `observations` into InfluxDB: lines of the batches of its partitions, many partitions to a
 * request, and notes with Kafka how far it has come once all of a request is stored. While one request
 * is under way the next is made. A sink that stops, stalls or loses a partition repeats at most what
 * it had not noted; points never change, so a repeat is no harm.
 */
import { CodedError } from '../../../devices/coded-error.ts';
import { firstHoles, isFull, type FeedOptions, type Load } from './feed.ts';
import { openFeeds, type Feeds } from './feeds.ts';
import { createLineBuilder } from './lines.ts';
import { createNotes } from './notes.ts';
import { createPauses, type Pauses } from './pauses.ts';
import type { SeriesTags } from './schema.ts';
import type { Writer } from './writer.ts';

const behindEveryMs = 2_000;

export interface SinkOptions extends Omit<FeedOptions, 'lines'> {
  /** Where it notes its offsets: a group without members, since Kafka takes notes of no other. */
  readonly group: string;
  /** Closed with the sink. */
  readonly writer: Writer;
  /** Tags of a series under a registry version that has it; throws where there are none yet. */
  readonly rowTags: (series: number, registryVersion: number) => SeriesTags;
}

export interface Sink {
  /** All partitions that it carries from now on. */
  assign(partitions: readonly number[]): void;
  /** Resolves once closed; rejects with what nobody foresaw. */
  readonly done: Promise<void>;
  /**
   * Ends the writing behind the request that is under way. What was not stored and noted is written
   * again by whoever carries the partition next.
   */
  close(): Promise<void>;
}

export function openSink(options: SinkOptions): Sink {
  const { writer, clock, config, events } = options;
  const lines = createLineBuilder({ ...config, rowTags: options.rowTags });
  const pauses = createPauses(clock);
  const notes = createNotes({ ...options, pauses, isOwn: (partition) => feeds.has(partition) });
  const feeds = openFeeds({
    ...options,
    lines,
    pauses,
    opened: (...where) => notes.begin(...where),
  });
  let failure: unknown;

  /** Never rejects: what goes wrong for good ends the loop. */
  async function settle(load: Load): Promise<void> {
    try {
      const refused = await writer.write(load.lines);
      feeds.lag.store(load.marks);
      await notes.put(load.marks, firstHoles(load, refused));
      events.behind(feeds.behind);
    } catch (error) {
      failure = error;
      pauses.end();
      feeds.stir();
    }
  }

  async function run(): Promise<void> {
    let settling = Promise.resolve();
    while (!pauses.isEnded) {
      const load = await feeds.take();
      if (load.marks.size === 0) {
        events.behind(feeds.behind);
        await feeds.wait();
        continue;
      }
      await settling;
      if (pauses.isEnded) break;
      settling = settle(load);
      if (!isFull(load, config)) await pauses.pause(config.lingerMs);
    }
    await settling;
    feeds.close();
    const isClosed = failure instanceof CodedError && failure.code === 'INFLUX_CLOSED';
    if (failure !== undefined && !isClosed) throw failure;
  }

  const watching = watchBehind(options, feeds, pauses);
  const repeating = notes.repeat();
  const done = run();
  return {
    done,
    assign(partitions) {
      events.assigned(partitions);
      feeds.assign(partitions);
    },
    async close() {
      pauses.end();
      writer.close();
      feeds.stir();
      await done;
      await watching;
      await repeating;
    },
  };
}

/** While InfluxDB is away nothing is read, so the ends are asked for. */
async function watchBehind(
  { kafka, topic, events }: Pick<SinkOptions, 'kafka' | 'topic' | 'events'>,
  feeds: Feeds,
  pauses: Pauses,
): Promise<void> {
  let told: string | undefined;
  while (!pauses.isEnded) {
    try {
      feeds.lag.learnEnds(await kafka.ends(topic));
      events.behind(feeds.behind);
      told = undefined;
    } catch (error) {
      const reason = error instanceof CodedError ? error.code : String(error);
      // That Kafka is away is told elsewhere: nothing new is there either.
      const isAway = error instanceof CodedError && error.canRetry;
      events.endsUnknown(error, !isAway && reason !== told);
      told = reason;
    }
    await pauses.pause(behindEveryMs);
  }
}
