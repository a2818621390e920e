/** What only one node of a network makes is asked of that one. */
import type { FastifyReply, FastifyRequest } from 'fastify';

import type { ApiContext } from './context.ts';
import { apiError } from './errors.ts';

/** 307 to the node that publishes; throws API_PUBLISHED_ELSEWHERE where its address is not known. */
export function sendElsewhere(
  { config }: Pick<ApiContext, 'config'>,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (config.publishingUrl === undefined) throw apiError('API_PUBLISHED_ELSEWHERE');
  const base = config.publishingUrl.replace(/\/+$/, '');
  return reply.header('cache-control', 'no-store').redirect(base + request.url, 307);
}
