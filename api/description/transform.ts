/** What the type provider leaves out of the API description: headers and examples of the answers. */
import type { SwaggerTransformObject } from '@fastify/swagger';
import type { FastifySchema } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import type { OpenAPIV3_1 } from 'openapi-types';

import { problemMedia } from './replies.ts';

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

interface Operation {
  readonly responses?: Readonly<Record<string, { content?: Record<string, { schema?: object }> }>>;
}

/** The form of a refusal is said once: repeated with each status it would be half of the document. */
export const transformDocument: SwaggerTransformObject = (document) => {
  if (!('openapiObject' in document)) return document.swaggerObject;
  const openapiObject = document.openapiObject as Partial<OpenAPIV3_1.Document>;
  const { components, paths = {} } = openapiObject;
  let problem: OpenAPIV3_1.SchemaObject = {};
  for (const { responses = {} } of operationsOf(paths)) {
    for (const { content } of Object.values(responses)) {
      const media = content?.[problemMedia];
      if (media?.schema === undefined) continue;
      problem = media.schema;
      media.schema = { $ref: '#/components/schemas/Problem' };
    }
  }
  const schemas = { ...components?.schemas, Problem: problem };
  return { ...openapiObject, components: { ...components, schemas } };
};

function operationsOf(paths: Readonly<Record<string, object | undefined>>): Operation[] {
  return Object.values(paths).flatMap((path) => Object.values(path ?? {}) as Operation[]);
}
