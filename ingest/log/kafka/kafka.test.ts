import { describe, it } from 'vitest';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { kafkaConfigSchema } from './config.ts';
import { kafkaContract } from './kafka.contract.ts';
import { createKafkaServer } from './memory.ts';
import { openKafka } from './open.ts';

const server = createKafkaServer();
let made = 0;
kafkaContract({
  name: 'in memory',
  open: () => server.connect(),
  unique: (name) => `${name}-${++made}`,
});

const brokers = process.env['KAFKA_BROKERS']?.split(',');
if (brokers === undefined) {
  describe.skip('the port to Kafka: real server (KAFKA_BROKERS is not set)', () => {
    it('runs where a Kafka is given', () => undefined);
  });
} else {
  const config = kafkaConfigSchema.parse({ brokers });
  const logger = { error: noWords, warn: noWords, info: noWords, debug: noWords };
  const run = `contract-${process.pid}-${Date.now()}`;
  kafkaContract({
    name: 'kafkajs over a real server',
    open: () =>
      openKafka({ config, clock: openSystemClock(), logger, clientId: 'contract', secrets: {} }),
    unique: (name) => `${run}-${name}-${++made}`,
  });
}

function noWords(): void {
  // Whoever reads the test's outcome needs no log of it.
}
