import { z } from 'zod';

/** When a reading is acknowledged (`cluster.ack`). */
export const ackSchema = z
  .enum(['local', 'replicated'])
  .default('local')
  .describe(
    'local: a reading is acknowledged once this node’s own disk has it. replicated: once every in-sync replica of Kafka has it too; while Kafka is away nothing is acknowledged. Decisions on readings in quarantine, which the api takes in, likewise (503 while Kafka is away); changes of the registry go through Kafka in both cases.',
  );

/** How a node sends its own log of readings to Kafka (`cluster.forward`). */
export const forwardConfigSchema = z
  .strictObject({
    batchBytesMax: z
      .int()
      .min(1_024)
      .max(16_777_216)
      .default(262_144)
      .describe(
        'Bytes of one send, which one partition must be able to take whole; what is left goes with the next. A single larger reading goes alone.',
      ),
    batchRecordsMax: z
      .int()
      .min(1)
      .max(100_000)
      .default(5_000)
      .describe('Readings of one send; at the bound the rest goes with the next.'),
    lingerMs: z
      .int()
      .min(0)
      .max(1_000)
      .default(5)
      .describe('How long a few readings wait for more, so that a send is worth its while.'),
    noteEveryMs: z
      .int()
      .min(10)
      .max(60_000)
      .default(1_000)
      .describe(
        'How often it is noted on disk how far Kafka has the log. After a crash what came behind the note is sent again, and dropped where it is known.',
      ),
    retryMsMin: z
      .int()
      .min(1)
      .max(60_000)
      .default(100)
      .describe('Pause after the first send that failed; it doubles with each further one.'),
    retryMsMax: z
      .int()
      .min(1)
      .max(600_000)
      .default(1_000)
      .describe('Longest pause between tries. There is no last try.'),
    alarmAfterMs: z
      .int()
      .min(0)
      .max(3_600_000)
      .default(10_000)
      .describe('Kafka is away so long before it is an alarm and no mere warning.'),
    alarmEveryMs: z
      .int()
      .min(1_000)
      .max(86_400_000)
      .default(60_000)
      .describe('How often the alarm is repeated, with until when the spool lasts.'),
    closeMsMax: z
      .int()
      .min(0)
      .max(600_000)
      .default(5_000)
      .describe(
        'How long a stop waits for the send under way; behind it that send is repeated at the next start.',
      ),
    ackWaitMsMax: z
      .int()
      .min(100)
      .max(600_000)
      .default(8_000)
      .describe(
        'With ack replicated: how long an acknowledgement waits for Kafka. Behind it connections are closed without one, and none is opened until Kafka has caught up; the api answers a decision with 503. Below broker.logStallMsMax.',
      ),
    ackPendingMax: z
      .int()
      .min(1)
      .max(10_000_000)
      .default(50_000)
      .describe(
        'With ack replicated: acknowledgements that wait for Kafka. At it doors stop reading; at twice this a reading is refused.',
      ),
  })
  .refine(({ retryMsMin, retryMsMax }) => retryMsMin <= retryMsMax, {
    path: ['retryMsMin'],
    message: 'at most retryMsMax',
  });

export type ForwardConfig = z.infer<typeof forwardConfigSchema>;
