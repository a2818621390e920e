/** What all connections to Kafka have in common: addresses, secrets, patience, and where kafkajs' words go. */
import {
  Kafka as KafkaJs,
  logLevel,
  type KafkaConfig as ClientConfig,
  type LogEntry,
} from 'kafkajs';
import type { Logger } from '../../../devices/telemetry.ts';
import { Cluster } from './connection-pool.ts';
import type { KafkaConfig } from './config.ts';

export interface ClientParts {
  readonly config: KafkaConfig;
  /** Who this is, in Kafka's own logs: role and node. */
  readonly clientId: string;
  readonly logger: Logger;
  /** Content of `caFile` and `passwordFile`, where they are given. */
  readonly secrets: { readonly ca?: string; readonly password?: string };
}

export interface Client {
  readonly kafkajs: KafkaJs;
  /** A connection pool of its own, below kafkajs' consumer. */
  readonly openCluster: () => Cluster;
}

/** Tries of one request; whoever asked tries the whole again. */
const retry = { initialRetryTime: 50, maxRetryTime: 1_000, retries: 3, multiplier: 2, factor: 0.2 };
const isolationReadCommitted = 1;

export function createClient(parts: ClientParts): Client {
  const { config } = parts;
  const common = {
    clientId: `quantrac-${parts.clientId}`,
    brokers: [...config.brokers],
    connectionTimeout: config.connectTimeoutMs,
    authenticationTimeout: config.connectTimeoutMs,
    requestTimeout: config.requestTimeoutMs,
    enforceRequestTimeout: true,
    retry,
    ...securityOf(parts),
  };
  const kafkajs = new KafkaJs({
    ...common,
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => tell(parts.logger, entry),
  } satisfies ClientConfig);
  return {
    kafkajs,
    openCluster: () =>
      new Cluster({
        ...common,
        logger: kafkajs.logger(),
        reauthenticationThreshold: 10_000,
        metadataMaxAge: 60_000,
        allowAutoTopicCreation: false,
        maxInFlightRequests: null,
        isolationLevel: isolationReadCommitted,
      }),
  };
}

function securityOf({ config, secrets }: ClientParts): Pick<ClientConfig, 'ssl' | 'sasl'> {
  const { ca, password } = secrets;
  return {
    ...(config.tls ? { ssl: ca === undefined ? true : { ca: [ca] } } : {}),
    ...(config.user === undefined || password === undefined
      ? {}
      : { sasl: { mechanism: config.mechanism, username: config.user, password } as never }),
  };
}

/** kafkajs calls what it tries again by itself an error: what matters is told by our own events. */
function tell(logger: Logger, { namespace, log: { message, error } }: LogEntry): void {
  logger.debug(
    { part: namespace, problem: message, error: String(error ?? '') },
    'KafkaClientSays',
  );
}
