/** The real Kafka of a test run, where there is one: clients of it, and names that no other run uses. */
import { inject } from 'vitest';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { createRecordedTelemetry } from '../../../devices/telemetry-silent.ts';
import { kafkaConfigSchema, type KafkaConfig } from './config.ts';
import type { Kafka } from './kafka.ts';
import { openKafka } from './open.ts';

export interface RealKafka {
  readonly isPresent: boolean;
  /** For the names of suites: why there is none; empty where there is one. */
  readonly absent: string;
  readonly brokers: readonly string[];
  connect(config?: Partial<KafkaConfig>): Kafka;
  unique(name: string): string;
}

/** `purpose`: part of the names, so that topics which are left behind say whose they are. */
export function realKafka(purpose: string): RealKafka {
  const { kafka, absent } = inject('realServers');
  const clock = openSystemClock();
  const { logger } = createRecordedTelemetry();
  const run = `${purpose}-${process.pid}-${clock.now()}`;
  let made = 0;
  return {
    isPresent: kafka !== undefined,
    absent: kafka === undefined ? absent : '',
    brokers: kafka?.brokers ?? [],
    connect: (config = {}) =>
      openKafka({
        config: kafkaConfigSchema.parse({ brokers: kafka?.brokers ?? [], ...config }),
        clock,
        logger,
        clientId: purpose,
        secrets: {},
      }),
    unique: (name) => `${run}-${name}-${++made}`,
  };
}
