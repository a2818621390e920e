import { CodedError } from '../../../devices/coded-error.ts';
import type { Clock } from '../../../devices/clock.ts';
import type { RegistryCopy } from '../../../devices/registry-copy.ts';
import type { Kafka } from '../../log/kafka/kafka.ts';
import { clusterRegistryError } from './errors.ts';
import type { RegistryEvents } from './events.ts';
import { identityKey } from './records.ts';
import { createRest } from './rest.ts';
import { createStepMaker, type MadeStep } from './steps.ts';
import { createWaiters } from './waiters.ts';

/**
 * Follows the topic `registry` into this node's copy: the one way by which a version comes to any
 * node, also to the one that made it.
 */
export interface RegistryFollower {
  /**
   * Resolves once `isReached` is true of the copy and of the place in the topic up to which it was
   * read. Rejects CLUSTER_REGISTRY_AWAY after `waitMs`, or with what ended the following.
   */
  until(isReached: (next: number) => boolean, waitMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface FollowOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly copy: RegistryCopy;
  readonly clock: Clock;
  readonly events: RegistryEvents;
  /** The copy holds this version: readers refresh. Awaited before the next is taken. */
  readonly onVersion: (version: number) => void | Promise<void>;
  /** Throws where a note means that this node must stop. */
  readonly onNote: (key: string, value: string) => void;
  /** The following has ended for ever, and why: an error by name. */
  readonly onFailed: (error: unknown) => void;
}

/** Of one read; a version of many parts is kept back until it is whole. */
const readBytesMax = 4_194_304;
const retryMs = 500;
/** While somebody waits for a place: the end of a transaction moves it without a record. */
const lookMs = 20;

export function followRegistry(options: FollowOptions): RegistryFollower {
  const { copy, clock, events } = options;
  const reader = options.kafka.openReader(options.topic, 0, copy.next);
  events.held(copy.version);
  const steps = createStepMaker();
  const waiters = createWaiters(clock);
  const rest = createRest(clock);
  const takeStep = createTaker(options);
  let failure: Error | undefined;
  let isClosed = false;

  async function run(): Promise<void> {
    while (!isClosed) {
      try {
        if (await readOn()) continue;
        const delayMs = waiters.size === 0 ? undefined : lookMs;
        if (!isClosed) await rest.during((signal) => reader.wait(signal), delayMs);
      } catch (error) {
        if (isClosed) return;
        if (!isPassing(error)) return fail(asError(error));
        events.followingHeld(error);
        steps.reset();
        reader.seek(copy.next);
        await rest.pause(retryMs);
      }
    }
  }

  /** False when there was nothing to read. */
  async function readOn(): Promise<boolean> {
    const records = await reader.read(readBytesMax);
    if (isClosed) return false;
    await takeStep(records.length === 0 ? undefined : await steps.make(records, reader.next));
    waiters.tell(reader.next);
    return records.length > 0;
  }

  function fail(error: Error): void {
    failure = error;
    events.followingFailed(error);
    waiters.reject(error);
    options.onFailed(error);
  }

  const running = run();
  return {
    until(isReached, waitMs) {
      if (failure !== undefined) return Promise.reject(failure);
      const reached = waiters.until(isReached, waitMs);
      rest.end();
      return reached;
    },
    async close() {
      isClosed = true;
      rest.end();
      reader.close();
      waiters.reject(clusterRegistryError('CLUSTER_REGISTRY_AWAY'));
      await running;
    },
  };
}

/** Writes a step into the copy and tells of it. Without a step: of what was not told yet. */
function createTaker({ copy, events, onVersion, onNote }: FollowOptions) {
  let told = copy.version;

  function checkIdentity(identity: string | undefined): void {
    const held = copy.note(identityKey);
    if (identity === undefined || held === undefined || identity === held) return;
    throw clusterRegistryError('CLUSTER_REGISTRY_OTHER', { held, topic: identity });
  }

  return async (step: MadeStep | undefined): Promise<void> => {
    if (step !== undefined) {
      checkIdentity(step.notes.get(identityKey));
      copy.take(step);
      for (const [key, value] of step.notes) onNote(key, value);
    }
    if (copy.version > told) {
      await onVersion(copy.version);
      told = copy.version;
      events.copied(told);
    }
    if (step?.error !== undefined) throw asError(step.error);
  };
}

/** SQLite's busy, locked, I/O error, full, cannot open: what an operator or time mends. */
const passingOfDatabase: ReadonlySet<number> = new Set([5, 6, 10, 13, 14]);

/** Kafka is away, or the copy cannot be written now: it is tried again for ever. */
function isPassing(error: unknown): boolean {
  if (error instanceof CodedError) return error.canRetry;
  const number = error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0;
  return passingOfDatabase.has(number & 0xff);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
