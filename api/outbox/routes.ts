/** `/api/v1/admin/outbox`: what is at the portal, what is on its way, and every receipt. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

import type { ApiContext } from '../context.ts';
import { sendElsewhere } from '../elsewhere.ts';
import { described, instantText, limit } from '../routes/admin-route.ts';
import type { Outbox } from './outbox.ts';

const datasetId = z.string().min(1).max(200);
const instant = z.iso.datetime({ offset: true });

const itemSchema = z.strictObject({
  dataset: z.string(),
  state: z
    .enum(['waiting', 'done', 'refused'])
    .describe('refused: not tried again until its description changes, or by `retry`.'),
  wanted: z.string().nullable().describe('Hash of its description; null: to be withdrawn.'),
  confirmed: z.string().nullable().describe('What the portal has taken last.'),
  attempts: z.int().min(0).describe('Tries that have failed since.'),
  since: instant,
  nextAt: instant.nullable().describe('Of the next try, where there is one.'),
  remoteId: z.string().nullable().describe('Its id at the portal.'),
  error: z.string().nullable(),
});

const receiptSchema = z.strictObject({
  at: instant,
  dataset: z.string(),
  action: z.enum(['created', 'changed', 'unchanged', 'withdrawn', 'failed', 'refused']),
  hash: z.string().nullable(),
  remoteId: z.string().nullable(),
  answer: z.string().describe('What the portal said, as it said it, cut to 1,000 characters.'),
});

const portalName = z.string().nullable().describe('null: none is configured.');
const outboxSchema = z.strictObject({
  portal: portalName,
  waiting: z.int().min(0),
  items: z.array(itemSchema),
});
const receiptsSchema = z.strictObject({ portal: portalName, items: z.array(receiptSchema) });
const retriedSchema = z.strictObject({ retried: z.int().min(0) });

/** `outbox` is undefined on a node that does not publish, and where no portal is configured. */
export function addOutbox(
  app: FastifyInstance,
  context: ApiContext,
  { outbox, isPublishing }: { readonly outbox: Outbox | undefined; readonly isPublishing: boolean },
): void {
  app.get(
    '/outbox',
    {
      schema: described('What is at the portal, and what is on its way.', { answer: outboxSchema }),
    },
    (request, reply) => (isPublishing ? stateOf(outbox) : sendElsewhere(context, request, reply)),
  );
  const receiptQuery = z.strictObject({ dataset: datasetId.optional(), limit });
  app.get(
    '/outbox/receipts',
    {
      schema: described('Tries and what the portal said, the newest first.', {
        querystring: receiptQuery,
        answer: receiptsSchema,
      }),
    },
    (request, reply) => {
      if (!isPublishing) return sendElsewhere(context, request, reply);
      const { dataset, limit: wanted } = request.query as z.infer<typeof receiptQuery>;
      const receipts = outbox?.receipts(dataset, wanted) ?? [];
      const items = receipts.map(({ position: _position, at, ...rest }) => ({
        at: instantText(at),
        ...rest,
      }));
      return { portal: outbox?.portal ?? null, items };
    },
  );
  const retryBody = z.strictObject({
    dataset: datasetId.optional().describe('None: everything that waits or was refused.'),
  });
  app.post(
    '/outbox/retry',
    {
      schema: described('Tries at once what waits or was refused.', {
        body: retryBody,
        answer: retriedSchema,
      }),
    },
    (request, reply) => {
      if (!isPublishing) return sendElsewhere(context, request, reply);
      const { dataset } = request.body as z.infer<typeof retryBody>;
      return { retried: outbox?.retry(dataset) ?? 0 };
    },
  );
}

function stateOf(outbox: Outbox | undefined): z.infer<typeof outboxSchema> {
  const all = (outbox?.items() ?? []).map(
    ({ dataset, state, wanted, confirmed, attempts, since, nextAt, remoteId, error }) => ({
      dataset,
      state,
      wanted,
      confirmed,
      attempts,
      since: instantText(since),
      nextAt: state === 'waiting' ? instantText(nextAt) : null,
      remoteId,
      error,
    }),
  );
  return {
    portal: outbox?.portal ?? null,
    waiting: all.filter(({ state }) => state !== 'done').length,
    items: all,
  };
}
