/** `/manifests`: signed, chained manifests of what is open, their keys, and the tree of the latest. */
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import { z } from 'zod';

import { baseUrl } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import {
  bucketsSchema,
  keysSchema,
  manifestExamples,
  manifestSchema,
  manifestsSchema,
} from '../description/manifest-schemas.ts';
import { objectReplies, type Header } from '../description/replies.ts';
import { apiError, badParameter, type ApiErrorCode } from '../errors.ts';
import { readList } from '../filter.ts';
import type { ManifestHead } from '../manifests/archive.ts';
import type { Manifests } from '../manifests/manifests.ts';
import { treeText } from '../manifests/tree-text.ts';
import { sendElsewhere } from '../elsewhere.ts';
import { isTagNamed } from '../validator.ts';
import { viewerOf } from '../viewer.ts';

const headers = {
  'Cache-Control': { type: 'string', description: 'How long the answer may be used again.' },
} as const satisfies Record<string, Header>;

const taggedHeaders = {
  ...headers,
  ETag: { type: 'string', description: 'SHA-256 of the document.' },
  'Last-Modified': { type: 'string', description: 'When it was made.' },
  Link: { type: 'string', description: 'RFC 8288: canonical, where it never changes.' },
} as const satisfies Record<string, Header>;

const limitMax = 1_000;
const datastreamsMax = 100;

export function addManifests(app: FastifyInstance, context: ApiContext): void {
  addList(app, context);
  addKeys(app, context);
  addBuckets(app, context);
  addDocuments(app, context);
}

type Answer = (
  manifests: Manifests,
  request: FastifyRequest,
  reply: FastifyReply,
) => FastifyReply | Promise<FastifyReply>;

/** On a node that does not publish, whoever asks is sent to the one that does. */
function published(context: ApiContext, answer: Answer) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    // A token that is none is refused here as everywhere.
    viewerOf(context.registry, request.headers.authorization);
    const { manifests } = context;
    return manifests === undefined
      ? sendElsewhere(context, request, reply)
      : answer(manifests, request, reply);
  };
}

function described(
  schema: z.ZodType,
  summary: string,
  more: FastifySchema & {
    readonly example: unknown;
    readonly shown?: Readonly<Record<string, Header>>;
    readonly problems?: readonly ApiErrorCode[];
  },
): FastifySchema {
  const {
    example,
    shown = headers,
    problems = [],
    querystring = z.strictObject({}),
    ...rest
  } = more;
  return {
    summary,
    querystring,
    tags: ['readings'],
    response: objectReplies(schema, {
      description: summary,
      headers: shown,
      example,
      problems: [...problems, 'API_PUBLISHED_ELSEWHERE'],
    }),
    ...rest,
  };
}

function send(reply: FastifyReply, cacheSeconds: number, body: string): FastifyReply {
  return reply
    .header('content-type', 'application/json; charset=utf-8')
    .header('cache-control', `public, max-age=${cacheSeconds}`)
    .send(body);
}

function addList(app: FastifyInstance, context: ApiContext): void {
  const querystring = z.strictObject({
    limit: z.coerce.number().int().min(1).max(limitMax).default(100),
    page: z.string().min(1).max(1_000).optional().describe('Opaque token, as found in `next`.'),
  });
  const schema = described(manifestsSchema, 'Signed manifests of the open data, newest first.', {
    querystring,
    example: manifestExamples.manifests,
    problems: ['API_PAGE_INVALID'],
  });
  app.get(
    '/manifests',
    { schema },
    published(context, ({ archive }, request, reply) => {
      const { limit, page } = request.query as z.infer<typeof querystring>;
      const before = page === undefined ? Number.MAX_SAFE_INTEGER : readPage(page);
      const found = archive.heads(before, limit + 1);
      const shown = found.slice(0, limit);
      const base = `${baseUrl(context, request)}/api/v1/manifests`;
      const last = shown.at(-1);
      const isMore = found.length > limit && last !== undefined;
      const next = isMore ? `${base}?limit=${limit}&page=${pageOf(last.sequence)}` : null;
      const items = shown.map((head) => shownHead(head, base));
      return send(reply, context.config.cacheSecondsMax, JSON.stringify({ items, next }));
    }),
  );
}

function shownHead(head: ManifestHead, base: string): object {
  const { sequence, day, madeAt, cursor, sha256, bytes } = head;
  const made = new Date(madeAt).toISOString();
  return { sequence, day, madeAt: made, cursor, sha256, bytes, href: `${base}/${sequence}` };
}

function pageOf(sequence: number): string {
  return Buffer.from(`m${sequence}`).toString('base64url');
}

