import { describe } from 'vitest';
import { kafkaContract } from './kafka.contract.ts';
import { createKafkaServer } from './memory.ts';
import { realKafka } from './real.fixture.ts';

const server = createKafkaServer();
let made = 0;
kafkaContract({
  name: 'in memory',
  open: () => server.connect(),
  unique: (name) => `${name}-${++made}`,
});

const real = realKafka('contract');
describe.skipIf(!real.isPresent)(`Kafka itself${real.absent}`, () => {
  kafkaContract({
    name: 'kafkajs over a real server',
    open: () => real.connect(),
    unique: (name) => real.unique(name),
  });
});
