/** Answers with one thing, under the same validators as lists. */
import type { FastifyReply, FastifyRequest } from 'fastify';

import { baseUrl, cacheSecondsOf, isStillTrue, namesAny } from './answer.ts';
import type { ApiContext } from './context.ts';
import type { Moment, Pins } from '../ingest/feed/places/places.ts';
import { matchTag, tagOf, type AnswerVersion } from './validator.ts';
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
  const { viewer } = answer;
  const { cursor } = answer.moment;
  const maxAge = `max-age=${cacheSecondsOf(context, answer.intervalMs)}`;
  reply.headers({
    'content-type': answer.mediaType ?? 'application/json; charset=utf-8',
    'cache-control': `${viewer.principal === 'anonymous' ? 'public' : 'private'}, ${maxAge}`,
    vary: 'accept-encoding, authorization',
    'quantrac-cursor': cursor,
  });
  const tag = matchedTag(context, request, answer);
  if (tag !== undefined) {
    return reply.code(304).header('etag', tag).removeHeader('content-type').send();
  }
  const body = await answer.text(cursor);
  return reply.header('etag', tagOf(versionOf(context, request, answer))).send(body);
}

type ObjectHead = Omit<ObjectAnswer, 'text'>;

/** Whether the client names a tag of the thing that is still true: there was one, then. */
export function hasObject(context: ApiContext, request: FastifyRequest, head: ObjectHead): boolean {
  return !namesAny(request) && matchedTag(context, request, head) !== undefined;
}

function matchedTag(
  context: ApiContext,
  request: FastifyRequest,
  head: ObjectHead,
): string | undefined {
  return matchTag(request.headers['if-none-match'], versionOf(context, request, head), {
    unchangedSince: isStillTrue(context, head.moment, head.unchangedSince),
    ageSecondsMax: cacheSecondsOf(context, head.intervalMs),
  });
}

function versionOf(context: ApiContext, request: FastifyRequest, head: ObjectHead): AnswerVersion {
  const { viewer, moment, registryVersion, madeAtSeconds = 0 } = head;
  const question = [context.edition, baseUrl(context, request), request.url, viewer.key].join('\n');
  return { question, moment: moment.tag, registryVersion, madeAtSeconds };
}
