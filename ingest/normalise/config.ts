import { z } from 'zod';

const dayMs = 86_400_000;

/**
 * Codes that loggers and instruments send for "no value": runs of nines, what data loggers write for
 * not-a-number (6999, 7999), the ends of 16- and 32-bit integers, a bus thermometer without its
 * sensor (−127), and the fill values of grids and of single precision.
 */
const sentinelsDefault = [
  -99, -99.9, -99.99, -127, -888, -999, -999.9, -999.99, -6_999, -7_999, -8_888, -9_999, -9_999.9,
  -9_999.99, -32_767, -32_768, -99_999, -999_999, -9_999_999, -2_147_483_648, 999, 999.9, 999.99,
  6_999, 7_999, 8_888, 9_999, 9_999.9, 9_999.99, 32_767, 65_534, 65_535, 99_999, 999_999, 9_999_999,
  2_147_483_647, 4_294_967_295, 1e20, 9.96921e36, 3.4028235e38, -3.4028235e38,
  3.4028234663852886e38, -3.4028234663852886e38,
];

export const normaliseConfig = z.strictObject({
  plausibleFromAt: z.iso
    .datetime({ offset: true })
    .default('2000-01-01T00:00:00Z')
    .describe(
      "A device's time before this is no time: the receive time takes its place (qualifier CLOCK). " +
        "A deployment's own start narrows it.",
    ),
  futureMaxMs: z
    .number()
    .int()
    .min(0)
    .max(dayMs)
    .default(600_000)
    .describe(
      "How far a device's time may lie behind the receive time in the future; beyond, the receive " +
        'time takes its place (qualifier CLOCK).',
    ),
  lateAfterMs: z
    .number()
    .int()
    .min(0)
    .max(366 * dayMs)
    .default(3_600_000)
    .describe('A value received so long after its end has the qualifier LATE; it is kept as any.'),
  intervalMsMax: z
    .number()
    .int()
    .positive()
    .max(10 * 366 * dayMs)
    .default(366 * dayMs)
    .describe(
      'Longest interval that a message may name by `from`; a longer one counts as a wrong clock and ' +
        "the datastream's own interval takes its place.",
    ),
  sentinels: z
    .array(z.number())
    .max(1_000)
    .default(sentinelsDefault)
    .describe(
      'Numbers that mean "no value" where they lie outside the plausible range of the property; ' +
        'inside it each is a value like any other.',
    ),
  unitsRememberedMax: z
    .number()
    .int()
    .positive()
    .max(1_000_000)
    .default(10_000)
    .describe('Unit spellings whose conversion is remembered; at the bound all are forgotten.'),
});
export type NormaliseConfig = z.output<typeof normaliseConfig>;
