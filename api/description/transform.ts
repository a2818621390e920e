/** What the type provider leaves out of the API description: headers and examples of the answers. */
import type { FastifySchema } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';

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
