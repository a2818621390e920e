/** What operators decide about access, under `/api/v1/admin`. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';

import {
  purposeText,
  reasonText,
  recipientSchema,
  scopeSchema,
} from '../../devices/access-file.ts';
import { grantStates } from '../../devices/access.ts';
import { dateTime } from '../../devices/file-fields.ts';
import { parseInstant } from '../../devices/instant.ts';
import type { ApiContext } from '../context.ts';
import { described, id, limit } from '../routes/admin-route.ts';
import { viewerOf } from '../viewer.ts';
import type { AccessAdmin } from './admin.ts';
import { accessAnswers } from './schemas.ts';

const period = {
  from: dateTime.optional().describe('In force from then on; none: from now on.'),
  until: dateTime.optional().describe('In force before then; none: without end.'),
} as const;

export function addAccessAdmin(
  app: FastifyInstance,
  context: ApiContext,
  access: AccessAdmin,
): void {
  addRequests(app, context, access);
  addGrants(app, context, access);
  addRecipients(app, context, access);
}

function actorOf(context: ApiContext, request: FastifyRequest): string {
  return viewerOf(context.registry, request.headers.authorization).actor;
}

function periodOf({ from, until }: { from?: string | undefined; until?: string | undefined }) {
  const fromAt = from === undefined ? undefined : parseInstant(from);
  const untilAt = until === undefined ? undefined : parseInstant(until);
  return {
    ...(fromAt === undefined ? {} : { fromAt }),
    ...(untilAt === undefined ? {} : { untilAt }),
  };
}

function addRequests(app: FastifyInstance, context: ApiContext, access: AccessAdmin): void {
  const query = z.strictObject({
    state: z.enum(grantStates).optional(),
    recipient: id.optional(),
    limit,
  });
  app.get(
    '/access-requests',
    {
      schema: described('Requests and grants, the newest first.', {
        querystring: query,
        answer: accessAnswers.grants,
      }),
    },
    (request) => {
      const { limit: wanted, ...filter } = request.query as z.infer<typeof query>;
      const found = access.list(filter);
      return { items: found.slice(0, wanted), complete: found.length <= wanted };
    },
  );
  const params = z.strictObject({ id });
  const decision = z.strictObject({
    decision: z.enum(['grant', 'refuse']),
    reason: reasonText,
    recipient: id.optional().describe('Who is meant, where an applicant asked.'),
    ...period,
  });
  app.post(
    '/access-requests/:id/decision',
    {
      schema: described('Grants or refuses a request, and says why.', {
        params,
        body: decision,
        answer: accessAnswers.decided,
      }),
    },
    (request) => {
      const { from, until, recipient, ...rest } = request.body as z.infer<typeof decision>;
      return access.decide({
        ...rest,
        ...(request.params as z.infer<typeof params>),
        ...(recipient === undefined ? {} : { recipient }),
        ...periodOf({ from, until }),
        actor: actorOf(context, request),
      });
    },
  );
}

function addGrants(app: FastifyInstance, context: ApiContext, access: AccessAdmin): void {
  const params = z.strictObject({ id });
  const withdrawal = z.strictObject({ reason: reasonText });
  app.post(
    '/access-requests/:id/withdrawal',
    {
      schema: described('Ends a request or a grant at once.', {
        params,
        body: withdrawal,
        answer: accessAnswers.decided,
      }),
    },
    (request) =>
      access.withdraw(
        (request.params as z.infer<typeof params>).id,
        (request.body as z.infer<typeof withdrawal>).reason,
        actorOf(context, request),
      ),
  );
  const body = z.strictObject({
    recipient: id,
    scope: scopeSchema,
    purpose: purposeText,
    reason: reasonText,
    ...period,
  });
  app.post(
    '/grants',
    {
      schema: described('Grants access that nobody asked for here.', {
        body,
        answer: accessAnswers.decided,
        status: 201,
      }),
    },
    async (request, reply) => {
      const { reason, from, until, ...wish } = request.body as z.infer<typeof body>;
      const actor = actorOf(context, request);
      reply.code(201);
      return access.grant(wish, { reason, actor, ...periodOf({ from, until }) });
    },
  );
}

function addRecipients(app: FastifyInstance, context: ApiContext, access: AccessAdmin): void {
  const params = z.strictObject({ id });
  const { id: _id, ...members } = recipientSchema.shape;
  const body = z.strictObject(members);
  app.get(
    '/recipients',
    { schema: described('Every recipient.', { answer: accessAnswers.recipients }) },
    () => ({ items: access.recipients() }),
  );
  app.put(
    '/recipients/:id',
    {
      schema: described('Adds a recipient, or changes what is said of it.', {
        params,
        body,
        answer: accessAnswers.changed,
      }),
    },
    (request) =>
      access.putRecipient(
        {
          ...(request.params as z.infer<typeof params>),
          ...(request.body as z.infer<typeof body>),
        },
        actorOf(context, request),
      ),
  );
  const reason = z.strictObject({ reason: reasonText });
  app.delete(
    '/recipients/:id',
    {
      schema: described('Ends every grant and key of a recipient; its history stays.', {
        params,
        querystring: reason,
        answer: accessAnswers.closed,
      }),
    },
    (request) =>
      access.closeRecipient(
        (request.params as z.infer<typeof params>).id,
        (request.query as z.infer<typeof reason>).reason,
        actorOf(context, request),
      ),
  );
  app.post(
    '/recipients/:id/keys',
    {
      schema: described('Gives a recipient a key of its own, shown this once.', {
        params,
        answer: accessAnswers.key,
        status: 201,
      }),
    },
    async (request, reply) => {
      reply.code(201);
      return access.issueKey(
        (request.params as z.infer<typeof params>).id,
        actorOf(context, request),
      );
    },
  );
}
