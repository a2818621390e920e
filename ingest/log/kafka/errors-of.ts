/** From what kafkajs throws to the table of errors. */
import { CodedError } from '../../../devices/coded-error.ts';
import { kafkaError, type KafkaErrorCode } from './errors.ts';

interface Thrown {
  readonly name?: string;
  readonly type?: string;
  readonly message?: string;
  readonly cause?: unknown;
  /** Of several topics, each its own. */
  readonly errors?: readonly unknown[];
}

const fencedTypes = new Set([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_ID_MAPPING',
  'TRANSACTION_COORDINATOR_FENCED',
]);
const refusedTypes = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
  'UNSUPPORTED_VERSION',
  'INVALID_TRANSACTION_TIMEOUT',
  'POLICY_VIOLATION',
]);
const tooLargeTypes = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

/** Kafka's number for PRODUCER_FENCED, which kafkajs has no name for. */
const fencedText = /code 90\b/;

/** Any error of a call as one of ours; `otherwise` for whatever a later try may mend. */
export function kafkaErrorOf(
  error: unknown,
  fields: Readonly<Record<string, unknown>> = {},
  otherwise: KafkaErrorCode = 'KAFKA_UNREACHABLE',
): CodedError {
  if (error instanceof CodedError) return error;
  const root = rootOf(error);
  const reason = { ...fields, reason: root.message ?? String(error) };
  return kafkaError(codeOf(root) ?? otherwise, reason, error);
}

function codeOf({ name, type = '', message = '' }: Thrown): KafkaErrorCode | undefined {
  if (fencedTypes.has(type) || fencedText.test(message)) return 'KAFKA_FENCED';
  if (tooLargeTypes.has(type)) return 'KAFKA_RECORD_TOO_LARGE';
  if (refusedTypes.has(type) || name === 'KafkaJSSASLAuthenticationError') return 'KAFKA_REFUSED';
  return undefined;
}

/** kafkajs wraps what it gave up on: the cause says what it was, or the first of several. */
function rootOf(error: unknown): Thrown {
  let root = error as Thrown;
  for (let depth = 0; depth < 5; depth++) {
    const cause = (root.cause ?? root.errors?.[0]) as Thrown | undefined;
    if (cause === undefined || cause === null || typeof cause !== 'object') break;
    root = cause;
  }
  return root;
}
