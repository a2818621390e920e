/**
 * Holds those who are inside to the registry in force: each connection proves itself again by what it
 * showed, and keeps the subscriptions that it may still have.
 */
import type { Principal } from '../../devices/visible.ts';
import { authenticate } from '../authenticate.ts';
import type { Connection } from './connection.ts';
import type { MqttContext } from './context.ts';

export interface Rechecks {
  /** Some connections now, the others in the next turns of the event loop. */
  begin(): void;
  /** Without a change too: a secret that was replaced ends by time. */
  ifDue(nowMs: number): void;
}

const everyMs = 60_000;
/** Connections proved again in one turn: about 2 ms. */
const atOnce = 500;

export function createRechecks(
  context: MqttContext,
  connections: ReadonlySet<Connection>,
): Rechecks {
  const { clock } = context;
  let begunMs = clock.monotonicMs();

  function recheckSome(rest: Iterator<Connection>): void {
    for (let count = 0; count < atOnce; count += 1) {
      const { value, done } = rest.next();
      if (done === true) return;
      recheckOne(context, value);
    }
    clock.schedule(0, () => recheckSome(rest));
  }

  function begin(): void {
    begunMs = clock.monotonicMs();
    recheckSome([...connections].values());
  }

  return {
    begin,
    ifDue(nowMs) {
      if (nowMs - begunMs >= everyMs) begin();
    },
  };
}

function recheckOne(context: MqttContext, connection: Connection): void {
  const { presented } = connection;
  if (!connection.isOpen || presented === null) return;
  const { principal } = authenticate(context.registry, presented);
  const { requester, session } = connection;
  const known = requester.principal;
  if (principal === undefined || !isSamePrincipal(principal, known)) {
    connection.close('revoked');
    return;
  }
  session.requester = { ...requester, principal };
  session.keepOnly((filter) => context.authorizer.subscribe(session.requester, filter));
  for (const { stream } of session.subscriptions.values()) stream?.renew();
}

function isSamePrincipal(one: Principal, other: Principal): boolean {
  if (one === 'anonymous' || other === 'anonymous') return one === other;
  return one.kind === other.kind && one.subject === other.subject && one.role === other.role;
}
