/** Answers with one thing, under the same validators as lists. */
import type { FastifyReply, FastifyRequest } from 'fastify';

import { cacheSecondsOf, isStillTrue } from './answer.ts';
import type { ApiContext } from './context.ts';
import type { Moment, Pins } from './places/places.ts';
import { matchTag, tagOf } from './validator.ts';
import type { Viewer } from './viewer.ts';

export interface ObjectAnswer {
  readonly viewer: Viewer;
  readonly intervalMs: number | undefined;
  readonly moment: Moment;
  /** Whether it has not changed since an earlier moment. */
  readonly unchangedSince: (pins: Pins) => boolean;
  /** The thing as JSON, with the cursor it was read at. */
  readonly text: (cursor: string) => string;
}

export function answerObject(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: ObjectAnswer,
): FastifyReply {
  const { viewer, moment } = answer;
  const { cursor } = moment;
  const maxAge = `max-age=${cacheSecondsOf(context, answer.intervalMs)}`;
  const version = {
    question: [context.storeId, request.url, viewer.key].join('\n'),
    moment: moment.tag,
    registryVersion: context.networks.version,
    madeAtSeconds: 0,
  };
  reply.headers({
    'content-type': 'application/json; charset=utf-8',
    'cache-control': `${viewer.principal === 'anonymous' ? 'public' : 'private'}, ${maxAge}`,
    vary: 'accept-encoding, authorization',
    'quantrac-cursor': cursor,
  });
  const tag = matchTag(request.headers['if-none-match'], version, {
    unchangedSince: isStillTrue(context, moment, answer.unchangedSince),
    ageSecondsMax: 0,
  });
  if (tag !== undefined) {
    return reply.code(304).header('etag', tag).removeHeader('content-type').send();
  }
  return reply.header('etag', tagOf(version)).send(answer.text(cursor));
}
