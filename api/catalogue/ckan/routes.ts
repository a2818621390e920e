/**
 * `/api/3/action/{name}` (and `/api/action/{name}`, which ckanapi calls): CKAN's action API for
 * reading, in CKAN's envelope. A refusal is a problem as everywhere, with CKAN's members beside.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

import { objectReplies } from '../../description/replies.ts';
import { apiError } from '../../errors.ts';
import { instanceOf, problemOf, sendProblem } from '../../problem.ts';
import { viewerOf } from '../../viewer.ts';
import { admitMaking } from '../answer-text.ts';
import type { CatalogueRoutes } from '../routes.ts';
import { absoluteBase } from '../uris.ts';
import { actions } from './actions.ts';

const envelope = z.looseObject({
  help: z.string(),
  success: z.literal(true),
  result: z.unknown(),
});

const params = z.strictObject({ action: z.string().min(1).max(100) });

/** What a client sends is read by the action: names differ, and CKAN takes more than it needs. */
const querystring = z.looseObject({
  id: z.string().max(200).optional().describe('Of package_show, organization_show, group_show.'),
  q: z.string().optional().describe('Of package_search: words.'),
  fq: z.string().optional().describe('Of package_search: field:value, with AND, OR, NOT.'),
  rows: z.string().optional().describe('Of package_search: at most 1000.'),
  start: z.string().optional().describe('Of package_search.'),
  sort: z.string().optional().describe('Of package_search: `id asc`.'),
  limit: z.string().optional().describe('Of lists.'),
  offset: z.string().optional().describe('Of lists.'),
});

export function addCkanRoutes(app: FastifyInstance, routes: CatalogueRoutes): void {
  for (const prefix of ['/api/3/action', '/api/action']) {
    void app.register(
      (ckan, _none, done) => {
        ckan.setErrorHandler((error, request, reply) => refuse(routes, error, request, reply));
        addActions(ckan, routes, prefix === '/api/3/action');
        done();
      },
      { prefix },
    );
  }
}

function addActions(app: FastifyInstance, routes: CatalogueRoutes, isDescribed: boolean): void {
  const schema = {
    summary: `An action of CKAN's API for reading: ${Object.keys(actions).join(', ')}.`,
    description: 'In the envelope {help, success, result}, as ckanapi and ckanext-harvest call it.',
    params,
    response: objectReplies(envelope, {
      description: 'What the action gives.',
      problems: [
        'API_NOT_FOUND',
        'API_DATASET_UNKNOWN',
        'API_OWNER_UNKNOWN',
        'API_PUBLISHED_ELSEWHERE',
      ],
    }),
    tags: ['catalogue'],
    hide: !isDescribed,
  };
  app.get('/:action', { schema: { ...schema, querystring } }, (request, reply) =>
    answerAction(routes, request, reply, request.query),
  );
  app.post('/:action', { schema: { ...schema, body: z.unknown() } }, (request, reply) =>
    answerAction(routes, request, reply, request.body),
  );
}

async function answerAction(
  { context, catalogue, packages }: CatalogueRoutes,
  request: FastifyRequest,
  reply: FastifyReply,
  given: unknown,
): Promise<FastifyReply> {
  const { action: name } = request.params as z.infer<typeof params>;
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined) throw apiError('API_NOT_FOUND');
  if (given !== undefined && given !== null && typeof given !== 'object') {
    throw apiError('API_BODY_INVALID');
  }
  const viewer = viewerOf(context.registry, request.headers.authorization);
  const base = absoluteBase(context, request);
  const view = context.networks.viewOf(viewer);
  const key = [base, viewer.key, view.registry.version].join('\n');
  const result = await action({
    catalogue,
    packages: (make) => packages.get(key, make, admitMaking(context, request)),
    config: context.config.catalogue,
    view,
    base,
    parameters: (given ?? {}) as Readonly<Record<string, unknown>>,
  });
  const isPublic = viewer.principal === 'anonymous';
  return reply
    .header('content-type', 'application/json; charset=utf-8')
    .header(
      'cache-control',
      `${isPublic ? 'public' : 'private'}, max-age=${context.config.cacheSecondsMax}`,
    )
    .header('vary', 'accept-encoding, authorization')
    .send(JSON.stringify({ help: helpOf(base, name), success: true, result }));
}

function helpOf(base: string, name: string): string {
  return `${base}/api/3/action/help_show?name=${encodeURIComponent(name)}`;
}

function refuse(
  { context }: CatalogueRoutes,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { events } = context;
  const problem = problemOf(error);
  if (problem.isFault) {
    events.requestFailed(error, { requestId: request.id, route: request.routeOptions.url ?? '' });
  } else events.requestRefused(problem.code);
  const { action = '' } = (request.params ?? {}) as { readonly action?: string };
  const body = {
    ...problem.body,
    instance: instanceOf(request),
    requestId: request.id,
    help: helpOf(absoluteBase(context, request), action),
    success: false,
    error: {
      __type: ckanTypes[problem.status] ?? 'Internal Server Error',
      message: problem.body['detail'],
    },
  };
  return sendProblem(reply, { ...problem, body });
}

/** CKAN's names, by which ckanapi raises its errors. */
const ckanTypes: Readonly<Record<number, string>> = {
  400: 'Validation Error',
  401: 'Authorization Error',
  403: 'Authorization Error',
  404: 'Not Found Error',
};
