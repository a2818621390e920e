/** `/citations`: making one, reading it in every form, and its bytes. */
import { Readable } from 'node:stream';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

import { baseUrl } from '../answer.ts';
import { sendToPublisher, type Bulk } from '../bulk/bulk.ts';
import { answerRange, type RangeHeaders } from '../bulk/range.ts';
import type { ApiContext } from '../context.ts';
import { examples } from '../description/examples.ts';
import { problemReplies, type Header } from '../description/replies.ts';
import { citationSchema } from '../description/schemas.ts';
import { apiError, badParameter } from '../errors.ts';
import { viewerOf } from '../viewer.ts';
import { clientOf } from './allowance.ts';
import { callerOf } from './ask.ts';
import type { Citations } from './citations.ts';
import type { CitationRecord } from './records.ts';
import { pageOf, wordsOf } from './words.ts';

const forms = {
  json: 'application/json; charset=utf-8',
  html: 'text/html; charset=utf-8',
  bib: 'application/x-bibtex; charset=utf-8',
  csl: 'application/vnd.citationstyles.csl+json; charset=utf-8',
} as const;
type Form = keyof typeof forms;

const params = z.strictObject({
  id: z.string().min(1).max(64).describe('With .json, .html, .bib or .csl, or by Accept.'),
});
const body = z.strictObject({
  url: z.string().min(1).max(8_192).describe('Address of rows, or of a file of a month, here.'),
});

export interface CitationRoutes {
  readonly citations: Citations;
  readonly bulk: Bulk;
}

export function addCitations(
  app: FastifyInstance,
  context: ApiContext,
  routes: CitationRoutes,
): void {
  addMaking(app, context, routes);
  addReading(app, context, routes);
  addBytes(app, context, routes);
}

function addMaking(
  app: FastifyInstance,
  context: ApiContext,
  { citations, bulk }: CitationRoutes,
): void {
  const content = { 'application/json': { schema: citationSchema, example: examples.citation } };
  const schema = {
    summary: 'Cites rows or a file for ever: the same bytes, whatever is corrected later.',
    body,
    response: {
      201: {
        description: 'The citation; the same question at the same moment is the same one.',
        content,
      },
      ...problemReplies([
        'API_BODY_INVALID',
        'API_FILE_UNKNOWN',
        'API_CITATION_TOO_LARGE',
        'API_CITATIONS_FULL',
        'API_TOO_MANY_STREAMS',
        'API_PUBLISHED_ELSEWHERE',
      ]),
    },
    tags: ['readings'],
  };
  app.post('/citations', { schema }, async (request, reply) => {
    const viewer = viewerOf(context.registry, request.headers.authorization);
    const elsewhere = sendToPublisher(context, bulk, request, reply);
    if (elsewhere !== undefined) return elsewhere;
    const { url } = request.body as z.infer<typeof body>;
    const base = baseUrl(context, request);
    const made = await citations.cite({
      app,
      bulk,
      url,
      base,
      viewer,
      caller: callerOf(request),
      client: clientOf(viewer, request),
      holder: context.gate.clientOf(request),
    });
    if ('status' in made) {
      return reply
        .code(made.status as 201)
        .header('content-type', made.mediaType)
        .send(made.body);
    }
    const shown = shownOf(made, base);
    return reply
      .code(201)
      .header('location', shown.uri)
      .header('cache-control', 'no-store')
      .header('content-type', forms.json)
      .send(JSON.stringify(shown));
  });
}

function addReading(
  app: FastifyInstance,
  context: ApiContext,
  { citations, bulk }: CitationRoutes,
): void {
  const texts = { schema: z.string() };
  const schema = {
    summary: 'One citation: as JSON, a page, BibTeX or CSL-JSON.',
    params,
    querystring: z.strictObject({}),
    response: {
      200: {
        description: 'It.',
        headers: { Link: link, Vary: text('Accept, Authorization.') },
        content: {
          'application/json': { schema: citationSchema, example: examples.citation },
          'text/html': texts,
          'application/x-bibtex': texts,
          'application/vnd.citationstyles.csl+json': { schema: z.looseObject({}) },
        },
      },
      ...problemReplies([
        'API_CITATION_UNKNOWN',
        'API_NOT_ACCEPTABLE',
        'API_ADDRESS_TOO_LONG',
        'API_PUBLISHED_ELSEWHERE',
      ]),
    },
    tags: ['readings'],
  };
  app.get('/citations/:id', { schema }, (request, reply) => {
    const viewer = viewerOf(context.registry, request.headers.authorization);
    const elsewhere = sendToPublisher(context, bulk, request, reply);
    if (elsewhere !== undefined) return elsewhere;
    const [id = '', extension] = (request.params as z.infer<typeof params>).id.split('.', 2);
    const record = citations.find(id, viewer);
    const form = chooseForm(extension, request.headers.accept);
    const uri = uriOf(record, baseUrl(context, request));
    return reply
      .header('content-type', forms[form])
      .header('vary', 'accept, authorization')
      .header('cache-control', cacheOf(viewer.key, context.config.cacheSecondsMax))
      .header('last-modified', new Date(record.erasedAt ?? record.madeAt).toUTCString())
      .header(
        'link',
        [`<${uri}>; rel="cite-as"`, `<${uri}/data>; rel="item"`, ...licencesOf(record)].join(', '),
      )
      .send(textOf(form, record, baseUrl(context, request)));
  });
}

