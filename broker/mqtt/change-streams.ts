/**
 * Subscriptions to the change feed. Each has a place of its own in the feed, from which its session
 * takes message by message as fast as its client does: nothing is dropped, what does not fit waits in
 * the log, and a session whose client comes back goes on behind the last message that it took.
 */
import { principalKey } from '../authenticate.ts';
import type { Requester } from '../authorize.ts';
import { topicOfChange, type ChangeFeed, type ChangeFilter } from './change-feed.ts';
import { ChangeQueue } from './change-queue.ts';
import type { OutgoingPublish, Qos } from './packets.ts';
import type { Replay } from './replay.ts';

export interface ChangeStream {
  /** Goes on behind the last message taken; `ready` is called when there is one again. */
  open(ready: () => void): Replay;
  /** The subscription has ended. */
  close(): void;
}

export interface ChangeStreamOptions {
  readonly filter: ChangeFilter;
  readonly qos: Qos;
  readonly requester: () => Requester;
  /** The client takes nothing, or the feed cannot go on. */
  readonly cut: () => void;
}

export interface ChangeStreams {
  /** False when `changesFollowersMax` are open. */
  readonly hasRoom: boolean;
  create(options: ChangeStreamOptions): ChangeStream;
  close(): Promise<void>;
}

export function createChangeStreams(options: {
  readonly feed: ChangeFeed;
  readonly followersMax: number;
}): ChangeStreams {
  const { feed } = options;
  let streams = 0;
  return {
    get hasRoom() {
      return streams < options.followersMax;
    },
    create(stream) {
      streams += 1;
      return createStream(feed, stream, () => (streams -= 1));
    },
    close: () => feed.close(),
  };
}

/** Subscribers may choose QoS 0 or 1. */
const qosMax: Qos = 1;

function createStream(
  feed: ChangeFeed,
  { filter, qos, requester, cut }: ChangeStreamOptions,
  closed: () => void,
): ChangeStream {
  let { after } = filter;
  let opened: Opened | undefined;
  /** What ended it was told: there is nothing more to come. */
  let isOver = false;

  function outgoing(topic: string, payload: Uint8Array): OutgoingPublish {
    return { topic, payload, qos: Math.min(qos, qosMax) as Qos, retain: false };
  }

  function next(queue: ChangeQueue): OutgoingPublish | 'wait' | 'end' {
    const message = queue.shift();
    if (message !== undefined) {
      after = message.cursor;
      return outgoing(topicOfChange(filter, message), message.payload);
    }
    if (!queue.isEnded) return 'wait';
    const problem = queue.takeProblem();
    if (problem === undefined) return 'end';
    isOver = true;
    const told = { of: undefined, payload: problem, cursor: '' };
    return outgoing(topicOfChange(filter, told), problem);
  }

  return {
    open(ready) {
      opened?.end();
      if (isOver) return endedReplay;
      const queue = new ChangeQueue({
        ready,
        cut,
        // Whoever goes before having taken anything shall come back to where the stream began.
        begun: (cursor) => (after = after === 'now' ? cursor : after),
      });
      const { principal } = requester();
      const { station, slug } = filter;
      const leave = feed.follow(
        {
          principal,
          viewer: principalKey(principal),
          after,
          ...(station === undefined ? {} : { station }),
          ...(slug === undefined ? {} : { slug }),
        },
        queue,
      );
      let isEnded = false;
      const end = (): void => {
        if (isEnded) return;
        isEnded = true;
        queue.stop();
        leave();
      };
      opened = { end };
      return { next: () => next(queue), end };
    },
    close() {
      opened?.end();
      isOver = true;
      closed();
    },
  };
}

interface Opened {
  end(): void;
}

const endedReplay: Replay = { next: () => 'end', end: () => {} };
