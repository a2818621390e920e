/** The answers of a route as the API description says them: bodies, headers, examples, refusals. */
import { z } from 'zod';

import { apiError, apiErrors, type ApiErrorCode } from '../errors.ts';
import { formats, mediaTypes, type Format } from '../formats/format.ts';
import { csvwType } from '../formats/csvw.ts';
import { problemOf } from '../problem.ts';
import { cursorExample, placeExample } from './examples.ts';
import {
  coveragesSchema,
  csvwSchema,
  featuresSchema,
  linkedSchema,
  pageSchema,
  problemSchema,
} from './schemas.ts';

export interface Header {
  readonly type: 'string' | 'integer';
  readonly description: string;
}

export interface Media {
  readonly schema: z.ZodType;
  readonly example?: unknown;
  /** By name; beside `example` never. */
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

export interface Reply {
  readonly description: string;
  readonly headers?: Readonly<Record<string, Header>>;
  readonly content: Readonly<Record<string, Media>>;
}

/** A reply without a body, in the form that the framework and the type provider both take. */
export interface EmptyReply {
  readonly description: string;
  readonly headers: Readonly<Record<string, Header>>;
  readonly properties: z.ZodNull;
}

export type Replies = Readonly<Record<string, Reply | EmptyReply>>;

const cacheControl: Header = {
  type: 'string',
  description: 'How long the answer may be used again; private where a token was sent.',
};

/** Of an answer that goes on from a cursor and is of this moment. */
export const followedHeaders = {
  'Quantrac-Cursor': {
    type: 'string',
    description: 'Change cursor that the answer is true at: /changes?after= goes on from here.',
  },
  'Cache-Control': cacheControl,
} as const satisfies Record<string, Header>;

/** Of an answer that can be asked for again with If-None-Match. */
export const validatedHeaders = {
  ETag: {
    type: 'string',
    description:
      'Strong, and good while no series asked for has changed: send it in If-None-Match.',
  },
  Vary: { type: 'string', description: 'Request headers that the answer depends on.' },
  ...followedHeaders,
} as const satisfies Record<string, Header>;

const trailerHeader: Header = {
  type: 'string',
  description:
    'Of csv: Quantrac-Complete follows the last row, `true` at the end of the list; with a limit, Quantrac-Next too.',
};

const linkHeader: Header = {
  type: 'string',
  description:
    'RFC 8288: `self`, `canonical` (this format whatever Accept says), `alternate` in other formats, ' +
    '`license` of what is in it, `next` where it is known before the body, and `describedby`, of csv CSVW.',
};

/** Headers of the request, where the answer has validators. */
export const conditionalHeaders = z.looseObject({
  'if-none-match': z
    .string()
    .optional()
    .describe('ETags of earlier answers: 304 without a body while one is still true.'),
});

const notModified: EmptyReply = {
  description: 'The answer of this ETag is still true.',
  headers: validatedHeaders,
  properties: z.null(),
};

export interface ObjectReplies {
  readonly description: string;
  readonly status?: 200 | 201 | 202;
  readonly headers?: Readonly<Record<string, Header>>;
  readonly example?: unknown;
  /** Refusals of this route, beside those of all. */
  readonly problems?: readonly ApiErrorCode[];
}

/** Replies of a route with one JSON answer. */
export function objectReplies(
  schema: z.ZodType,
  { description, status = 200, headers = {}, example, problems = [] }: ObjectReplies,
): Replies {
  return {
    [status]: { description, headers, content: { 'application/json': { schema, example } } },
    ...(headers === validatedHeaders ? { 304: notModified } : {}),
    ...problemReplies(problems),
  };
}

export interface ListReplies {
  readonly description: string;
  readonly item: z.ZodType;
  readonly example: object;
  readonly problems?: readonly ApiErrorCode[];
}

/** Replies of a list in these formats. */
export function listReplies(list: ListReplies, shown: readonly Format[]): Replies {
  const content = Object.fromEntries(
    formats
      .filter((format) => shown.includes(format))
      .map((format) => [mediaTypes[format].split(';', 1)[0] ?? '', mediaOf[format](list)]),
  );
  const headers = shown.includes('csv')
    ? { ...validatedHeaders, Trailer: trailerHeader, Link: linkHeader }
    : validatedHeaders;
  return {
    200: { description: list.description, headers, content },
    304: notModified,
    ...problemReplies([
      'API_PAGE_INVALID',
      'API_PAGE_EXPIRED',
      'API_TOO_MANY_STREAMS',
      'API_QUOTA_EXCEEDED',
      'API_OVERLOADED',
      ...(list.problems ?? []),
    ]),
  };
}

/** Replies of what describes a CSV. */
export function csvwReplies(problems: readonly ApiErrorCode[]): Replies {
  return {
    200: {
      description: 'Names, titles and types of the columns, as CSV on the Web says them.',
      headers: validatedHeaders,
      content: { [csvwType]: { schema: csvwSchema } },
    },
    304: notModified,
    ...problemReplies(['API_PAGE_INVALID', 'API_PAGE_EXPIRED', ...problems]),
  };
}

const listEnd = { next: null, complete: true, cursor: cursorExample };

const mediaOf: Readonly<Record<Format, (list: ListReplies) => Media>> = {
  json: ({ item, example }) => ({
    schema: pageSchema(item),
    example: { items: [example], ...listEnd },
  }),
  geojson: ({ item, example }) => ({
    schema: featuresSchema(item),
    example: {
      type: 'FeatureCollection',
      features: 'id' in example ? [featureOf(example)] : [],
      ...listEnd,
    },
  }),
  csv: () => ({
    schema: z
      .string()
      .describe('RFC 4180 in UTF-8 with a header row (header=present); its end is the trailer.'),
  }),
  jsonld: () => ({
    schema: linkedSchema.describe('As JSON, of SOSA nodes under an inline context.'),
  }),
  parquet: () => ({
    schema: z
      .string()
      .describe(
        'Apache Parquet, bytes: typed columns; cursor, complete, next and licence are key-value metadata. Without its footer it was cut.',
      ),
  }),
  covjson: () => ({
    schema: coveragesSchema.describe('CoverageJSON (OGC 21-069): a PointSeries for each series.'),
  }),
  atom: () => ({ schema: z.string().describe('Atom (RFC 4287): the newest events first.') }),
  ndjson: ({ example }) => ({
    schema: z
      .string()
      .describe('An object a line; the last is {"complete":true,"cursor":…}, or it was cut.'),
    example: `${JSON.stringify(example)}\n${JSON.stringify({ complete: true, cursor: cursorExample })}\n`,
  }),
};

function featureOf(example: { readonly id: unknown }): object {
  const geometry = { type: 'Point', coordinates: placeExample };
  return { type: 'Feature', id: example.id, geometry, properties: example };
}

/** Any request can be refused with these. */
const commonProblems: readonly ApiErrorCode[] = [
  'API_PARAMETER_INVALID',
  'API_PARAMETER_UNKNOWN',
  'API_TOKEN_INVALID',
];

/** Refusals of a cursor that was given. */
export const cursorProblems = [
  'API_CURSOR_INVALID',
  'API_CURSOR_STORE_UNKNOWN',
  'API_CURSOR_EXPIRED',
] as const satisfies readonly ApiErrorCode[];

/** One reply for each status, with every code as an example; any other refusal has the same form. */
export function problemReplies(codes: readonly ApiErrorCode[]): Record<string, Reply> {
  const byStatus = new Map<number, ApiErrorCode[]>();
  for (const code of [...commonProblems, ...codes]) {
    const { status } = apiErrors[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const known = [...byStatus].map(([status, of]) => [String(status), problemReply(status, of)]);
  return {
    ...(Object.fromEntries(known) as Record<string, Reply>),
    default: {
      description: 'What is wrong, as RFC 9457 says it.',
      content: { [problemMedia]: { schema: problemSchema } },
    },
  };
}

export const problemMedia = 'application/problem+json';

export function problemReply(status: number, codes: readonly ApiErrorCode[]): Reply {
  const examples = Object.fromEntries(
    codes.map((code) => [code, { value: problemOf(apiError(code, fieldsOf(code))).body }]),
  );
  return {
    description: codes.map((code) => apiErrors[code].message).join(' '),
    headers: problemHeaders[status] ?? {},
    content: { [problemMedia]: { schema: problemSchema, examples } },
  };
}

const retryAfter = { 'Retry-After': { type: 'integer', description: 'Seconds to wait.' } } as const;

const problemHeaders: Readonly<Record<number, Readonly<Record<string, Header>>>> = {
  401: { 'WWW-Authenticate': { type: 'string', description: 'Bearer.' } },
  429: retryAfter,
  503: retryAfter,
};

function fieldsOf(code: ApiErrorCode): Readonly<Record<string, unknown>> {
  if (code === 'API_PARAMETER_INVALID') return { parameter: 'near', expected: 'lon,lat,km' };
  return code === 'API_PARAMETER_UNKNOWN' ? { parameter: 'colour' } : {};
}
