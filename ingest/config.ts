import { z } from 'zod';
import { codecConfigSchema } from '../devices/codecs/config.ts';
import { checksConfig } from './checks/config.ts';
import { normaliseConfig } from './normalise/config.ts';
import { storeConfigSchema } from './store/config.ts';

const mebibyte = 2 ** 20;

/** What one stretch of readings may hold before it becomes a batch of observations. */
const stretchConfig = z.strictObject({
  readBytesMax: z
    .int()
    .min(1_024)
    .max(64 * mebibyte)
    .default(65_536)
    .describe(
      'Bytes of readings taken from the log at once. Between two takes the thread does its other work.',
    ),
  bytesMax: z
    .int()
    .min(1_024)
    .max(32 * mebibyte)
    .default(mebibyte)
    .describe(
      'Bytes of readings in one stretch; at the bound nothing is decided until the stretch before it is durable.',
    ),
  rowsMax: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(2_048)
    .describe('Rows of one stretch; at the bound as at bytesMax.'),
  commitIntervalMs: z
    .int()
    .min(0)
    .max(1_000)
    .default(2)
    .describe(
      'Shortest time between the beginnings of two commits: readings that arrive meanwhile share one. A first reading after a rest never waits. On one machine alone: in a cluster cluster.commitIntervalMs takes its place.',
    ),
  commitRetryMs: z
    .int()
    .min(10)
    .max(60_000)
    .default(500)
    .describe(
      'After the log has refused a batch, for example for a full disk, it is offered again.',
    ),
});

const windowsConfig = z.strictObject({
  bytesMax: z
    .int()
    .min(65_536)
    .max(8_192 * mebibyte)
    .default(256 * mebibyte)
    .describe(
      'Memory of the values that checks compare with. At the bound those of series not met lately go, and are read from the view again when they are needed.',
    ),
  points: z
    .int()
    .min(16)
    .max(65_536)
    .default(32)
    .describe(
      'Values that a series in order keeps at hand. An older look-back is read from the view when a check asks for it.',
    ),
  lookBackPointsMax: z
    .int()
    .min(16)
    .max(1_048_576)
    .default(65_536)
    .describe(
      'Values up to which the look-back of a constant line is held. What lies before is read in pages and let go again: a device that sends far faster than its interval costs time, not memory.',
    ),
});

const carefulConfig = z.strictObject({
  uncleanStarts: z
    .int()
    .min(1)
    .max(100)
    .default(2)
    .describe(
      'After so many starts that ended by a crash without progress, readings are decided one by one, each noted on disk before.',
    ),
  triesMax: z
    .int()
    .min(1)
    .max(100)
    .default(3)
    .describe('A reading at which ingest dies so often in careful mode goes to quarantine.'),
  readingsMax: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(20_000)
    .describe(
      'Careful mode ends after so many readings at the latest, and earlier once two stretches are settled: the cause was none of them.',
    ),
});

export const ingestConfigSchema = z.strictObject({
  decode: codecConfigSchema.prefault({}).describe('Bounds of the decoding of one message.'),
  normalise: normaliseConfig.prefault({}).describe('Rules of time, unit and "no value".'),
  checks: checksConfig.prefault({}).describe('Rules of the quality checks.'),
  windows: windowsConfig.prefault({}).describe('Memory of the decider.'),
  stretch: stretchConfig.prefault({}).describe('What becomes one batch of observations.'),
  careful: carefulConfig.prefault({}).describe('What happens after crashes in a row.'),
  store: storeConfigSchema.prefault({}).describe('The view over the observations.'),
});

export type IngestConfig = z.infer<typeof ingestConfigSchema>;
