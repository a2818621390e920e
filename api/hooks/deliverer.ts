/**
 * Goes round the webhooks twice a second: whoever is due gets its next message, so many at once, each
 * webhook in order. What receivers took is written in one transaction a round: a crash in between
 * sends that again, and nothing is left out.
 */
import type { Scheduled } from '../../devices/clock.ts';
import { createSlots } from '../../ingest/feed/slots.ts';
import type { Hook } from './hook.ts';
import { createChallengeLimit } from './challenge-limit.ts';
import { isOfNoUse } from './room.ts';
import { createSending, type SendingOptions } from './sending.ts';

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

export function createDeliverer(options: SendingOptions): Deliverer {
  const { clock, store, events, context } = options;
  const slots = createSlots(context.config.hooksDeliveriesMax);
  const running = new Map<string, Promise<void>>();
  /** Position of the feed at which there was nothing more for a webhook. */
  const caughtUpAt = new Map<string, number>();
  const mayChallenge = createChallengeLimit(context.config);
  const sending = createSending({ ...options, mayChallenge });
  const flush = createFlush(options);
  let isClosed = false;

  function isDue(hook: Hook, nowAt: number): boolean {
    if (hook.nextAt > nowAt || running.has(hook.id)) return false;
    if (hook.state === 'active') return caughtUpAt.get(hook.id) !== context.feed.position;
    return hook.state === 'unverified' || hook.state === 'expired';
  }

  async function run(hook: Hook): Promise<void> {
    for (let message = 0; message < messagesPerTurn; message += 1) {
      const { position } = context.feed;
      const { handled } = hook;
      const sent = await sending.next(hook);
      // It may stand elsewhere by then.
      if (hook.handled !== handled) return;
      if (sent === 'caught-up') caughtUpAt.set(hook.id, position);
      const isCurrent = store.all.get(hook.id) === hook && !isClosed;
      if (sent !== 'more' || !isCurrent || hook.nextAt > clock.now()) return;
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
    // Who waited longest comes first, and whoever was served goes behind.
    const due = [...store.all.values()].filter((hook) => hook.nextAt <= nowAt);
    due.sort((a, b) => a.nextAt - b.nextAt);
    for (const hook of due) {
      if (!isDue(hook, nowAt)) continue;
      if (!slots.tryTake()) break;
      if (hook.state === 'unverified' && !mayChallenge.begin(hook, nowAt)) {
        slots.release();
        continue;
      }
      if (hook.state === 'active') hook.nextAt = nowAt;
      start(hook);
    }
  }

  const rounds = repeat(options, () => {
    flush();
    events.counted(store.all.size);
    startDue(clock.now());
    const removed = removeOfNoUse(options, (id) => running.has(id));
    for (const id of removed) caughtUpAt.delete(id);
  });

  return {
    changed: (hook) => void caughtUpAt.delete(hook.id),
    async close() {
      isClosed = true;
      rounds.cancel();
      await Promise.all(running.values());
      store.noteMoved();
      flush();
    },
  };
}

/** Returns the ids of those that were removed. */
function removeOfNoUse(
  { clock, store, events, context: { config } }: SendingOptions,
  isRunning: (id: string) => boolean,
): readonly string[] {
  const removed: string[] = [];
  for (const hook of store.all.values()) {
    if (isRunning(hook.id) || !isOfNoUse(hook, config, clock.now())) continue;
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
