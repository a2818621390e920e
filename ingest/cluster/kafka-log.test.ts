import { describe } from 'vitest';
import { createKafkaServer } from '../log/kafka/memory.ts';
import { realKafka } from '../log/kafka/real.fixture.ts';
import { describeLogContract } from '../log/log.contract.ts';
import { openKafkaLog } from './kafka-log.fixture.ts';

describeLogContract('a partition of observations in memory', () =>
  openKafkaLog({ connect: () => createKafkaServer().connect(), unique: (name) => name }),
);

const real = realKafka('log');
describe.skipIf(!real.isPresent)(`Kafka itself${real.absent}`, () => {
  describeLogContract('a partition of observations', () => openKafkaLog(real));
});
