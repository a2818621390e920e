/** What all operators' routes have in common: their description, and how their parameters are read. */
import type { FastifySchema } from 'fastify';
import { z } from 'zod';

import { objectReplies } from '../description/replies.ts';

export const anything = z.looseObject({});
const limitMax = 10_000;
export const limit = z.coerce.number().int().min(1).max(limitMax).default(100);
export const position = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
export const id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);

export function described(
  summary: string,
  { answer = anything, status = 200, ...schema }: Described,
): FastifySchema {
  return {
    summary,
    tags: ['operators'],
    security: [{ bearer: [] }],
    response: objectReplies(answer, {
      description: summary,
      status,
      problems: ['API_TOKEN_MISSING', 'API_FORBIDDEN'],
    }),
    ...schema,
  };
}

interface Described {
  readonly answer?: z.ZodType;
  /** Of an answer that is no refusal. */
  readonly status?: 200 | 201 | 202;
  readonly params?: z.ZodType;
  readonly querystring?: z.ZodType;
  readonly body?: z.ZodType;
}

/** RFC 3339; operators' times are of no station, so in UTC. */
export function instantText(at: number): string {
  return new Date(at).toISOString();
}
