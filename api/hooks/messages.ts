/** What is posted to receivers, for the description of what is pushed: one schema a type. */
import { z } from 'zod';

import { changesSchema } from '../description/schemas.ts';

const timestamp = z.iso.datetime().describe('When the message was made, UTC.');
const cursor = z.string().max(1_000);

/** The first one: is this wanted? */
export const verificationSchema = z.strictObject({
  type: z.literal('webhook.verification'),
  timestamp,
  data: z.strictObject({
    challenge: z.string().describe('To be answered as the body, or as {"challenge":…}.'),
    webhook: z.string().describe('Id of the webhook.'),
  }),
});

export const postedChangesSchema = z.strictObject({
  type: z.literal('changes'),
  timestamp,
  data: z.strictObject({
    changes: changesSchema.shape.changes.min(1),
    cursor: cursor.describe('Behind the last of them.'),
  }),
});

/** The last one before its owner does something. */
export const expiredSchema = z.strictObject({
  type: z.literal('changes.expired'),
  timestamp,
  data: z.strictObject({
    cursor: cursor.describe('That cannot be followed any more.'),
    code: z.string(),
    title: z.string(),
    detail: z.string(),
  }),
});
