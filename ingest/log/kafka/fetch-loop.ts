/**
 * What a fetcher does all the time: finds the servers that lead what is wanted, asks each of them
 * again and again, and lets rest for a while what failed: a partition alone where the server said so
 * of it, all of a server where that does not answer. Nobody waits for what another's failing takes.
 */
import { setImmediate } from 'node:timers/promises';
import type { Clock, Scheduled } from '../../../devices/clock.ts';
import type { KafkaConfig } from './config.ts';
import type { Connections } from './connections.ts';
import { kafkaErrorOf } from './errors-of.ts';
import { kafkaError } from './errors.ts';
import { createFetchRecords, type FetchRecords, type PartitionAnswer } from './fetch-request.ts';
import { moveBehind, turnsOf, type Turn } from './fetch-turns.ts';
import { createLeaders, type Leaders } from './leaders.ts';
import type { PartitionQueue } from './partition-queue.ts';

export interface FetchingParts {
  readonly clock: Clock;
  readonly config: Pick<KafkaConfig, 'fetchWaitMs' | 'requestTimeoutMs'>;
  readonly connections: Connections;
}

export interface Fetching extends FetchingParts {
  readonly leaders: Leaders;
  readonly fetchRecords: FetchRecords;
  /** In the order in which they are asked for. */
  readonly queues: Set<PartitionQueue>;
  /** Servers that are being asked. */
  readonly asked: Set<string>;
  readonly works: Set<Promise<void>>;
  /** Of partitions that failed a moment ago. */
  readonly resting: Set<Scheduled>;
  readonly closing: AbortController;
  /** There may be something to ask for. */
  readonly stir: () => void;
  /** Resolves at the next stir. */
  readonly stirred: () => Promise<void>;
}

const pauseMsMin = 100;
const pauseMsMax = 2_000;
/** How long a server may hold a request while a partition that it leads waits for its reader. */
const fullWaitMs = 20;
/** The same while another reader of a partition waits for its turn. */
const leftOutWaitMs = 5;
/** kafkajs ends by itself what is not answered in time, but for what it is closing. */
const graceMs = 1_000;

export function createFetching(parts: FetchingParts): Fetching {
  let next = Promise.withResolvers<void>();
  return {
    ...parts,
    leaders: createLeaders(parts.connections),
    fetchRecords: createFetchRecords(),
    queues: new Set(),
    asked: new Set(),
    works: new Set(),
    resting: new Set(),
    closing: new AbortController(),
    stir() {
      next.resolve();
      next = Promise.withResolvers();
    },
    stirred: () => next.promise,
  };
}

/** Sees that whatever is wanted has a server, and that each server is asked. Ends with the closing. */
export async function seeToAll(fetching: Fetching): Promise<void> {
  const { queues, closing } = fetching;
  while (!closing.signal.aborted) {
    const wanted = [...queues].filter((queue) => queue.wantsMore && !queue.isWaiting);
    for (const { server } of wanted) if (server !== undefined) beginAsking(fetching, server);
    const homeless = wanted.filter(({ server }) => server === undefined);
    if (homeless.length > 0) keep(fetching, place(fetching, homeless));
    await fetching.stirred();
  }
}

/** Finds who leads them; others are asked for meanwhile. */
async function place(fetching: Fetching, homeless: readonly PartitionQueue[]): Promise<void> {
  const { leaders, connections, config, asked } = fetching;
  for (const queue of homeless) queue.isWaiting = true;
  try {
    const limitMs = 2 * config.requestTimeoutMs;
    const servers = await within(fetching, limitMs, leaders.find(homeless), connections.drop);
    for (const [at, queue] of homeless.entries()) {
      queue.isWaiting = false;
      queue.server = servers[at];
      const { topic, partition } = queue;
      if (queue.server !== undefined) continue;
      const reason = 'no server leads the partition now';
      rest(fetching, [queue], kafkaError('KAFKA_UNREACHABLE', { topic, partition, reason }));
    }
  } catch (error) {
    // Connections over which servers still answer are left alone.
    if (asked.size === 0) await connections.drop();
    rest(fetching, homeless, error);
  }
  fetching.stir();
}

function beginAsking(fetching: Fetching, server: string): void {
  const { asked } = fetching;
  if (asked.has(server)) return;
  asked.add(server);
  keep(fetching, askServer(fetching, server));
}

/** Again and again, until it leads nothing that is wanted. */
async function askServer(fetching: Fetching, server: string): Promise<void> {
  const { queues, asked, closing, leaders } = fetching;
  while (!closing.signal.aborted) {
    const led = [...queues].filter((queue) => queue.server === server && queue.wantsMore);
    if (led.length === 0) break;
    const turns = turnsOf(led);
    try {
      const waitMs = waitMsOf(fetching, server, led.length > countOf(turns));
      const askedAt = fetching.clock.now();
      const answers = await ask(fetching, server, turns, waitMs);
      settle(fetching, { turns, answers, askedAt });
    } catch (error) {
      leaders.doubt();
      rest(fetching, led, error);
    }
    // Whoever was given something may want another offset next: asked for now, or when the server
    // has held the next request to its end.
    await setImmediate();
  }
  asked.delete(server);
  fetching.stir();
}

