import { z } from 'zod';

/** How the product reaches Kafka (`cluster.kafka`). */
export const kafkaConfigSchema = z
  .strictObject({
    brokers: z
      .array(z.string().regex(/^[^\s,]+:\d{1,5}$/, 'host:port'))
      .min(1)
      .describe('Addresses to begin with, host:port each; the others are learnt from them.'),
    topicPrefix: z
      .string()
      .regex(/^[A-Za-z0-9._-]{0,100}$/)
      .default('quantrac-')
      .describe(
        'Before the names of the topics readings, observations, registry, and of the groups.',
      ),
    tls: z.boolean().default(false).describe('Speak TLS to Kafka.'),
    caFile: z
      .string()
      .min(1)
      .optional()
      .describe('Certificates (PEM) that Kafka is checked against. Default: those of the system.'),
    user: z.string().min(1).optional().describe('SASL user. Default: no authentication.'),
    passwordFile: z
      .string()
      .min(1)
      .optional()
      .describe('File with the password of `user`; its last line break does not count.'),
    mechanism: z
      .enum(['plain', 'scram-sha-256', 'scram-sha-512'])
      .default('scram-sha-512')
      .describe('SASL mechanism of `user`.'),
    replicationFactor: z
      .int()
      .min(1)
      .max(9)
      .default(3)
      .describe('Copies of each partition in topics that are created; fewer are refused by name.'),
    minInsyncReplicas: z
      .int()
      .min(1)
      .max(9)
      .default(2)
      .describe(
        'Copies that must have a record before it counts as kept; fewer are refused by name.',
      ),
    readingsRetentionDays: z
      .int()
      .min(1)
      .max(36_500)
      .default(30)
      .describe(
        'How long Kafka keeps readings in topics that are created; shorter is refused by name.',
      ),
    messageBytesMax: z
      .int()
      .min(1_048_576)
      .max(67_108_864)
      .default(8_388_608)
      .describe('Largest record of a topic; a batch beyond it stops its partition by name.'),
    connectTimeoutMs: z.int().min(100).max(60_000).default(5_000).describe('For one connection.'),
    requestTimeoutMs: z
      .int()
      .min(1_000)
      .max(120_000)
      .default(15_000)
      .describe('For one request; behind it the connection is given up and the work tried again.'),
    fetchWaitMs: z
      .int()
      .min(5)
      .max(5_000)
      .default(200)
      .describe(
        'How long Kafka holds a request for new records; a partition just opened waits as long.',
      ),
    readAheadBytesMax: z
      .int()
      .min(65_536)
      .max(67_108_864)
      .default(2_097_152)
      .describe('Records fetched ahead, of each partition; at the bound no more are asked for.'),
    sessionTimeoutMs: z
      .int()
      .min(2_000)
      .max(300_000)
      .default(6_000)
      .describe('A worker that is silent so long loses its partitions to the others.'),
    transactionTimeoutMs: z
      .int()
      .min(1_000)
      .max(900_000)
      .default(10_000)
      .describe('An unfinished transaction of a dead worker is given up by Kafka after so long.'),
  })
  .refine(({ minInsyncReplicas, replicationFactor }) => minInsyncReplicas <= replicationFactor, {
    path: ['minInsyncReplicas'],
    message: 'at most replicationFactor',
  });

export type KafkaConfig = z.infer<typeof kafkaConfigSchema>;