function readPage(page: string): number {
  const digits = /^m(\d{1,15})$/.exec(Buffer.from(page, 'base64url').toString('latin1'))?.[1];
  if (digits === undefined || pageOf(Number(digits)) !== page) {
    throw apiError('API_PAGE_INVALID', { parameter: 'page' });
  }
  return Number(digits);
}

function addKeys(app: FastifyInstance, context: ApiContext): void {
  const summary = 'Public keys of manifests, oldest first: a JSON Web Key Set.';
  const schema = described(keysSchema, summary, { example: manifestExamples.keys });
  app.get(
    '/manifests/keys',
    { schema },
    published(context, ({ keys }, _request, reply) => {
      const shown = keys.all().map(({ key, since }) => ({ ...key, use: 'sig', since }));
      return send(reply, context.config.cacheSecondsMax, JSON.stringify({ keys: shown }));
    }),
  );
}

function addBuckets(app: FastifyInstance, context: ApiContext): void {
  const day = z.iso.date().optional();
  const querystring = z.strictObject({
    datastream: z
      .string()
      .min(1)
      .max(65_536)
      .optional()
      .describe(`With the days of these: at most ${datastreamsMax} ids, separated by commas.`),
    from: day.describe('The first UTC day, of datastreams that are named.'),
    to: day.describe('The UTC day behind the last one, of datastreams that are named.'),
  });
  const schema = described(bucketsSchema, 'The tree of hashes that the latest manifest is of.', {
    querystring,
    example: manifestExamples.buckets,
    problems: ['API_DATASTREAM_UNKNOWN', 'API_MANIFEST_UNKNOWN'],
  });
  app.get(
    '/manifests/latest/buckets',
    { schema },
    published(context, async (manifests, request, reply) => {
      const { datastream, from, to } = request.query as z.infer<typeof querystring>;
      const ids = readList(datastream, 'datastream', datastreamsMax);
      if (ids === null && (from ?? to) !== undefined) {
        throw badParameter(from === undefined ? 'to' : 'from', 'nothing, without `datastream`');
      }
      const question = { ids, from: from ?? '', to: to ?? '~' };
      const { text, branches } = await treeText(context, manifests, question);
      context.gate.countRows(request, branches);
      return send(reply, 1, text);
    }),
  );
}

function addDocuments(app: FastifyInstance, context: ApiContext): void {
  const describe = (summary: string, params?: z.ZodType): FastifySchema =>
    described(manifestSchema, summary, {
      example: manifestExamples.manifest,
      shown: taggedHeaders,
      problems: ['API_MANIFEST_UNKNOWN'],
      ...(params === undefined ? {} : { params }),
    });
  app.get(
    '/manifests/latest',
    { schema: describe('The latest manifest.') },
    published(context, (manifests, request, reply) => {
      const head = requireFound(manifests.archive.latest());
      const cacheControl = 'public, max-age=1';
      return sendDocument(context, manifests, head, { request, reply, cacheControl });
    }),
  );
  const params = z.strictObject({
    sequence: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  });
  app.get(
    '/manifests/:sequence',
    { schema: describe('A manifest: it never changes.', params) },
    published(context, (manifests, request, reply) => {
      const { sequence } = request.params as z.infer<typeof params>;
      const head = requireFound(manifests.archive.head(sequence));
      const cacheControl = 'public, max-age=31536000, immutable';
      return sendDocument(context, manifests, head, { request, reply, cacheControl });
    }),
  );
}

interface Asked {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly cacheControl: string;
}

function sendDocument(
  context: ApiContext,
  { archive }: Manifests,
  { sequence, sha256, madeAt }: ManifestHead,
  { request, reply, cacheControl }: Asked,
): FastifyReply {
  const tag = `"${sha256}"`;
  const address = `${baseUrl(context, request)}/api/v1/manifests/${sequence}`;
  reply.headers({
    'cache-control': cacheControl,
    etag: tag,
    vary: 'accept-encoding',
    'last-modified': new Date(madeAt).toUTCString(),
    link: `<${address}>; rel="canonical"`,
  });
  if (isTagNamed(request.headers['if-none-match'], tag)) return reply.code(304).send();
  return reply
    .header('content-type', 'application/json; charset=utf-8')
    .header('content-location', `/api/v1/manifests/${sequence}`)
    .send(requireFound(archive.document(sequence)).toString('utf8'));
}

function requireFound<Found>(found: Found | undefined): Found {
  if (found === undefined) throw apiError('API_MANIFEST_UNKNOWN', { parameter: 'sequence' });
  return found;
}
