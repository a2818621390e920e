import { z } from 'zod';

/** Bounds of one message's decoding; the parsed value is the `DecodeLimits` of every codec. */
export const codecConfigSchema = z.strictObject({
  decodedBytesMax: z
    .int()
    .min(256)
    .max(16_777_216)
    .default(1_048_576)
    .describe(
      'Bytes of one payload once unpacked. A larger one is quarantined whole as CODEC_TOO_LARGE.',
    ),
  expansionRatioMax: z
    .int()
    .min(2)
    .max(1_000)
    .default(100)
    .describe(
      'Unpacked bytes divided by received bytes. Beyond it the message is quarantined whole as CODEC_TOO_LARGE.',
    ),
  depthMax: z
    .int()
    .min(4)
    .max(64)
    .default(8)
    .describe(
      'Levels of arrays and objects in JSON and CBOR. A deeper message is quarantined whole as CODEC_TOO_DEEP.',
    ),
  measurementsMax: z
    .int()
    .min(1)
    .max(65_536)
    .default(256)
    .describe(
      'Measurements of one message. A message with more is quarantined whole as CODEC_TOO_MANY.',
    ),
});
