/** What goes over the wire about access; `devices/access-file.ts` has the forms of what comes in. */
import { z } from 'zod';

import { applicantSchema, recipientSchema, scopeSchema } from '../../devices/access-file.ts';
import { grantStates, type Grant } from '../../devices/access.ts';

const instant = z.iso.datetime({ offset: true });
const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** What who asked is told. */
const asked = {
  id: z.string(),
  state: z.enum(grantStates),
  scope: scopeSchema,
  purpose: z.string(),
  requestedAt: instant,
  deadlineAt: instant.optional().describe('By when it is decided; then it expires.'),
  recipient: z.string().optional().describe('Under which it was granted.'),
  decidedAt: instant.optional(),
  reason: z.string().optional().describe('Of the decision.'),
  from: instant.optional(),
  until: instant.optional(),
} as const;

export const requestSchema = z.strictObject(asked);

export const requestedSchema = z.strictObject({
  ...asked,
  secret: z.string().describe('Shown this once: with it the request can be looked at again.'),
});

const changed = { version: count, isInForce: z.boolean() } as const;

export const grantSchema = z.strictObject({
  ...asked,
  requestedBy: z.string(),
  decidedBy: z.string().optional(),
  applicant: applicantSchema.optional(),
});

export const accessAnswers = {
  grants: z.strictObject({ items: z.array(grantSchema), complete: z.boolean() }),
  decided: z.strictObject({ ...changed, grant: grantSchema }),
  recipients: z.strictObject({ items: z.array(recipientSchema) }),
  changed: z.strictObject(changed),
  closed: z.strictObject({ ...changed, grants: count, keys: count }),
  key: z.strictObject({ ...changed, id: z.string(), secret: z.string() }),
} as const;

/** The request as who asked may know it: not by whom it was decided. */
export function askedOf(grant: Grant): z.infer<typeof requestSchema> {
  const { requestedBy: _by, decidedBy: _decider, applicant: _applicant, ...rest } = grant;
  return rest as z.infer<typeof requestSchema>;
}

export const requestExample = {
  id: 'request-5b3b6f0e5d5b0f6c0d2f1a7e9c4b8a6d3e2f1c0b',
  state: 'requested',
  scope: { owners: ['factory'], stations: ['outlet'] },
  purpose: 'Warning of heat in the district',
  requestedAt: '2024-06-01T00:00:00.000Z',
  deadlineAt: '2024-06-16T00:00:00.000Z',
} as const;
