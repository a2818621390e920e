import { z } from 'zod';

/** Bounds of the simulated world. Sizes of a run (`--stations`, `--rate`) are flags of its command. */
export const simulatorsConfigSchema = z.strictObject({
  connectingMax: z
    .int()
    .min(1)
    .max(10_000)
    .default(50)
    .describe(
      'Simulated devices that connect at once; the others wait their turn: a start is not a storm of its own.',
    ),
  sandboxIntervalMs: z
    .int()
    .min(50)
    .max(3_600_000)
    .default(5_000)
    .describe('How often the devices of --sandbox send.'),
  reconnectMs: z
    .int()
    .min(10)
    .max(600_000)
    .default(1_000)
    .describe('After a lost connection a simulated device waits so long, then tries again.'),
  heldMessagesMax: z
    .int()
    .min(1)
    .max(10_000)
    .default(24)
    .describe(
      'Messages that a simulated device holds back while it is late. At the bound it sends them all.',
    ),
  replayInflightMax: z
    .int()
    .min(1)
    .max(10_000)
    .default(20)
    .describe(
      'Messages of a replayed file without acknowledgement. At the bound nothing more is sent until one is acknowledged.',
    ),
  replayRowsMax: z
    .int()
    .min(1)
    .max(1_000)
    .default(20)
    .describe(
      'Rows of one message at the speed max; a further row begins the next message. Slower replays send row by row.',
    ),
  loadTickMs: z
    .int()
    .min(1)
    .max(1_000)
    .default(5)
    .describe('How often a load at a rate sends what is due; what is due is at most one second.'),
  loadOpensMax: z
    .int()
    .min(1)
    .max(10_000)
    .default(20)
    .describe('Connections that a load opens in one tick; the others wait for the next one.'),
  loadReconnectMs: z
    .int()
    .min(1)
    .max(600_000)
    .default(50)
    .describe(
      'After a lost connection a publisher of the load waits about so long (half to one and a half times), then tries again.',
    ),
  loadKeepAliveSeconds: z
    .int()
    .min(10)
    .max(65_535)
    .default(120)
    .describe('Keep-alive of a publisher of the load; the server cuts after 1.5 times of silence.'),
  loadFinishMs: z
    .int()
    .min(0)
    .max(3_600_000)
    .default(10_000)
    .describe(
      'How long a load that has sent everything waits for acknowledgements. What is missing then is told as unacknowledged and is no obligation.',
    ),
  answerMs: z
    .int()
    .min(100)
    .max(3_600_000)
    .default(60_000)
    .describe('Silence of the API during an audit after which the audit ends with a reason.'),
  examplesMax: z
    .int()
    .min(0)
    .max(10_000)
    .default(10)
    .describe('Findings of an audit that are named; further ones are only counted.'),
});

export type SimulatorsConfig = z.infer<typeof simulatorsConfigSchema>;

/** For callers that have no configuration of their own. */
export const defaultSimulatorsConfig = (): SimulatorsConfig => simulatorsConfigSchema.parse({});
