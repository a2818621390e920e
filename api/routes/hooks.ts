/** `/webhooks`: receivers that changes are sent to (Standard Webhooks 1.0.0). The work is in `hooks/`. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';

import type { ApiContext } from '../context.ts';
import { cursorProblems, objectReplies } from '../description/replies.ts';
import { apiError, type ApiErrorCode } from '../errors.ts';
import { filterQuery } from '../filter.ts';
import type { Hook } from '../hooks/hook.ts';
import { isSameSecret, isSecret } from '../hooks/signature.ts';
import type { Subscriptions } from '../hooks/subscriptions.ts';
import { clientNetwork } from '../../devices/client-network.ts';
import { viewerOf } from '../viewer.ts';

const after = z
  .string()
  .min(1)
  .max(1_000)
  .optional()
  .describe('A cursor, or `now`; without it, the oldest change that can be followed.');

const createBody = z.strictObject({
  url: z.string().min(1).max(2_000).describe('https, in the open internet.'),
  after,
  ...filterQuery,
});

const resumeBody = z.strictObject({
  after: after.describe('Go on behind this cursor; without it, behind what was received.'),
});

const instant = z.iso.datetime();
const hookShape = {
  id: z.string(),
  url: z.string(),
  filter: z.record(z.string(), z.string()),
  state: z.enum(['unverified', 'active', 'paused', 'disabled', 'expired', 'ended']),
  reason: z.string().nullable().describe('Why it is in this state, where that was not asked for.'),
  cursor: z.string().describe('Everything before it was received.'),
  createdAt: instant,
  deliveredAt: instant.nullable(),
  nextAt: instant.nullable().describe('When a delivery that failed is tried again.'),
  attempts: z.int().min(0).describe('Failures since the last success.'),
  lastStatus: z.int().nullable(),
  lastFailure: z.string().nullable(),
};
const hookSchema = z.looseObject(hookShape);
const secretShape = { secret: z.string().describe('`whsec_…`, shown this once.') };
const createdSchema = z.looseObject({ ...hookShape, ...secretShape });
const rotatedSchema = z.looseObject({ ...secretShape, previousUntil: instant });
const listSchema = z.looseObject({ items: z.array(hookSchema) });
const params = z.strictObject({ id: z.string().min(1).max(64) });

interface Described {
  readonly answer: z.ZodType;
  readonly status?: 200 | 201;
  readonly problems?: readonly ApiErrorCode[];
  readonly more?: object;
}

function described(summary: string, { answer, status = 200, problems = [], more }: Described) {
  return {
    summary,
    tags: ['readings'],
    ...more,
    response: objectReplies(answer, {
      description: summary,
      status,
      problems: [...problems, 'API_PUBLISHED_ELSEWHERE'],
    }),
  };
}

/** `subscriptions` undefined: another node does this. */
export function addHooks(
  app: FastifyInstance,
  context: ApiContext,
  subscriptions: Subscriptions | undefined,
): void {
  app.register((hooks, _options, done) => {
    hooks.addHook('onRequest', (request, reply, next) => {
      reply.header('cache-control', 'no-store');
      if (subscriptions !== undefined) return next();
      const { publishingUrl } = context.config;
      if (publishingUrl === undefined) return next(apiError('API_PUBLISHED_ELSEWHERE'));
      reply.redirect(publishingUrl.replace(/\/+$/, '') + request.url, 307);
    });
    const known = (): Subscriptions => {
      if (subscriptions === undefined) throw apiError('API_PUBLISHED_ELSEWHERE');
      return subscriptions;
    };
    addCreation(hooks, context, known);
    addHandling(hooks, context, known);
    done();
  });
}

type Known = () => Subscriptions;

function addCreation(app: FastifyInstance, context: ApiContext, known: Known): void {
  const schema = described('Sends changes to an address, once that has answered a challenge.', {
    answer: createdSchema,
    status: 201,
    problems: ['API_BODY_INVALID', 'API_TOO_MANY_WEBHOOKS', ...cursorProblems],
    more: {
      body: createBody,
      description:
        'Deliveries are signed as Standard Webhooks 1.0.0 says. The first one is of type ' +
        '`webhook.verification`: answer it 2xx with its `data.challenge` as the body, or as ' +
        '`{"challenge":…}`. Then each, of type `changes`, holds `data.changes` as /changes gives ' +
        'them, in order, and `data.cursor`; what is not answered 2xx comes again. `changes.expired` ' +
        'says that changes between the cursor and now cannot be had any more; 410 ends the webhook.',
    },
  });
  app.post('/webhooks', { schema }, async (request, reply) => {
    const { url, after: from, ...filter } = request.body as z.infer<typeof createBody>;
    const viewer = viewerOf(context.registry, request.headers.authorization);
    const hook = await known().create({
      url,
      after: from,
      filter,
      viewer,
      network: clientNetwork(request.ip),
    });
    reply.code(201);
    return { ...shown(hook), secret: hook.secret };
  });
  app.get(
    '/webhooks',
    {
      schema: described('Webhooks: of the key that asks, or all for an operator.', {
        answer: listSchema,
        problems: ['API_TOKEN_MISSING'],
        more: { querystring: z.strictObject({}) },
      }),
    },
    (request) => {
      const { principal } = viewerOf(context.registry, request.headers.authorization);
      if (principal === 'anonymous') throw apiError('API_TOKEN_MISSING');
      const isSeen = ({ subject }: Hook): boolean =>
        principal.role === 'operator' || subject === principal.subject;
      return { items: known().list().filter(isSeen).map(shown) };
    },
  );
}