function countOf(turns: readonly Turn[]): number {
  return turns.reduce((sum, { queues }) => sum + queues.length, 0);
}

function waitMsOf({ queues, config }: Fetching, server: string, isOneLeftOut: boolean): number {
  if (isOneLeftOut) return Math.min(leftOutWaitMs, config.fetchWaitMs);
  const isOneFull = [...queues].some((queue) => queue.server === server && queue.isFull);
  return isOneFull ? Math.min(fullWaitMs, config.fetchWaitMs) : config.fetchWaitMs;
}

/** Answers in the order of the turns. */
async function ask(
  fetching: Fetching,
  server: string,
  turns: readonly Turn[],
  waitMs: number,
): Promise<PartitionAnswer[]> {
  const limitMs = fetching.config.requestTimeoutMs + graceMs;
  const { node, giveUp } = await fetching.leaders.connectTo(server);
  try {
    const wanted = turns.map(({ asked }) => asked);
    return await within(fetching, limitMs, fetching.fetchRecords(node, wanted, waitMs), giveUp);
  } catch (error) {
    giveUp();
    throw error;
  }
}

interface Asked {
  readonly turns: readonly Turn[];
  /** In the order of the turns. */
  readonly answers: readonly PartitionAnswer[];
  readonly askedAt: number;
}

function settle(fetching: Fetching, { turns, answers, askedAt }: Asked): void {
  const given = turns.filter((_turn, at) => (answers[at]?.records?.length ?? 0) > 0);
  moveBehind(fetching.queues, turns, given);
  for (const [at, { asked, queues }] of turns.entries()) {
    for (const queue of queues) {
      // Closed, or moved while it was asked for: what it wants now is asked for next.
      if (!fetching.queues.has(queue) || queue.asks !== asked.offset) continue;
      settleOne(fetching, queue, answers[at]!, askedAt);
    }
  }
}

function settleOne(
  fetching: Fetching,
  queue: PartitionQueue,
  answer: PartitionAnswer,
  askedAt: number,
): void {
  const { error } = answer;
  if (error === undefined) {
    queue.take({ ...answer, askedAt });
  } else if ((error as { readonly type?: string }).type === 'OFFSET_OUT_OF_RANGE') {
    keep(fetching, judge(fetching, queue, error));
  } else {
    fetching.leaders.doubt();
    rest(fetching, [queue], error);
  }
}

/** Whether the offset is really gone: a server that began to lead just now may not know it yet. */
async function judge(fetching: Fetching, queue: PartitionQueue, error: Error): Promise<void> {
  const { topic, partition, asks: next } = queue;
  queue.isWaiting = true;
  queue.server = undefined;
  const ends = await fetching.leaders.endsOf(queue).catch(() => undefined);
  queue.isWaiting = false;
  if (queue.asks === next) {
    if (ends === undefined || (next >= ends.start && next <= ends.end)) {
      rest(fetching, [queue], error);
    } else {
      queue.fail(kafkaError('KAFKA_OFFSET_GONE', { topic, partition, next, ...ends }), true);
    }
  }
  fetching.stir();
}

/** Tells those who wait, and gives the servers time. */
function rest(fetching: Fetching, failed: readonly PartitionQueue[], error: unknown): void {
  const { clock, resting, closing, stir } = fetching;
  if (closing.signal.aborted) return;
  let failures = 0;
  for (const queue of failed) {
    const { topic, partition } = queue;
    queue.server = undefined;
    queue.isWaiting = true;
    failures = Math.max(failures, queue.failures++);
    queue.fail(kafkaErrorOf(error, { topic, partition }));
  }
  const timer = clock.schedule(Math.min(pauseMsMin * 2 ** failures, pauseMsMax), () => {
    resting.delete(timer);
    for (const queue of failed) queue.isWaiting = false;
    stir();
  });
  resting.add(timer);
}

/** Closing waits for it. */
function keep({ works }: Fetching, work: Promise<void>): void {
  const kept = work.finally(() => works.delete(kept));
  works.add(kept);
}

/** Rejects where it takes longer, and has it ended. */
async function within<Result>(
  { clock }: Fetching,
  limitMs: number,
  work: Promise<Result>,
  end: () => unknown,
): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = clock.schedule(limitMs, () => {
    late.reject(kafkaError('KAFKA_UNREACHABLE', { reason: `no answer in ${limitMs} ms` }));
    end();
  });
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    timer.cancel();
  }
}
