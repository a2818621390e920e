/** Whether a CONNECT is let in, and as whom: every check between a well-formed packet and CONNACK. */
import { authenticate, principalKey, type Presented } from '../authenticate.ts';
import type { Requester } from '../authorize.ts';
import type { ConnectResult, LoginRefusal } from '../events.ts';
import type { Connect, Will } from './connect.ts';
import type { MqttContext } from './context.ts';
import { isTopicName, isWithinLimits } from './topics.ts';
import { violated } from './text.ts';
import type { Transport } from './transport.ts';

export interface Admitted {
  readonly requester: Requester;
  readonly presented: Presented;
  readonly sessionId: string;
}

export interface Refused {
  readonly returnCode: number;
  readonly result: ConnectResult;
  /** The answer is held back for so long; 0 answers at once. */
  readonly delayMs: number;
}

/** Return codes of CONNACK (table 3.1). */
export const returnCodes = {
  protocolLevel: 1,
  identifier: 2,
  unavailable: 3,
  credentials: 4,
  authorization: 5,
} as const;

const clientIdBytesMax = 256;
/** MQTT 3.1 knows client ids of 1 to 23 characters only. */
const oldClientIdMax = 23;
const assignedIdBytes = 16;

export function isRefused(outcome: Admitted | Refused): outcome is Refused {
  return 'returnCode' in outcome;
}

export function admit(
  context: MqttContext,
  transport: Transport,
  connect: Connect,
): Admitted | Refused {
  if (connect.will !== undefined) checkWillTopic(connect.will);
  if (!isClientIdAcceptable(connect)) return refusal(returnCodes.identifier, 'client-id');
  const presented: Presented = {
    username: connect.username,
    password: connect.password,
    certificateFingerprint: transport.certificateFingerprint,
  };
  const requester = admitLogin(context, transport, presented);
  if ('returnCode' in requester) return requester;
  if (!isPinnedIdMet(context, requester, connect.clientId)) {
    return refusal(returnCodes.identifier, 'client-id');
  }
  if (!context.logState().healthy && mayWrite(context, requester)) {
    return refusal(returnCodes.unavailable, 'log-unavailable');
  }
  if (context.isClosedToKeys() && isKey(requester)) {
    return refusal(returnCodes.unavailable, 'stopping');
  }
  if (connect.will !== undefined && !isWillAllowed(context, requester, connect.will)) {
    return refusal(returnCodes.authorization, 'will-denied');
  }
  const assigned = () => Buffer.from(context.random.bytes(assignedIdBytes)).toString('hex');
  const clientId = connect.clientId === '' ? `assigned-${assigned()}` : connect.clientId;
  const sessionId = `${principalKey(requester.principal)} ${clientId}`;
  return { requester, presented, sessionId };
}

function refusal(returnCode: number, result: ConnectResult, delayMs = 0): Refused {
  return { returnCode, result, delayMs };
}

function checkWillTopic(will: Will): void {
  if (will.topic.length === 0) violated('MQTT-4.7.3-1');
  if (!isTopicName(will.topic)) violated('MQTT-4.7.1-1');
}

function isClientIdAcceptable(connect: Connect): boolean {
  const { clientId, level } = connect;
  if (level === 3) return clientId.length > 0 && clientId.length <= oldClientIdMax;
  // MQTT-3.1.3-8: without an id nobody could ever come back to the session.
  if (clientId === '') return connect.clean;
  return Buffer.byteLength(clientId) <= clientIdBytesMax;
}

function admitLogin(
  context: MqttContext,
  transport: Transport,
  presented: Presented,
): Requester | Refused {
  const { listener, address, loopback } = transport;
  const certificateRefusal = refuseCertificate(context, transport);
  const outcome =
    certificateRefusal === undefined
      ? authenticate(context.registry, presented)
      : { refused: certificateRefusal };
  if (outcome.refused === undefined) return { principal: outcome.principal, loopback, address };
  const { username = '' } = presented;
  const device = context.registry.current().devices.has(username) ? username : undefined;
  const isWrongSecret = outcome.refused === 'unknown' && device !== undefined;
  const reason = isWrongSecret ? 'wrong-secret' : outcome.refused;
  context.events.loginFailed({ listener, reason, address, device });
  const delayMs = context.logins.failed(address, context.clock.monotonicMs());
  const code = outcome.refused === 'unknown' ? returnCodes.credentials : returnCodes.authorization;
  return refusal(code, 'login', delayMs);
}

/** What is wrong with the client certificate by itself. */
function refuseCertificate(context: MqttContext, transport: Transport): LoginRefusal | undefined {
  const { listener, certificateFingerprint, certificateEndsAt } = transport;
  if (certificateEndsAt <= context.clock.now()) return 'certificate-expired';
  const required = listener === 'tls' && context.config.tlsClientCertificates === 'required';
  return required && certificateFingerprint === undefined ? 'certificate-missing' : undefined;
}

function isPinnedIdMet(context: MqttContext, { principal }: Requester, clientId: string): boolean {
  if (principal === 'anonymous' || principal.role !== 'device') return true;
  const pinned = context.registry.current().devices.get(principal.subject)?.clientId;
  return pinned === undefined || pinned === clientId;
}

/** Readers are let in while the log cannot be written: for them nothing is amiss. */
function mayWrite(context: MqttContext, { principal, loopback }: Requester): boolean {
  if (principal === 'anonymous') return loopback && context.config.anonymousPublish === 'demo';
  return principal.role !== 'reader';
}

function isKey({ principal }: Requester): boolean {
  return principal !== 'anonymous' && principal.kind === 'token';
}

/** A will is a PUBLISH in advance: the same rights, here and again when it is sent. */
export function isWillAllowed(context: MqttContext, requester: Requester, will: Will): boolean {
  const right = context.authorizer.publish(requester, will.topic);
  const allowed =
    right !== undefined &&
    (!will.retain || right.retainable) &&
    isWithinLimits(will.topic, context.config);
  if (!allowed) {
    const principal = principalKey(requester.principal);
    context.events.denied('will', { principal, topic: will.topic });
  }
  return allowed;
}
