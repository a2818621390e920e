/**
 * The sessions of this server. A session is (credential, client id): the same client id with another
 * credential is another session, so that nobody takes over, or reads, what is another's.
 */
import type { Requester } from '../authorize.ts';
import type { BrokerEvents } from '../events.ts';
import { Session, type SessionLimits } from './session.ts';

export interface Sessions {
  /**
   * The session of a client that has just been let in. An older connection of it is cut first
   * (MQTT-3.1.4-2); with `clean` an older session ends first (MQTT-3.1.2-6).
   */
  open(request: SessionRequest): { readonly session: Session; readonly present: boolean };
  /** The connection of this session is gone. */
  leave(session: Session): void;
  /** Ends sessions whose clients have been away too long. */
  expire(): void;
  /** Every session, connected or not. */
  all(): Iterable<Session>;
  discard(session: Session): void;
  readonly count: number;
}

interface SessionRequest {
  readonly id: string;
  readonly clean: boolean;
  readonly requester: Requester;
}

interface SessionsLimits extends SessionLimits {
  readonly sessionsOfflineMax: number;
  readonly sessionOfflineSeconds: number;
}

export interface SessionsOptions {
  readonly limits: SessionsLimits;
  readonly monotonicMs: () => number;
  readonly events: BrokerEvents;
  /** What the client of a resumed session may still read. */
  readonly mayRead: (requester: Requester, filter: string) => boolean;
}

export function createSessions(options: SessionsOptions): Sessions {
  const { limits, monotonicMs, events } = options;
  const sessions = new Map<string, Session>();
  /** In the order in which their clients left. */
  const away = new Set<Session>();

  function discard(session: Session): void {
    session.end();
    away.delete(session);
    if (sessions.get(session.id) === session) sessions.delete(session.id);
  }

  function create(request: SessionRequest): Session {
    const session = new Session({
      ...request,
      limits,
      monotonicMs,
      counts: events.counts,
      dropped: (reason) => events.messageDropped(reason),
    });
    sessions.set(request.id, session);
    return session;
  }

  return {
    open(request) {
      const older = sessions.get(request.id)?.outlet;
      if (older !== undefined && older !== null) {
        events.takenOver(request.id);
        older.close('taken-over');
      }
      const known = sessions.get(request.id);
      if (known !== undefined && (request.clean || known.clean)) discard(known);
      if (known === undefined || request.clean || known.clean) {
        return { session: create(request), present: false };
      }
      away.delete(known);
      known.requester = request.requester;
      // Rights may have been taken away since the filters were granted.
      known.keepOnly((filter) => options.mayRead(request.requester, filter));
      return { session: known, present: true };
    },
    leave(session) {
      session.detach();
      if (session.clean) {
        discard(session);
        return;
      }
      session.awaySinceMs = monotonicMs();
      away.add(session);
      if (away.size <= limits.sessionsOfflineMax) return;
      for (const oldest of away) {
        events.sessionEvicted('offline-max');
        discard(oldest);
        return;
      }
    },
    expire() {
      const leftBeforeMs = monotonicMs() - limits.sessionOfflineSeconds * 1000;
      for (const session of away) {
        if (session.awaySinceMs > leftBeforeMs) return;
        events.sessionEvicted('expired');
        discard(session);
      }
    },
    all: () => sessions.values(),
    discard,
    get count() {
      return sessions.size;
    },
  };
}
