import { describe, inject } from 'vitest';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { changesContract } from '../../../devices/registry/changes.contract.ts';
import { createRecordedTelemetry } from '../../../devices/telemetry-silent.ts';
import { kafkaConfigSchema } from '../../log/kafka/config.ts';
import { createKafkaServer } from '../../log/kafka/memory.ts';
import type { Kafka } from '../../log/kafka/kafka.ts';
import { openKafka } from '../../log/kafka/open.ts';
import { nodesContract, type ClusterUnderTest } from './nodes.contract.ts';
import {
  createFolders,
  ensureTopics,
  messageBytesMax,
  openTestNode,
  plainNames,
} from './nodes.fixture.ts';

async function openTwo({ connect, names }: ClusterUnderTest) {
  const folders = createFolders();
  const kafkas = [connect(), connect()] as const;
  await ensureTopics(kafkas[0], names);
  const open = (kafka: Kafka, number: number) =>
    openTestNode(kafka, names, { number, folder: folders.folder(`node-${number}`) });
  const one = await open(kafkas[0], 1);
  const other = await open(kafkas[1], 2);
  return {
    one,
    other,
    async remove() {
      for (const node of [one, other]) await node.close();
      for (const kafka of kafkas) await kafka.close();
      folders.remove();
    },
  };
}

describe('the registry of a cluster: Kafka in memory', () => {
  const makeCluster = () => {
    const server = createKafkaServer();
    return { connect: () => server.connect(), names: plainNames };
  };
  changesContract(() => openTwo(makeCluster()));
  nodesContract(makeCluster);
});

const { kafka: address, absent } = inject('realServers');

describe.skipIf(address === undefined)(
  `the registry of a cluster: real Kafka${address === undefined ? absent : ''}`,
  () => {
    const clock = openSystemClock();
    const config = kafkaConfigSchema.parse({
      brokers: address?.brokers ?? ['127.0.0.1:1'],
      messageBytesMax,
    });
    const { logger } = createRecordedTelemetry();
    const run = `registry-test-${process.pid}-${clock.now()}`;
    let made = 0;

    const makeCluster = () => {
      const name = `${run}-${++made}`;
      return {
        connect: () => openKafka({ config, clock, logger, clientId: 'registry-test', secrets: {} }),
        names: {
          registry: `${name}-registry`,
          readings: `${name}-readings`,
          transactionalId: name,
        },
      };
    };
    changesContract(() => openTwo(makeCluster()));
    nodesContract(makeCluster);
  },
);
