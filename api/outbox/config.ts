import { z } from 'zod';

const milliseconds = (max: number) => z.int().min(1).max(max);

/** A portal that datasets are submitted to. */
export const outboxConfig = z.strictObject({
  kind: z.literal('ckan').describe('How it is spoken to: by the action API of CKAN.'),
  url: z
    .url({ protocol: /^https?$/ })
    .describe('Address of the portal, without /api/3/action. With publicUrl only.'),
  keyFile: z
    .string()
    .min(1)
    .describe('File with the API key, read for each call. Unreadable: it is tried again later.'),
  organization: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('Name or id of the organization there. None: datasets without one.'),
  namePrefix: z
    .string()
    .regex(/^[a-z0-9_-]{0,40}$/)
    .default('')
    .describe('Before the name of each dataset there, where others publish too.'),
  timeoutMs: milliseconds(600_000)
    .default(30_000)
    .describe('A call that is not answered by then has failed, and is tried again.'),
  answerBytesMax: z
    .int()
    .min(1_000)
    .max(67_108_864)
    .default(4_194_304)
    .describe('Bytes of an answer; one that is longer is not understood, and tried again.'),
  retryMsMin: milliseconds(3_600_000)
    .default(10_000)
    .describe('Wait before a try that failed is made again; doubled with each failure.'),
  retryMsMax: milliseconds(86_400_000)
    .default(21_600_000)
    .describe('Longest wait between two tries.'),
  checkMs: milliseconds(86_400_000)
    .default(60_000)
    .describe('How often it is looked whether descriptions of datasets have changed.'),
});

export type OutboxConfig = z.infer<typeof outboxConfig>;
