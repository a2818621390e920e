/**
 * Subscriptions to the change feed. Each has a place of its own in the feed, from which its session
 * takes message by message as fast as its client does: nothing is dropped, what does not fit waits in
 * the log, and a session whose client comes back goes on behind the last message that it took.
 */
import { principalKey } from '../authenticate.ts';
import type { Requester } from '../authorize.ts';
import type { Giving } from '../given.ts';
import {
  topicOfChange,
  type ChangeFeed,
  type ChangeFilter,
  type ChangeMessage,
  type ChangeRequest,
} from './change-feed.ts';
import { ChangeQueue } from './change-queue.ts';
import {
  createFollowerPlaces,
  type FollowerBounds,
  type FollowerPlaces,
} from './follower-places.ts';
import type { OutgoingPublish, Qos } from './packets.ts';
import type { Replay } from './replay.ts';

export interface ChangeStream {
  /** Goes on behind the last message taken; `ready` is called when there is one again. */
  open(ready: () => void): Replay;
  /** Rights have changed: what waits was read by those of before, and is read again. */
  renew(): void;
  /** Behind the last message taken, or where it is to begin; undefined once its end was told. */
  readonly place: Place | undefined;
  /** The subscription has ended. */
  close(): void;
}

export interface Place {
  /** A cursor, `now`, or undefined for the oldest change there is. */
  readonly after: string | undefined;
}

export interface ChangeStreamOptions {
  readonly filter: ChangeFilter;
  /** Where it goes on, of the subscription that it replaces; otherwise it begins as its filter says. */
  readonly place?: Place | undefined;
  readonly qos: Qos;
  readonly requester: () => Requester;
  /** Of a client with a key. */
  readonly giving: Giving | undefined;
  /** The client takes nothing, or the feed cannot go on. */
  readonly cut: () => void;
}

export interface ChangeStreams {
  /** False when as many are open as may be: in all, without a key, or for this requester. */
  hasRoom(requester: Requester): boolean;
  create(options: ChangeStreamOptions): ChangeStream;
  close(): Promise<void>;
}

export function createChangeStreams(options: {
  readonly feed: ChangeFeed;
  readonly bounds: FollowerBounds;
}): ChangeStreams {
  const { feed } = options;
  const places = createFollowerPlaces(options.bounds);
  return {
    hasRoom: (requester) => places.hasRoom(requester),
    create: (stream) => createStream(feed, places, stream),
    close: () => feed.close(),
  };
}

/** Subscribers may choose QoS 0 or 1. */
const qosMax: Qos = 1;

function createStream(
  feed: ChangeFeed,
  places: FollowerPlaces,
  { filter, place, qos, requester, giving, cut }: ChangeStreamOptions,
): ChangeStream {
  let { after } = place ?? filter;
  let opened: Opened | undefined;
  /** What ended it was told: there is nothing more to come. */
  let isOver = false;

  function next(queue: ChangeQueue): OutgoingPublish | 'wait' | 'end' {
    const message = queue.shift();
    if (message !== undefined) {
      after = message.cursor;
      return outgoing(filter, message, { qos, counter: giving?.counter });
    }
    if (!queue.isEnded) return 'wait';
    const problem = queue.takeProblem();
    if (problem === undefined) return 'end';
    isOver = true;
    giving?.fail(statusOf(problem));
    const end = { of: undefined, payload: problem, cursor: '', isAboutStream: true };
    return outgoing(filter, end, { qos, counter: giving?.counter });
  }

  /** Follows from the place. */
  function begin(ready: () => void): Following {
    const queue = new ChangeQueue({
      ready,
      cut,
      // Whoever goes before having taken anything shall come back to where the stream began.
      begun: (cursor) => (after = after === 'now' ? cursor : after),
    });
    const disconnect = feed.follow(requestOf(filter, requester(), after), queue);
    const leave = (): void => {
      queue.stop();
      disconnect();
    };
    return { queue, leave };
  }

  return {
    open(ready) {
      opened?.end();
      if (isOver) return endedReplay;
      let following: Following | undefined;
      // One whose client comes back while there is no room waits for its turn.
      const leavePlace = places.enter(requester(), () => {
        following = begin(ready);
        ready();
      });
      let isEnded = false;
      const end = (): void => {
        if (isEnded) return;
        isEnded = true;
        following?.leave();
        leavePlace();
      };
      const renew = (): void => {
        if (isEnded || following === undefined || following.queue.pendingBytes === 0) return;
        following.leave();
        following = begin(ready);
      };
      opened = { end, renew };
      return { next: () => (following === undefined ? 'wait' : next(following.queue)), end };
    },
    renew: () => opened?.renew(),
    get place() {
      return isOver ? undefined : { after };
    },
    close() {
      opened?.end();
      isOver = true;
      giving?.end();
    },
  };
}

interface Following {
  readonly queue: ChangeQueue;
  /** Ends the queue too. */
  readonly leave: () => void;
}

function requestOf(
  { station, slug }: ChangeFilter,
  { principal }: Requester,
  after: string | undefined,
): ChangeRequest {
  return {
    principal,
    viewer: principalKey(principal),
    after,
    ...(station === undefined ? {} : { station }),
    ...(slug === undefined ? {} : { slug }),
  };
}

function outgoing(
  filter: ChangeFilter,
  message: ChangeMessage,
  { qos: wanted, counter }: Pick<OutgoingPublish, 'qos' | 'counter'>,
): OutgoingPublish {
  const { payload, isAboutStream } = message;
  const topic = topicOfChange(filter, message);
  const qos = Math.min(wanted, qosMax) as Qos;
  return { topic, payload, qos, retain: false, counter, isAboutStream };
}

/** Of a problem as the feed tells it. */
function statusOf(problem: Uint8Array): number {
  const { status } = JSON.parse(Buffer.from(problem).toString()) as { readonly status?: unknown };
  return typeof status === 'number' ? status : 0;
}

interface Opened {
  renew(): void;
  end(): void;
}

const endedReplay: Replay = { next: () => 'end', end: () => {} };
