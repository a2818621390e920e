/** What the type provider leaves out of the API description: headers and examples of the answers. */
import type { SwaggerTransformObject } from '@fastify/swagger';
import type { FastifySchema } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import type { OpenAPIV3_1 } from 'openapi-types';

import { problemMedia, problemReply } from './replies.ts';

interface Described {
  readonly description?: string;
  readonly headers?: object;
  readonly content?: Readonly<
    Record<string, { readonly example?: unknown; readonly examples?: unknown }>
  >;
}

interface Written {
  description?: string;
  headers?: object;
  content?: Record<string, { example?: unknown; examples?: unknown }>;
}

/** Each schema as JSON Schema, with everything else that its route says of its answers. */
export const transformRoute: typeof jsonSchemaTransform = (document) => {
  const written = jsonSchemaTransform(document);
  const described = repliesOf<Described>(document.schema);
  for (const [status, reply] of Object.entries(repliesOf<Written>(written.schema))) {
    const from = described[status];
    if (from !== undefined) putBack(reply, from);
  }
  return written;
};

function repliesOf<Reply>(schema: FastifySchema | undefined): Readonly<Record<string, Reply>> {
  return (schema?.response ?? {}) as Readonly<Record<string, Reply>>;
}

function putBack(reply: Written, { description, headers, content = {} }: Described): void {
  if (description !== undefined) reply.description = description;
  if (headers !== undefined) reply.headers = headers;
  for (const [type, { example, examples }] of Object.entries(content)) {
    const media = reply.content?.[type];
    if (media === undefined) continue;
    if (example !== undefined) media.example = example;
    if (examples !== undefined) media.examples = examples;
  }
}

type Answers = Record<
  string,
  { headers?: object; content?: Record<string, { schema?: object }>; $ref?: string }
>;

/** What every answer to whoever has a quota carries (draft-ietf-httpapi-ratelimit-headers-11). */
const quotaHeaders = {
  RateLimit: {
    description: 'What is left of the quota: r units for the next t seconds.',
    schema: { type: 'string' },
    example: '"default";r=29999;t=60',
  },
  'RateLimit-Policy': {
    description: 'The quota: q units flow in w seconds. A request takes one, its rows more.',
    schema: { type: 'string' },
    example: '"default";q=30000;w=60',
  },
} as const satisfies Record<string, OpenAPIV3_1.HeaderObject>;

const quotaReferences = Object.fromEntries(
  Object.keys(quotaHeaders).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
);

/** Health and metrics are outside of quota and overload, and operators are. */
const outsideQuota = /^\/(livez|readyz|metrics|api\/v1\/admin\/.*)$/;

/** How the gate before every route refuses; a route that refuses so itself says it with its own. */
const gateRefusals = { 429: 'API_QUOTA_EXCEEDED', 503: 'API_OVERLOADED' } as const;

/** The form of a refusal is said once: repeated with each status it would be half of the document. */
export const transformDocument: SwaggerTransformObject = (document) => {
  if (!('openapiObject' in document)) return document.swaggerObject;
  const openapiObject = document.openapiObject as Partial<OpenAPIV3_1.Document>;
  const { components, paths = {} } = openapiObject;
  let problem: OpenAPIV3_1.SchemaObject = {};
  for (const [path, answers] of answersOf(paths)) {
    for (const { content } of Object.values(answers)) {
      const media = content?.[problemMedia];
      if (media?.schema === undefined) continue;
      problem = media.schema;
      media.schema = { $ref: '#/components/schemas/Problem' };
    }
    if (!outsideQuota.test(path)) tellQuota(answers);
  }
  const schemas = { ...components?.schemas, Problem: problem };
  const headers = { ...components?.headers, ...quotaHeaders };
  const responses = { ...components?.responses, ...gateResponses() };
  return { ...openapiObject, components: { ...components, headers, responses, schemas } };
};

function tellQuota(answers: Answers): void {
  for (const answer of Object.values(answers)) {
    answer.headers = { ...answer.headers, ...quotaReferences };
  }
  for (const [status, code] of Object.entries(gateRefusals)) {
    answers[status] ??= { $ref: `#/components/responses/${code}` };
  }
}

function gateResponses(): Record<string, OpenAPIV3_1.ResponseObject> {
  const schema = { $ref: '#/components/schemas/Problem' };
  return Object.fromEntries(
    Object.entries(gateRefusals).map(([status, code]) => {
      const { description, headers, content } = problemReply(Number(status), [code]);
      const examples = content[problemMedia]?.examples ?? {};
      const written = Object.fromEntries(
        Object.entries(headers ?? {}).map(([name, { type, description: meaning }]) => [
          name,
          { description: meaning, schema: { type } },
        ]),
      );
      return [
        code,
        {
          description,
          headers: { ...written, ...quotaReferences },
          content: { [problemMedia]: { schema, examples } },
        },
      ];
    }),
  );
}

function answersOf(
  paths: Readonly<Record<string, object | undefined>>,
): readonly (readonly [string, Answers])[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    (Object.values(operations ?? {}) as { readonly responses?: Answers }[]).map(
      ({ responses = {} }) => [path, responses] as const,
    ),
  );
}
