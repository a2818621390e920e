import { z } from 'zod';

/** Settings of the registry. Every key has a bound; the description says what happens there. */
export const devicesConfigSchema = z.strictObject({
  credentialOverlapHours: z
    .number()
    .min(0)
    .max(24 * 90)
    .default(24)
    .describe(
      'Hours for which the earlier secret of a device still works after a rotation. 0 ends it at once; two secrets at most are valid together.',
    ),
  credentialBytes: z
    .int()
    .min(16)
    .max(64)
    .default(18)
    .describe(
      'Random bytes of a secret; 16 is 128 bits. The secret is their base64url text: 18 bytes are 24 characters.',
    ),
  secretCharactersMax: z
    .int()
    .min(88)
    .max(4096)
    .default(256)
    .describe(
      'Longer passwords are refused unread, so that no one makes the broker hash megabytes.',
    ),
  versionsCachedMax: z
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe(
      'Versions of the registry kept compiled in each worker; an older one is read again from disk, in time proportional to the history.',
    ),
  pastVersionsCachedMax: z
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe(
      'Versions of earlier kept for questions with asOf; beyond, the one asked for longest ago is let go and made again from the history.',
    ),
  unitSpellingsCachedMax: z
    .int()
    .min(100)
    .max(100_000)
    .default(4096)
    .describe(
      'Unit spellings remembered with their conversion; at the bound all are forgotten and worked out again.',
    ),
  importEntitiesMax: z
    .int()
    .min(1)
    .max(5_000_000)
    .default(500_000)
    .describe('Entries of one registry file; a larger file is refused whole.'),
  historyRowsMax: z
    .int()
    .min(1)
    .max(100_000)
    .default(1000)
    .describe('Rows of one page of the history; a version is never cut in two, however long.'),
  busyTimeoutMs: z
    .int()
    .min(0)
    .max(60_000)
    .default(5000)
    .describe('How long a statement waits for another process writing; then it fails as busy.'),
});

export type DevicesConfig = z.infer<typeof devicesConfigSchema>;

/** Every default. */
export function defaultDevicesConfig(): DevicesConfig {
  return devicesConfigSchema.parse({});
}
