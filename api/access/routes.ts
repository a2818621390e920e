/**
 * `/access-requests`: whoever wants to read what is not open asks here, a recipient with its key or
 * anybody without one. What is asked for is never looked up, so no answer says what there is.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';

import { applicantSchema, purposeText, scopeSchema } from '../../devices/access-file.ts';
import type { Grant } from '../../devices/access.ts';
import type { ApiContext } from '../context.ts';
import { objectReplies } from '../description/replies.ts';
import { apiError } from '../errors.ts';
import { clientNetwork } from '../../devices/client-network.ts';
import { viewerOf, type Viewer } from '../viewer.ts';
import type { AccessAdmin, AccessWish } from './admin.ts';
import { createAddressBound } from './address-bound.ts';
import { askedOf, requestedSchema, requestExample, requestSchema } from './schemas.ts';

const body = z.strictObject({
  scope: scopeSchema,
  purpose: purposeText,
  applicant: applicantSchema
    .optional()
    .describe('Who asks, unless the key of a recipient is sent with the request.'),
});

const secretHeader = 'access-request-secret';

export function addAccessRequests(
  app: FastifyInstance,
  context: ApiContext,
  access: AccessAdmin,
): void {
  addAsking(app, context, access);
  const params = z.strictObject({ id: z.string().min(1).max(200) });
  app.get(
    '/access-requests/:id',
    {
      schema: {
        summary: 'What has become of a request for access, for who made it.',
        params,
        querystring: z.strictObject({}),
        headers: z.looseObject({
          [secretHeader]: z
            .string()
            .max(512)
            .optional()
            .describe('As it was shown once; or send the key of the recipient.'),
        }),
        response: objectReplies(requestSchema, {
          description: 'The request.',
          example: requestExample,
          problems: ['API_ACCESS_REQUEST_UNKNOWN'],
        }),
        tags: ['access'],
      },
    },
    (request, reply) => {
      reply.header('cache-control', 'no-store');
      const { id } = request.params as z.infer<typeof params>;
      const viewer = viewerOf(context.registry, request.headers.authorization);
      const found = findFor(access, viewer, id) ?? access.ofSecret(id, secretOf(request));
      if (found === undefined) throw apiError('API_ACCESS_REQUEST_UNKNOWN', { parameter: 'id' });
      return askedOf(found);
    },
  );
}

function addAsking(app: FastifyInstance, context: ApiContext, access: AccessAdmin): void {
  const bound = createAddressBound(context.clock, context.config.accessRequestsPerAddressMax);
  app.post(
    '/access-requests',
    {
      schema: {
        summary: 'Asks for access to what is not open; an operator decides.',
        description:
          'It is taken whether or not the things named exist. Ask with the key of a recipient, or ' +
          'say who you are: an office, not a person, since it stays in the history.',
        body,
        response: objectReplies(requestedSchema, {
          description: 'The request, and the secret by which to look at it.',
          status: 201,
          example: { ...requestExample, secret: 'qar_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' },
          problems: ['API_BODY_INVALID', 'API_TOO_MANY_ACCESS_REQUESTS'],
        }),
        tags: ['access'],
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const viewer = viewerOf(context.registry, request.headers.authorization);
      const wish = wishOf(viewer, request.body as z.infer<typeof body>);
      if (!bound.take(clientNetwork(request.ip) ?? ''))
        throw apiError('API_TOO_MANY_ACCESS_REQUESTS');
      const { grant, secret } = await access.request(wish, viewer.actor);
      reply.code(201);
      return { ...askedOf(grant), secret };
    },
  );
}

function wishOf({ principal }: Viewer, wish: z.infer<typeof body>): AccessWish {
  const recipient = principal === 'anonymous' ? undefined : principal.recipient;
  if (recipient !== undefined) return { scope: wish.scope, purpose: wish.purpose, recipient };
  if (wish.applicant === undefined) {
    throw apiError('API_BODY_INVALID', { parameter: 'applicant', expected: 'who asks' });
  }
  return wish;
}

/** Operators see every request, a recipient its own. */
function findFor(access: AccessAdmin, { principal }: Viewer, id: string): Grant | undefined {
  if (principal === 'anonymous') return undefined;
  const found = access.find(id);
  if (principal.role === 'operator') return found;
  const isOwn = principal.recipient !== undefined && principal.recipient === found?.recipient;
  return isOwn ? found : undefined;
}

function secretOf(request: FastifyRequest): string {
  const given = request.headers[secretHeader];
  return typeof given === 'string' ? given : '';
}
