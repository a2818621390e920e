/**
 * A client of Kafka that lies, dies and freezes, before any server: calls fail before or after they
 * were done, answers come late or never. What the double in memory does worse (aborted transactions,
 * transactions that are committed when the id is opened anew) it does itself.
 */
import type { Clock } from '../../../devices/clock.ts';
import { kafkaError } from '../../log/kafka/errors.ts';
import type { Fault } from '../../log/kafka/memory.ts';
import type {
  Kafka,
  MembershipOptions,
  PartitionReader,
  TransactionalProducer,
} from '../../log/kafka/kafka.ts';

/** How many of a hundred calls go wrong. */
export interface Weather {
  commits: number;
  reads: number;
  opens: number;
}

export interface Lies {
  readonly weather: Weather;
  /** A number in [0, 1). */
  readonly next: () => number;
}

/** Whether the process that the client is of goes on. */
export interface Fate {
  /** It was killed: nothing is answered any more. */
  die(): void;
  /** What hangs because it was killed ends: for the test's own tidying. */
  bury(): void;
  freeze(): void;
  thaw(): void;
  /** Resolves with the answer when the process may see it. */
  answer<Answer>(asked: Promise<Answer>): Promise<Answer>;
  /** Runs something of the process, when it goes on; never once it is dead. */
  run(work: () => void): void;
}

export function createFate(): Fate {
  const buried = Promise.withResolvers<never>();
  buried.promise.catch(() => undefined);
  /** What waits until the process goes on; undefined while it does. */
  let held: (() => void)[] | undefined;
  let isDead = false;

  function run(work: () => void): void {
    if (held === undefined) work();
    else held.push(work);
  }

  function release(): void {
    const waiting = held ?? [];
    held = undefined;
    for (const work of waiting) run(work);
  }

  return {
    die() {
      isDead = true;
      held ??= [];
    },
    bury() {
      buried.reject(kafkaError('KAFKA_FENCED', { reason: 'the process is dead' }));
      release();
    },
    freeze: () => void (held ??= []),
    thaw() {
      if (!isDead) release();
    },
    answer: <Answer>(asked: Promise<Answer>) =>
      Promise.race([
        buried.promise,
        new Promise<Answer>((resolve, reject) => {
          asked.then(
            (answer) => run(() => resolve(answer)),
            (error: unknown) => run(() => reject(error as Error)),
          );
        }),
      ]),
    run,
  };
}

/** The clock as a process sees it: while it is frozen or dead nothing falls due. */
export function mortalClock(clock: Clock, fate: Fate): Clock {
  return {
    now: () => clock.now(),
    monotonicMs: () => clock.monotonicMs(),
    schedule: (delayMs, work) => clock.schedule(delayMs, () => fate.run(work)),
  };
}

/** `joined`: told of the membership, which the test then drives. */
export function mortalKafka(
  kafka: Kafka,
  fate: Fate,
  { weather, next }: Lies,
  joined: (options: MembershipOptions) => void,
): Kafka {
  const faultOf = (percent: number): Fault => {
    if (next() * 100 >= percent) return 'none';
    return next() < 0.5 ? 'before' : 'after';
  };

  /** Fails before it is done, or after, as often as told. */
  async function lie<Answer>(percent: number, work: () => Promise<Answer>): Promise<Answer> {
    const fault = faultOf(percent);
    if (fault === 'before') throw kafkaError('KAFKA_UNREACHABLE');
    const answer = await work();
    if (fault === 'after') throw kafkaError('KAFKA_UNREACHABLE');
    return answer;
  }

  const mortalProducer = (producer: TransactionalProducer): TransactionalProducer => {
    let isSpent = false;
    return {
      get clockBehindMs() {
        return producer.clockBehindMs;
      },
      commit: (records, isWanted) =>
        fate.answer(
          (async () => {
            const fault = faultOf(weather.commits);
            const unknown = kafkaError('KAFKA_OUTCOME_UNKNOWN', { fault, isSpent });
            if (isSpent) throw unknown;
            isSpent = fault !== 'none';
            // As often as not it is too late before it fails.
            const isLate = fault === 'before' && next() < 0.5;
            if (isLate) await producer.commit(records, () => false);
            if (fault !== 'before') await producer.commit(records, isWanted);
            if (isSpent) throw unknown;
          })(),
        ),
      close: () => producer.close(),
    };
  };

  return {
    ...kafka,
    openTransactions: (id) =>
      fate.answer(
        lie(weather.opens, () => kafka.openTransactions(id)).then((producer) =>
          mortalProducer(producer),
        ),
      ),
    openReader: (topic, partition, offset) =>
      mortalReader(kafka.openReader(topic, partition, offset), fate, (work) =>
        lie(weather.reads, work),
      ),
    ends: (topic) => fate.answer(lie(weather.opens, () => kafka.ends(topic))),
    async join(options) {
      joined(options);
      return { close: async () => undefined };
    },
  };
}

function mortalReader(
  reader: PartitionReader,
  fate: Fate,
  lie: <Answer>(work: () => Promise<Answer>) => Promise<Answer>,
): PartitionReader {
  // An answer that failed after it was read is read again: a reader's place moves with its answer.
  const read = async (bytesMax: number) => {
    const { next } = reader;
    try {
      return await lie(() => reader.read(bytesMax));
    } catch (error) {
      if (reader.next !== next) reader.seek(next);
      throw error;
    }
  };
  return {
    get next() {
      return reader.next;
    },
    get end() {
      return reader.end;
    },
    get levelAt() {
      return reader.levelAt;
    },
    read: (bytesMax) => fate.answer(read(bytesMax)),
    wait: (signal) => fate.answer(reader.wait(signal)),
    seek: (offset) => reader.seek(offset),
    close: () => reader.close(),
  };
}
