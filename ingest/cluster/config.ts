import { z } from 'zod';
import { kafkaConfigSchema } from '../log/kafka/config.ts';
import { influxConfigSchema } from '../store/influx/config.ts';
import { ackSchema, forwardConfigSchema } from './forward/config.ts';

/** As many as a change cursor has room for. */
export const clusterPartitionsMax = 64;

/** The cluster profile (`cluster`): absent on one machine. */
export const clusterConfigSchema = z.strictObject({
  node: z
    .int()
    .min(1)
    .max(65_535)
    .describe(
      'Number of this process in the cluster. It belongs to the data folder for ever: another folder with the same number is refused by name.',
    ),
  partitions: z
    .int()
    .min(1)
    .max(clusterPartitionsMax)
    .default(12)
    .describe(
      'Partitions of readings and observations: as many workers can share the work. Fixed by the first node that starts; another number is refused by name.',
    ),
  ack: ackSchema,
  commitIntervalMs: z
    .int()
    .min(1)
    .max(10_000)
    .default(50)
    .describe(
      'Batches of a partition are this long apart at least: each is a transaction in Kafka. Shorter: fresher values, more work there. In a cluster this takes the place of ingest.stretch.commitIntervalMs.',
    ),
  settleMs: z
    .int()
    .min(500)
    .max(60_000)
    .default(5_000)
    .describe(
      'How long Kafka may take to store a batch. One that takes longer is taken back and stored as of a later moment; asOf of a moment so near waits until this has passed, so that asked again, of any node, it says the same.',
    ),
  horizonDays: z
    .number()
    .min(4)
    .max(36_500)
    .default(30)
    .describe(
      'Days of observations that a node holds itself at least. What is older is let go of once InfluxDB has it, and asked of InfluxDB: who begins with an empty folder reads no more than this of the topic, and a cursor of changes that is older is answered 410. Without `influx` everything is held.',
    ),
  historyWaitMs: z
    .int()
    .min(100)
    .max(600_000)
    .default(5_000)
    .describe(
      'A reading of a time before the horizon waits so long for InfluxDB; then it goes to quarantine (INGEST_HISTORY_AWAY), to be replayed.',
    ),
  forward: forwardConfigSchema.prefault({}).describe('How readings go to Kafka.'),
  kafka: kafkaConfigSchema.describe('How Kafka is reached, and what its topics must be.'),
  influx: influxConfigSchema
    .optional()
    .describe('How InfluxDB is reached. Absent: observations are not written there.'),
});

export type ClusterConfig = z.infer<typeof clusterConfigSchema>;