function addHandling(app: FastifyInstance, context: ApiContext, known: Known): void {
  const problems = ['API_WEBHOOK_UNKNOWN', 'API_TOKEN_MISSING'] as const;
  const find = (request: FastifyRequest): Hook => {
    const { id } = request.params as z.infer<typeof params>;
    return allowedHook(context, request, known().find(id));
  };
  app.get(
    '/webhooks/:id',
    { schema: described('One webhook.', { answer: hookSchema, problems, more: { params } }) },
    (request) => shown(find(request)),
  );
  app.delete(
    '/webhooks/:id',
    {
      schema: described('Ends a webhook and forgets it.', {
        answer: hookSchema,
        problems,
        more: { params },
      }),
    },
    (request) => {
      const hook = find(request);
      known().remove(hook);
      return shown({ ...hook, state: 'ended', reason: 'deleted' });
    },
  );
  app.post(
    '/webhooks/:id/rotate',
    {
      schema: described('Gives a new secret; both sign for a day.', {
        answer: rotatedSchema,
        problems,
        more: { params },
      }),
    },
    (request) => {
      const hook = find(request);
      known().rotate(hook);
      return { secret: hook.secret, previousUntil: instantText(hook.previousUntil) };
    },
  );
  addPausing(app, known, find);
}

function addPausing(
  app: FastifyInstance,
  known: Known,
  find: (request: FastifyRequest) => Hook,
): void {
  const problems = ['API_WEBHOOK_UNKNOWN', 'API_TOKEN_MISSING', 'API_WEBHOOK_ENDED'] as const;
  app.post(
    '/webhooks/:id/pause',
    {
      schema: described('Sends nothing until it is resumed.', {
        answer: hookSchema,
        problems,
        more: { params },
      }),
    },
    (request) => {
      const hook = find(request);
      const isOwner = isSecret(bearerOf(request) ?? '');
      known().pause(hook, isOwner ? 'by-owner' : 'by-key');
      return shown(hook);
    },
  );
  app.post(
    '/webhooks/:id/resume',
    {
      schema: described('Goes on behind what was received, or behind a cursor.', {
        answer: hookSchema,
        problems: [...problems, ...cursorProblems],
        more: { params, body: resumeBody.nullish() },
      }),
    },
    async (request) => {
      const hook = find(request);
      const body = request.body as z.infer<typeof resumeBody> | null | undefined;
      await known().resume(hook, body?.after);
      return shown(hook);
    },
  );
}

/** Whoever has its secret, or the token that made it, and operators. To all others it does not exist. */
function allowedHook(context: ApiContext, request: FastifyRequest, hook: Hook | undefined): Hook {
  const bearer = bearerOf(request);
  if (bearer === undefined) throw apiError('API_TOKEN_MISSING');
  if (isSecret(bearer)) {
    if (hook !== undefined && isSameSecret(hook.secret, bearer)) return hook;
    throw apiError('API_WEBHOOK_UNKNOWN');
  }
  const { principal } = viewerOf(context.registry, request.headers.authorization);
  const isAllowed =
    principal !== 'anonymous' &&
    (principal.role === 'operator' || hook?.subject === principal.subject);
  if (hook === undefined || !isAllowed) throw apiError('API_WEBHOOK_UNKNOWN');
  return hook;
}

function bearerOf(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers;
  return authorization === undefined ? undefined : authorization.replace(/^Bearer +/i, '');
}

function shown(hook: Hook) {
  const { id, url, filter, state, reason, cursor, attempts, lastStatus, lastFailure } = hook;
  return {
    id,
    url,
    filter,
    state,
    reason,
    cursor,
    createdAt: instantText(hook.createdAt),
    deliveredAt: instantText(hook.deliveredAt),
    nextAt: attempts > 0 ? instantText(hook.nextAt) : null,
    attempts,
    lastStatus,
    lastFailure,
  };
}

function instantText(at: number | null): string | null {
  return at === null || at > 8.64e15 ? null : new Date(at).toISOString();
}
