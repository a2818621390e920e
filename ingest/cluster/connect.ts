/** Opens the way to Kafka for one thread of a node, and sees to the topics. */
import { sleep, type Clock } from '../../devices/clock.ts';
import { CodedError } from '../../devices/coded-error.ts';
import type { Telemetry } from '../../devices/telemetry.ts';
import type { KafkaConfig } from '../log/kafka/config.ts';
import type { Kafka, TopicSpecification } from '../log/kafka/kafka.ts';
import { openKafka } from '../log/kafka/open.ts';
import { openClockWatch } from './clock-watch.ts';

export interface ConnectOptions {
  readonly config: KafkaConfig;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly clientId: string;
  readonly readText: (path: string) => string;
}

/** Reads the secrets' files; throws where one cannot be read. Connects to nothing yet. */
export function connectKafka({
  config,
  clock,
  telemetry,
  clientId,
  readText,
}: ConnectOptions): Kafka {
  const { caFile, passwordFile } = config;
  return openKafka({
    config,
    clock,
    logger: telemetry.logger,
    clientId,
    clockSeen: openClockWatch(telemetry, clientId.slice(clientId.lastIndexOf('-') + 1)),
    secrets: {
      ...(caFile === undefined ? {} : { ca: readText(caFile) }),
      ...(passwordFile === undefined
        ? {}
        : { password: readText(passwordFile).replace(/\r?\n$/, '') }),
    },
  });
}

const retryMs = 500;

export interface PatienceOptions {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly signal: AbortSignal;
}

/**
 * Does what needs Kafka again and again until it is done; undefined when the signal aborts before.
 * Rejects with what no later try can mend: a wrong topic, a number that is taken.
 */
export async function untilDone<Result>(
  { clock, telemetry, signal }: PatienceOptions,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  let told: string | undefined;
  while (!signal.aborted) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof CodedError && !error.canRetry) throw error;
      const code = error instanceof CodedError ? error.code : String(error);
      // Another reason than before is told too: the first may have been the network alone.
      if (code !== told) telemetry.logger.warn({ error, ...keyOf(code) }, 'Kafka is awaited');
      told = code;
      await sleep(clock, retryMs);
    }
  }
  return undefined;
}

function keyOf(code: string): { readonly key?: string } {
  return code === 'KAFKA_UNREACHABLE' ? { key: 'cluster.kafka.brokers' } : {};
}

export function topicsReady(
  options: PatienceOptions,
  kafka: Kafka,
  topics: readonly TopicSpecification[],
): Promise<true | undefined> {
  return untilDone(options, async () => {
    await kafka.ensureTopics(topics);
    return true as const;
  });
}