function addBytes(
  app: FastifyInstance,
  context: ApiContext,
  { citations, bulk }: CitationRoutes,
): void {
  const schema = {
    summary: 'What was cited, byte for byte.',
    params: z.strictObject({ id: z.string().min(1).max(64) }),
    querystring: z.strictObject({}),
    response: {
      200: {
        description: 'The bytes, in the media type that they had.',
        headers: { ETag: text('The SHA-256 of the bytes.'), Link: link },
        content: { '*/*': { schema: z.string() } },
      },
      ...problemReplies([
        'API_CITATION_UNKNOWN',
        'API_ERASED',
        'API_CONDITION_FAILED',
        'API_RANGE_OUTSIDE',
        'API_TOO_MANY_STREAMS',
        'API_UNAVAILABLE',
        'API_PUBLISHED_ELSEWHERE',
      ]),
    },
    tags: ['readings'],
  };
  app.get('/citations/:id/data', { schema, compress: false }, async (request, reply) => {
    const viewer = viewerOf(context.registry, request.headers.authorization);
    const elsewhere = sendToPublisher(context, bulk, request, reply);
    if (elsewhere !== undefined) return elsewhere;
    const { id } = request.params as { readonly id: string };
    citations.find(id, viewer);
    await citations.erasures.known();
    const record = citations.find(id, viewer);
    if (record.erasedAt !== null) throw apiError('API_ERASED');
    reply.headers({
      'cache-control': cacheOf(viewer.key, 0),
      link: linksOfBytes(uriOf(record, baseUrl(context, request)), record),
    });
    return sendBytes(citations, request, reply, record);
  });
}

function sendBytes(
  citations: Citations,
  request: FastifyRequest,
  reply: FastifyReply,
  record: CitationRecord,
): FastifyReply {
  const { sha256, bytes, mediaType, fileName, madeAt } = record;
  const answer = answerRange(request.headers as RangeHeaders, {
    tag: `"${sha256}"`,
    modifiedAt: madeAt,
    bytes,
  });
  if (answer.status === 412) throw apiError('API_CONDITION_FAILED');
  if (answer.status === 416) {
    reply.header('content-range', `bytes */${bytes}`);
    throw apiError('API_RANGE_OUTSIDE', { bytes });
  }
  const [first, last] = answer.status === 206 ? [answer.first, answer.last] : [0, bytes - 1];
  const isWanted = answer.status !== 304 && request.method !== 'HEAD';
  // Before any header of the bytes is set: a refusal has none of them.
  const body = isWanted ? citations.read(request, record, { first, last }) : Readable.from([]);
  reply.headers({
    etag: `"${sha256}"`,
    'last-modified': new Date(madeAt).toUTCString(),
    'accept-ranges': 'bytes',
    'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
    'content-disposition': `attachment; filename="${fileName.replaceAll(/[^\w.~-]/g, '_')}"`,
  });
  if (answer.status === 304) return reply.code(304).send();
  if (answer.status === 206) {
    reply.code(206).header('content-range', `bytes ${first}-${last}/${bytes}`);
  }
  reply.headers({ 'content-type': mediaType, 'content-length': last - first + 1 });
  return reply.send(body);
}

const text = (description: string): Header => ({ type: 'string', description });
const link = text(
  'RFC 8288: cite-as is the address of the citation (RFC 8574), which describes the bytes; license.',
);

function licencesOf({ licences }: CitationRecord): readonly string[] {
  return licences.map(({ uri }) => `<${uri}>; rel="license"`);
}

function linksOfBytes(uri: string, record: CitationRecord): string {
  const about = [`<${uri}>; rel="cite-as"`, `<${uri}>; rel="describedby"`];
  return [...about, ...licencesOf(record)].join(', ');
}

/** An erasure or a closed series ends it, so that nobody keeps it without asking again. */
function cacheOf(viewerKey: string, seconds: number): string {
  return `${viewerKey === 'anonymous' ? 'public' : 'private'}, max-age=${seconds}`;
}

function uriOf({ id }: CitationRecord, base: string): string {
  return `${base}/api/v1/citations/${id}`;
}

function shownOf(record: CitationRecord, base: string) {
  const { id, version, sha256, bytes, mediaType, licences, title, url, erasedAt } = record;
  const uri = uriOf(record, base);
  return {
    id,
    uri,
    dataUri: `${uri}/data`,
    url: `${base}${url}`,
    version,
    asOf: new Date(record.asOf).toISOString(),
    sha256,
    bytes,
    mediaType,
    licence: licences.map(({ uri: address }) => address),
    title,
    retrievedAt: new Date(record.madeAt).toISOString(),
    registryVersion: record.registryVersion,
    cursor: record.cursor,
    erasedAt: erasedAt === null ? null : new Date(erasedAt).toISOString(),
    ...wordsOf(record, uri),
  };
}

function textOf(form: Form, record: CitationRecord, base: string): string {
  const uri = uriOf(record, base);
  switch (form) {
    case 'json':
      return JSON.stringify(shownOf(record, base));
    case 'html':
      return pageOf(record, uri);
    case 'bib':
      return wordsOf(record, uri).bibtex;
    case 'csl':
      return JSON.stringify([wordsOf(record, uri).cslJson]);
  }
}

function chooseForm(extension: string | undefined, accept: string | undefined): Form {
  if (extension !== undefined) {
    if (Object.hasOwn(forms, extension)) return extension as Form;
    throw badParameter('id', 'an id, or one with .json, .html, .bib or .csl');
  }
  const wanted = (accept ?? '*/*').split(',').map((each) => each.split(';', 1)[0]?.trim());
  for (const type of wanted) {
    if (type === '*/*' || type === 'application/*') return 'json';
    if (type === 'text/*') return 'html';
    const found = Object.entries(forms).find(([, media]) => media.split(';', 1)[0] === type);
    if (found !== undefined) return found[0] as Form;
  }
  throw apiError('API_NOT_ACCEPTABLE', {
    accepted: Object.values(forms).map((media) => media.split(';', 1)[0]),
  });
}
