/**
 * The server's own figures under `$SYS/broker/…`, named as mosquitto names them, for operators:
 * renewed while somebody subscribes to them, built when somebody subscribes.
 */
import type { Router } from './router.ts';

export interface SystemFigures {
  readonly uptimeSeconds: number;
  readonly connections: number;
  readonly sessions: number;
  readonly subscriptions: number;
  readonly retainedMessages: number;
  readonly publishesReceived: number;
  readonly publishesAcknowledged: number;
  readonly publishesSent: number;
  readonly messagesDropped: number;
  readonly bytesReceived: number;
}

export interface SystemTopics {
  add(): () => void;
  /** Topic and payload of each figure, now. */
  current(): readonly { readonly topic: string; readonly payload: Buffer }[];
  /** Tells subscribers, if it is time and there are any. */
  renew(nowMs: number): void;
}

export interface SystemTopicsOptions {
  readonly router: Router;
  readonly everyMs: number;
  readonly figures: () => SystemFigures;
}

export function createSystemTopics(options: SystemTopicsOptions): SystemTopics {
  let subscriptions = 0;
  let renewedMs = 0;

  function current(): { topic: string; payload: Buffer }[] {
    const figures = options.figures();
    const named: readonly (readonly [string, number | string])[] = [
      ['version', 'quantrac'],
      ['uptime', `${Math.floor(figures.uptimeSeconds)} seconds`],
      ['clients/connected', figures.connections],
      ['clients/total', figures.sessions],
      ['subscriptions/count', figures.subscriptions],
      ['retained messages/count', figures.retainedMessages],
      ['publish/messages/received', figures.publishesReceived],
      ['publish/messages/sent', figures.publishesSent],
      ['publish/messages/dropped', figures.messagesDropped],
      ['bytes/received', figures.bytesReceived],
    ];
    return named.map(([name, value]) => ({
      topic: `$SYS/broker/${name}`,
      payload: Buffer.from(String(value)),
    }));
  }

  return {
    add() {
      subscriptions += 1;
      return () => {
        subscriptions -= 1;
      };
    },
    current,
    renew(nowMs) {
      if (subscriptions === 0 || nowMs - renewedMs < options.everyMs) return;
      renewedMs = nowMs;
      for (const { topic, payload } of current()) options.router.publish(topic, payload, 0);
    },
  };
}
