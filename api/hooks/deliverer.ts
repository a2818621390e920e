/**
 * Goes round the webhooks twice a second: whoever is due gets its next message, so many at once, each
 * webhook in order. What receivers took is written in one transaction a round: a crash in between
 * sends that again, and nothing is left out.
 */
import type { Scheduled } from '../../devices/clock.ts';
import type { ApiConfig } from '../config.ts';
import { createSlots } from '../../ingest/feed/slots.ts';
import type { Hook } from './hook.ts';
import { createChallengeLimit } from './challenge-limit.ts';
import { isOfNoUse } from './room.ts';
import { challengeWaitMs, createSending, neverAt, type SendingOptions } from './sending.ts';

export interface Deliverer {
  /** Something about the webhook was changed by hand: it is looked at anew. */
  changed(hook: Hook): void;
  /** Ends what is under way behind its answer, or by its time-out. */
  close(): Promise<void>;
}

const roundMs = 500;
/**
 * How often places are written that moved over changes of which there was nothing to tell: behind a
 * crash so much of the feed is looked through again, and no webhook falls behind its horizon.
 */
const movedMs = 60_000;
/** Messages to one webhook before another has its turn. */
const messagesPerTurn = 20;

/** `judgedNow`: the time by which what is of no use any more is removed. */
export function createDeliverer(options: SendingOptions, judgedNow: () => number): Deliverer {
  const { clock, store, events, context } = options;
  const slots = createSlots(context.config.hooksDeliveriesMax);
  const running = new Map<string, Promise<void>>();
  const standing = createStanding();
  const mayChallenge = createChallengeLimit(context.config);
  const sending = createSending({ ...options, mayChallenge });
  const flush = createFlush(options);
  let isClosed = false;

  function isDue(hook: Hook, nowAt: number): boolean {
    if (isWaiting(hook, nowAt, context.config) || running.has(hook.id)) return false;
    if (hook.state === 'active') return standing.caughtUpAt(hook.id) !== context.feed.position;
    return hook.state === 'unverified' || hook.state === 'expired';
  }

  async function run(hook: Hook): Promise<void> {
    for (let message = 0; message < messagesPerTurn; message += 1) {
      const { position } = context.feed;
      const { handled } = hook;
      const sent = await sending.next(hook);
      // It may stand elsewhere by then.
      if (hook.handled !== handled) return;
      if (sent === 'caught-up') standing.catchUp(hook.id, position);
      const isCurrent = store.all.get(hook.id) === hook && !isClosed;
      if (sent !== 'more' || !isCurrent || isWaiting(hook, clock.now(), context.config)) return;
      if (hook.state !== 'active' && hook.state !== 'expired') return;
    }
  }

  function start(hook: Hook): void {
    const done = run(hook)
      .catch((error: unknown) => {
        hook.nextAt = clock.now() + context.config.hooksRetryMsMin;
        events.deliveryBroken(error, hook.id);
      })
      .finally(() => {
        slots.release();
        running.delete(hook.id);
      });
    running.set(hook.id, done);
  }

  function startDue(nowAt: number): void {
    const due = [...store.all.values()].filter((hook) => isDue(hook, nowAt));
    for (const hook of standing.inTurn(due)) {
      if (!slots.tryTake()) break;
      if (hook.state === 'unverified' && !mayChallenge.begin(hook, nowAt)) {
        slots.release();
        continue;
      }
      standing.serve(hook.id);
      start(hook);
    }
  }

  const rounds = repeat(options, () => {
    flush();
    events.counted(store.all.size);
    startDue(clock.now());
    removeOfNoUse(options, judgedNow(), running).forEach((id) => standing.forget(id));
  });

  return {
    changed({ id }) {
      if (store.all.has(id)) standing.move(id);
      else standing.forget(id);
    },
    async close() {
      isClosed = true;
      rounds.cancel();
      await Promise.all(running.values());
      store.noteMoved();
      flush();
    },
  };
}

/** Where webhooks stand, as long as this process runs. */
function createStanding() {
  /** Position of the feed at which there was nothing more for a webhook. */
  const caughtUp = new Map<string, number>();
  /** When each was last served, as a number that grows; those never served are not there. */
  const served = new Map<string, number>();
  let turns = 0;
  return {
    caughtUpAt: (id: string): number | undefined => caughtUp.get(id),
    catchUp: (id: string, position: number) => void caughtUp.set(id, position),
    move: (id: string) => void caughtUp.delete(id),
    serve(id: string): void {
      turns += 1;
      served.set(id, turns);
    },
    /** Who waited longest comes first, and whoever was served goes behind. */
    inTurn: (hooks: readonly Hook[]): readonly Hook[] =>
      hooks.toSorted((a, b) => (served.get(a.id) ?? 0) - (served.get(b.id) ?? 0)),
    forget(id: string): void {
      caughtUp.delete(id);
      served.delete(id);
    },
  };
}

/**
 * Whether it has to wait for its next try. Further ahead than any wait is long it was set by a clock
 * that was wrong, and has been mended since.
 */
function isWaiting({ nextAt }: Hook, nowAt: number, config: ApiConfig): boolean {
  if (nextAt === neverAt) return true;
  const waitMs = nextAt - nowAt;
  const { hooksRetryMsMin, hooksRetryMsMax } = config;
  return waitMs > 0 && waitMs <= Math.max(hooksRetryMsMin, hooksRetryMsMax, challengeWaitMs);
}

/** Returns the ids of those that were removed. */
function removeOfNoUse(
  { store, events, context: { config } }: SendingOptions,
  nowAt: number,
  running: ReadonlyMap<string, unknown>,
): readonly string[] {
  const removed: string[] = [];
  for (const hook of store.all.values()) {
    if (running.has(hook.id) || !isOfNoUse(hook, config, nowAt)) continue;
    store.remove(hook.id);
    events.forgotten(hook);
    removed.push(hook.id);
  }
  return removed;
}

/** Whatever happens in a round, the next one comes. */
function repeat(
  { clock, events }: Pick<SendingOptions, 'clock' | 'events'>,
  round: () => void,
): Scheduled {
  let isCancelled = false;
  let scheduled: Scheduled = clock.schedule(roundMs, next);
  function next(): void {
    try {
      round();
    } catch (error) {
      events.roundFailed(error);
    }
    if (!isCancelled) scheduled = clock.schedule(roundMs, next);
  }
  return {
    cancel() {
      isCancelled = true;
      scheduled.cancel();
    },
  };
}

/**
 * A disk that is full ends no delivery: what is not written is sent again behind a crash. It is not
 * tried again before `hooksRetryMsMin`.
 */
function createFlush({ clock, store, events, context: { config } }: SendingOptions): () => void {
  let nextAtMs = 0;
  let movedAtMs = clock.monotonicMs() + movedMs;
  return () => {
    const nowMs = clock.monotonicMs();
    if (nowMs < nextAtMs) return;
    try {
      if (nowMs >= movedAtMs) {
        movedAtMs = nowMs + movedMs;
        store.noteMoved();
      }
      store.flush();
    } catch (error) {
      nextAtMs = nowMs + config.hooksRetryMsMin;
      events.roundFailed(error);
    }
  };
}
