import { z } from 'zod';
import { testIds } from '../quality.ts';
import { propertiesWithRules } from './default-rules.ts';

/** Values are in the canonical unit of the property unless the key says otherwise. */
const span = z
  .strictObject({
    min: z.number().describe('Smallest accepted value, inclusive.'),
    max: z.number().describe('Largest accepted value, inclusive.'),
  })
  .refine((given) => given.min <= given.max, { message: 'min must not exceed max' });

const durationMsMax = 48 * 3_600_000;

const spikeRule = z.strictObject({
  suspect: z.number().positive().describe('Height of a spike above which it is suspect.'),
  fail: z.number().positive().nullable().default(null).describe('Above it fails; null: never.'),
  method: z
    .enum(['average', 'differential'])
    .default('differential')
    .describe(
      'average: against the mean of both neighbours; differential: the smaller step of both.',
    ),
});

const rateRule = z.strictObject({
  suspectPerSecond: z.number().positive().describe('Change per second above which it is suspect.'),
  failPerSecond: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('Above it fails; null: never.'),
  changeMin: z
    .number()
    .min(0)
    .default(0)
    .describe('A change of at most so many units is never judged, however short the time.'),
});

const flatRule = z.strictObject({
  tolerance: z
    .number()
    .min(0)
    .default(0)
    .describe('A run whose largest and smallest value differ by at most this is flat.'),
  suspectMs: z
    .number()
    .int()
    .positive()
    .max(durationMsMax)
    .describe('Flat for so long is suspect. With the gap beyond 48 h the test is not evaluated.'),
  failMs: z
    .number()
    .int()
    .positive()
    .max(durationMsMax)
    .nullable()
    .default(null)
    .describe('Flat for so long fails; null: never. With the gap beyond 48 h: not evaluated.'),
  naturalAtMost: z
    .number()
    .nullable()
    .default(null)
    .describe('A value of at most this may be constant (calm, darkness); null: none.'),
  naturalAtLeast: z
    .number()
    .nullable()
    .default(null)
    .describe('A value of at least this may be constant (saturation); null: none.'),
});

/** What may be said of one property or one datastream; what is not said stays as it is. */
const ruleOverrides = z.strictObject({
  sensorRange: span.nullable().optional().describe('Outside it a value fails; null: no such test.'),
  userRange: span
    .nullable()
    .optional()
    .describe('Outside it a value is suspect; cut to sensorRange; null: no such test.'),
  climatology: z
    .array(span)
    .length(12)
    .nullable()
    .optional()
    .describe('Usual range of each local month, January first; outside it suspect; null: no test.'),
  spike: spikeRule.nullable().optional().describe('Spike test; null switches it off.'),
  rateOfChange: rateRule.nullable().optional().describe('Rate of change; null switches it off.'),
  flatLine: flatRule.nullable().optional().describe('Flat line; null switches it off.'),
  gapMaxMs: z
    .number()
    .int()
    .positive()
    .max(durationMsMax)
    .optional()
    .describe('A neighbour farther away than this is no neighbour. Above 24 h no spike is judged.'),
  counting: z
    .array(z.enum(testIds))
    .optional()
    .describe('Tests that take part in the flag; the others inform.'),
});
export type RuleOverrides = z.output<typeof ruleOverrides>;

const members = `members: ${Object.keys(ruleOverrides.shape).join(', ')}.`;

export const checksConfig = z.strictObject({
  properties: z
    .record(z.string(), ruleOverrides)
    .superRefine((given, context) => {
      const known = new Set(propertiesWithRules());
      for (const id of Object.keys(given)) {
        if (known.has(id)) continue;
        const message = 'an id of /api/v1/properties';
        context.addIssue({ code: 'custom', path: [id], message });
      }
    })
    .default({})
    .describe(`Rules by id of the observed property, in place of the built-in ones; ${members}`),
  datastreams: z
    .record(z.string(), ruleOverrides)
    .default({})
    .describe('The same by id of the datastream, in place of those of its property.'),
});
export type ChecksConfig = z.output<typeof checksConfig>;
