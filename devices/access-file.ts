/** Recipients and grants as the registry file writes them. They hold no secrets. */
import { z } from 'zod';
import { grantStates, recipientKinds, type Grant, type GrantScope } from './access.ts';
import { dateTime, id, name, text } from './file-fields.ts';

/** Ids that one list of a scope may name; a wider wish is one for an owner or a station. */
const scopeIdsMax = 1_000;

const contact = text(200).describe(
  'How to reach it: an office, not a person. It stays in the history.',
);

const kind = z.enum(recipientKinds);

export const recipientSchema = z.strictObject({
  id,
  name,
  kind,
  contact: z.exactOptional(contact),
  parent: z.exactOptional(id).describe('Recipient that it is a part of; it gives no rights.'),
});

const ids = z.array(id).min(1).max(scopeIdsMax);

export const scopeSchema: z.ZodType<GrantScope> = z
  .strictObject({
    owners: z.exactOptional(ids),
    stations: z.exactOptional(ids),
    datastreams: z.exactOptional(ids),
    properties: z.exactOptional(ids),
  })
  .refine((scope) => Object.keys(scope).length > 0, 'must have at least one list')
  .describe('What it is about: everything that is in all of the lists given, at least one.');

export const applicantSchema = z
  .strictObject({ name: text(200), kind, contact })
  .describe('Who asks without being a recipient yet.');

export const purposeText = text(2_000).describe('What the data are wanted for.');
export const reasonText = text(2_000).describe('Why it was decided so.');

export const grantSchema = z.strictObject({
  id,
  recipient: z.exactOptional(id).describe('None only while it is undecided or was never granted.'),
  applicant: z.exactOptional(applicantSchema),
  scope: scopeSchema,
  purpose: purposeText,
  state: z.enum(grantStates),
  requestedAt: dateTime,
  requestedBy: text(100),
  deadlineAt: z.exactOptional(dateTime).describe('By when it must be decided; then it expires.'),
  decidedAt: z.exactOptional(dateTime),
  decidedBy: z.exactOptional(text(100)),
  reason: z.exactOptional(reasonText),
  from: z.exactOptional(dateTime).describe('In force from then on; none: from the decision on.'),
  until: z.exactOptional(dateTime).describe('In force before then; none: without end.'),
});

export type FileRecipient = z.infer<typeof recipientSchema>;
export type FileGrant = Grant;
