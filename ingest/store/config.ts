import { z } from 'zod';

/** Settings of the view; the bounds hold for writer and followers alike. */
export const storeConfigSchema = z.strictObject({
  tailBytesMax: z
    .int()
    .min(1_048_576)
    .max(4_294_967_296)
    .default(67_108_864)
    .describe(
      'Memory for rows that the view does not hold yet, in each thread that follows. From half of ' +
        'it on the writer flushes when it rests, from three quarters on also between all other work; ' +
        'at the bound following waits until a flush has made room.',
    ),
  tailAgeMsMax: z
    .int()
    .min(1_000)
    .max(86_400_000)
    .default(300_000)
    .describe(
      'A tail older than this is flushed even when it is short, so that a start has little to ' +
        'read again. At the bound the flush begins.',
    ),
  flushSliceMs: z
    .int()
    .min(1)
    .max(1_000)
    .default(10)
    .describe(
      'A flush writes at most this long at a time, one series and day at least; then the thread ' +
        'does its other work.',
    ),
  blockPointsMax: z
    .int()
    .min(16)
    .max(65_536)
    .default(1_024)
    .describe('Rows of one block; a day with more is split into several.'),
  rollupPointsMin: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(480)
    .describe(
      'Hours of a finished day are kept from this many rows on; below, they are summed from the ' +
        'blocks when asked for, which costs no more.',
    ),
  followBytesMax: z
    .int()
    .min(65_536)
    .max(268_435_456)
    .default(1_048_576)
    .describe('Bytes of the log that a follower takes at once; a longer record is taken alone.'),
});

export type StoreConfig = z.infer<typeof storeConfigSchema>;
