import { z } from 'zod';
import { influxError } from './errors.ts';

/** How the product reaches InfluxDB and what it keeps in memory for it. */
export const influxConfigSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe('Address of InfluxDB 1.8 or 2.x.'),
  org: z.string().min(1).default('quantrac').describe('Organisation; 1.8 does not look at it.'),
  bucket: z
    .string()
    .regex(/^[^\s"]{1,200}$/)
    .default('observations')
    .describe('Bucket without end of retention; of 1.8 `database/retention-policy`.'),
  token: z
    .string()
    .min(1)
    .optional()
    .describe('Token that may read and write the bucket; of 1.8 `user:password`. No default.'),
  tokenFile: z
    .string()
    .min(1)
    .optional()
    .describe('File with the token, instead of `token`; its last line break does not count.'),
  caFile: z
    .string()
    .min(1)
    .optional()
    .describe('Certificates (PEM) that InfluxDB is checked against. Default: those of the system.'),
  measurement: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,63}$/)
    .default('observation')
    .describe('Name of the measurement, and beginning of the names of those beside it.'),
  compression: z
    .enum(['gzip', 'none'])
    .default('gzip')
    .describe('Of what is written; `none` spares CPU where InfluxDB is near.'),
  linesMax: z
    .int()
    .min(1)
    .max(100_000)
    .default(5_000)
    .describe('Lines of one request; what is more goes into the next one.'),
  bytesMax: z
    .int()
    .min(1_024)
    .max(16_777_216)
    .default(4_194_304)
    .describe('About the bytes of one request, uncompressed; a longer line goes alone.'),
  lingerMs: z
    .int()
    .min(0)
    .max(10_000)
    .default(200)
    .describe('The sink waits so long for more lines where a request is not full.'),
  readBytesMax: z
    .int()
    .min(1_024)
    .max(16_777_216)
    .default(65_536)
    .describe('Batches read ahead, of each partition: a byte of them becomes up to 40 of lines.'),
  requestTimeoutMs: z
    .int()
    .min(100)
    .max(600_000)
    .default(30_000)
    .describe('For one request and its whole answer; behind it the request is given up.'),
  dropTimeoutMs: z
    .int()
    .min(1_000)
    .max(86_400_000)
    .default(3_600_000)
    .describe('For the request that drops a measurement, when the view is built again.'),
  backoffMinMs: z.int().min(1).max(60_000).default(100).describe('Wait before the first repeat.'),
  backoffMaxMs: z
    .int()
    .min(1)
    .max(600_000)
    .default(10_000)
    .describe('Longest wait between repeats, of which there is no end: each doubles the wait.'),
  retryAfterMsMax: z
    .int()
    .min(0)
    .max(3_600_000)
    .default(300_000)
    .describe('Longest wait that InfluxDB may ask for (Retry-After); more counts as this.'),
  refusedLinesMax: z
    .int()
    .min(0)
    .max(100_000)
    .default(100)
    .describe(
      'Lines of one request that InfluxDB may refuse one by one: these are set aside with their ' +
        'reasons and the others stored, and from the first such batch on nodes let go of nothing ' +
        'until `rebuild`. At more nothing is set aside; the request is tried again.',
    ),
  shapesMax: z
    .int()
    .min(1)
    .max(100_000)
    .default(256)
    .describe(
      'Pairs of interval length and own height that one datastream may make series of, in one ' +
        'process; rows of further ones are kept in the overflow, which is slower to read.',
    ),
  seriesCacheMax: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(100_000)
    .describe('Datastreams whose tags are remembered; at the bound all are looked up again.'),
  pageRowsMax: z
    .int()
    .min(16)
    .max(1_000_000)
    .default(5_000)
    .describe('Points asked for at once; one instant with more of them is asked for as a whole.'),
  overflowRowsMax: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(200_000)
    .describe('Rows of one series in the overflow; a series with more cannot be read from here.'),
  answerBytesMax: z
    .int()
    .min(1_048_576)
    .max(536_870_912)
    .default(67_108_864)
    .describe('Longest answer taken; a longer one is an error.'),
});

export type InfluxConfig = z.infer<typeof influxConfigSchema>;

/** The token of the configuration; INFLUX_TOKEN_MISSING names what to give. */
export function tokenOf(
  { token, tokenFile }: Pick<InfluxConfig, 'token' | 'tokenFile'>,
  readText: (path: string) => string,
): string {
  if ((token === undefined) === (tokenFile === undefined))
    throw influxError('INFLUX_TOKEN_MISSING');
  if (tokenFile === undefined) return token ?? '';
  let text: string;
  try {
    text = readText(tokenFile).replace(/\r?\n$/, '');
  } catch (error) {
    throw influxError('INFLUX_TOKEN_MISSING', { tokenFile }, error);
  }
  if (text === '') throw influxError('INFLUX_TOKEN_MISSING', { tokenFile });
  return text;
}
