/** Answers with one thing, under the same validators as lists. */
import type { FastifyReply, FastifyRequest } from 'fastify';

import { baseUrl, cacheSecondsOf, isStillTrue } from './answer.ts';
import type { ApiContext } from './context.ts';
import type { Moment, Pins } from '../ingest/feed/places/places.ts';
import { matchTag, tagOf } from './validator.ts';
import type { Viewer } from './viewer.ts';

export interface ObjectAnswer {
  readonly viewer: Viewer;
  /** Of the view that it is made of. */
  readonly registryVersion: number;
  readonly intervalMs: number | undefined;
  readonly moment: Moment;
  /** Whether it has not changed since an earlier moment. */
  readonly unchangedSince: (pins: Pins) => boolean;
  /** JSON where none is named. */
  readonly mediaType?: string;
  /** Seconds UTC at which ages were computed; none without ages. */
  readonly madeAtSeconds?: number;
  /** The thing, as JSON unless another type is named, with the cursor it was read at. */
  readonly text: (cursor: string) => string | Buffer | Promise<string | Buffer>;
}

export async function answerObject(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: ObjectAnswer,
): Promise<FastifyReply> {
  const { viewer, moment, madeAtSeconds = 0 } = answer;
  const { cursor } = moment;
  const maxAgeSeconds = cacheSecondsOf(context, answer.intervalMs);
  const maxAge = `max-age=${maxAgeSeconds}`;
  const version = {
    question: [context.edition, baseUrl(context, request), request.url, viewer.key].join('\n'),
    moment: moment.tag,
    registryVersion: answer.registryVersion,
    madeAtSeconds,
  };
  reply.headers({
    'content-type': answer.mediaType ?? 'application/json; charset=utf-8',
    'cache-control': `${viewer.principal === 'anonymous' ? 'public' : 'private'}, ${maxAge}`,
    vary: 'accept-encoding, authorization',
    'quantrac-cursor': cursor,
  });
  const tag = matchTag(request.headers['if-none-match'], version, {
    unchangedSince: isStillTrue(context, moment, answer.unchangedSince),
    ageSecondsMax: maxAgeSeconds,
  });
  if (tag !== undefined) {
    return reply.code(304).header('etag', tag).removeHeader('content-type').send();
  }
  const body = await answer.text(cursor);
  return reply.header('etag', tagOf(version)).send(body);
}
