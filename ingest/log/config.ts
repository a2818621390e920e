import { z } from 'zod';

const mebibyte = 2 ** 20;
const day = 86_400_000;
const totalBytes = z.int().min(8_192).nullable().default(null);

const limitsOfBytes = ['retainBytesMax', 'warnBytesMax', 'totalBytesMax'] as const;

/** How much of a log is kept. */
export const logRetentionSchema = z
  .strictObject({
    retainMs: z
      .int()
      .min(1_000)
      .nullable()
      .default(null)
      .describe('Age from which sealed segments are deleted, once consumed. Null: never by age.'),
    retainBytesMax: totalBytes.describe(
      'Bytes of the log above which its oldest segments are deleted, once consumed; a segment is then a quarter of it at most. Null: never by bytes. Below warnBytesMax and totalBytesMax.',
    ),
    warnBytesMax: totalBytes.describe(
      'Bytes of the log above which a warning is given, once until it falls below. Null: nine tenths of totalBytesMax. Below totalBytesMax.',
    ),
    totalBytesMax: totalBytes.describe(
      'Bytes of the log at which records are refused with LOG_FULL and acknowledgements stop. Null: the disk is the bound.',
    ),
  })
  .superRefine((retention, context) => {
    const given = limitsOfBytes.filter((key) => retention[key] !== null);
    for (const [index, key] of given.entries()) {
      const next = given[index + 1];
      if (next === undefined || (retention[key] ?? 0) < (retention[next] ?? 0)) continue;
      context.addIssue({ code: 'custom', path: [key], message: `less than ${next}` });
    }
  });

export type LogRetention = z.infer<typeof logRetentionSchema>;

/**
 * How both logs work, and how much of `readings` is kept. `observations` is whole on one machine; a
 * cluster's node keeps its copy for `cluster.horizonDays` where InfluxDB has what is older.
 */
export const logConfigSchema = z.strictObject({
  segmentBytesMax: z
    .int()
    .min(4_096)
    .max(4_096 * mebibyte)
    .default(128 * mebibyte)
    .describe('Bytes of a segment file; at the bound the next commit opens a new segment.'),
  segmentAgeMsMax: z
    .int()
    .min(1_000)
    .max(366 * day)
    .default(day)
    .describe('Age of a segment; beyond it the next commit opens a new segment.'),
  recordBytesMax: z
    .int()
    .min(1_024)
    .max(1_024 * mebibyte)
    .default(64 * mebibyte)
    .describe('Bytes of one record; a larger one is refused with LOG_RECORD_TOO_LARGE.'),
  pendingBytesMax: z
    .int()
    .min(1_024)
    .max(1_024 * mebibyte)
    .default(8 * mebibyte)
    .describe(
      'Bytes that wait to be written; above it the log says it is saturated and its callers stop reading, at twice the bound a record is refused with LOG_SATURATED.',
    ),
  allocateBytesMax: z
    .int()
    .min(0)
    .max(64 * mebibyte)
    .default(mebibyte)
    .describe(
      'Bytes by which a segment file is made longer ahead of small commits: a flush that does not change the size of a file costs half. 0: never.',
    ),
  probeIntervalMs: z
    .int()
    .min(10)
    .max(10_000)
    .default(1_000)
    .describe('How often a log that cannot be written tries again, without end.'),
  resumeFreeBytesMin: z
    .int()
    .min(0)
    .default(mebibyte)
    .describe(
      'Free bytes of the disk below which a log that cannot be written does not try again.',
    ),
  warnFreeBytesMin: z
    .int()
    .min(0)
    .default(1_024 * mebibyte)
    .describe(
      'Free bytes of the disk below which a warning is given, once until there are more. 0: never.',
    ),
  sealSliceMsMax: z
    .int()
    .min(1)
    .max(50)
    .default(1)
    .describe(
      'Longest stretch for which hashing a closed segment keeps the thread; then it pauses.',
    ),
  sealPauseMs: z
    .int()
    .min(0)
    .max(1_000)
    .default(4)
    .describe('Pause after each such stretch, so that appends come first.'),
  commitDelayMs: z
    .int()
    .min(0)
    .max(1_000)
    .default(0)
    .describe('Added to each commit. For measurements only: it stands for a slower disk.'),
  sync: z
    .enum(['each', 'never'])
    .default('each')
    .describe(
      'Whether each commit is flushed to stable storage. `never` breaks the promise and is for measurements only.',
    ),
  readings: logRetentionSchema
    .prefault({})
    .describe(
      'How much of the log of readings is kept. The log of observations is kept whole; the copy that a node of a cluster with InfluxDB has is kept for cluster.horizonDays.',
    ),
});

export type LogConfig = Omit<z.infer<typeof logConfigSchema>, 'readings'>;
