/** Answers with a picture, under the same validators and caching as lists. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { z } from 'zod';

import type { Datastream } from '../../devices/model.ts';
import { cacheSecondsOf, isStillTrue } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import { problemReplies, validatedHeaders, type Replies } from '../description/replies.ts';
import type { Client } from '../limits/shares.ts';
import type { Moment } from '../../ingest/feed/places/places.ts';
import { intervalOf, unchangedSince } from '../routes/unchanged.ts';
import { matchTag, tagOf } from '../validator.ts';
import type { Viewer } from '../viewer.ts';
import type { Language } from '../page-words.ts';
import type { Painter, Picture } from './painter.ts';

export type ChartFormat = 'svg' | 'png';

const mediaTypes: Readonly<Record<ChartFormat, string>> = {
  svg: 'image/svg+xml; charset=utf-8',
  png: 'image/png',
};

export interface ChartAnswer {
  readonly format: ChartFormat;
  readonly painter: Painter;
  readonly viewer: Viewer;
  readonly language: Language;
  /** What the picture depends on beside the address, viewer and language. */
  readonly question: string;
  /** Of the view that it is made of. */
  readonly registryVersion: number;
  readonly moment: Moment;
  /** All that it is made of. */
  readonly datastreams: readonly Datastream[];
  /** The picture as SVG. */
  readonly drawText: () => Promise<string>;
}

export async function answerChart(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: ChartAnswer,
): Promise<FastifyReply> {
  const { format, viewer, moment, painter, datastreams } = answer;
  const question = questionOf(context, request, answer);
  const version = {
    question,
    moment: moment.tag,
    registryVersion: answer.registryVersion,
    madeAtSeconds: 0,
  };
  const maxAge = `max-age=${cacheSecondsOf(context, intervalOf(datastreams))}`;
  const truth = {
    unchangedSince: isStillTrue(context, moment, unchangedSince(context, datastreams)),
    ageSecondsMax: 0,
  };
  const tag = tagOf(version);
  const setHeaders = () =>
    reply.headers({
      'content-type': mediaTypes[format],
      'cache-control': `${viewer.principal === 'anonymous' ? 'public' : 'private'}, ${maxAge}`,
      vary: 'accept-encoding, accept-language, authorization',
      'content-language': answer.language,
      'quantrac-cursor': moment.cursor,
      etag: tag,
    });
  const known = matchTag(request.headers['if-none-match'], version, truth);
  if (known !== undefined) {
    return setHeaders().code(304).header('etag', known).removeHeader('content-type').send();
  }
  if (request.method === 'HEAD') return setHeaders().send(Readable.from([]));
  const kept = painter.kept(question, (each) => matchTag(each, version, truth) !== undefined);
  if (kept !== undefined) return setHeaders().send(kept);
  const client = context.gate.clientOf(request);
  const painted = (ms: number) => context.gate.countWork(request, { rows: 0, ms });
  const body = await makeBody(context, answer, { question, tag, client, painted });
  return setHeaders().send(body);
}

interface Making extends Pick<Picture, 'question' | 'tag' | 'painted'> {
  readonly client: Client;
}

/** In one of the few places for pictures. */
async function makeBody(
  { charts }: ApiContext,
  { format, painter, drawText }: ChartAnswer,
  { client, ...making }: Making,
): Promise<string | Uint8Array> {
  const release = charts.take(client);
  try {
    return format === 'svg' ? await drawText() : await painter.paint({ ...making, draw: drawText });
  } finally {
    release();
  }
}

function questionOf(
  { edition }: ApiContext,
  request: FastifyRequest,
  { viewer, language, question }: ChartAnswer,
): string {
  const [path = ''] = request.url.split('?', 1);
  const query = new URLSearchParams(
    Object.entries(request.query as Record<string, unknown>).map(([name, value]) => [
      name,
      String(value),
    ]),
  );
  query.sort();
  return [edition, path, query.toString(), viewer.key, language, question].join('\n');
}

const pictures: Readonly<Record<ChartFormat, z.ZodType>> = {
  svg: z.string().describe('SVG 1.1 without scripts and style sheets, with title and description.'),
  png: z.string().describe('The same picture, painted.'),
};

export function chartReplies(format: ChartFormat): Replies {
  const [type = ''] = mediaTypes[format].split(';', 1);
  return {
    200: {
      description: 'The picture.',
      headers: validatedHeaders,
      content: { [type]: { schema: pictures[format] } },
    },
    304: {
      description: 'The picture of this ETag is still true.',
      headers: validatedHeaders,
      properties: z.null(),
    },
    ...problemReplies([
      'API_CHART_TOO_MANY_SERIES',
      'API_TOO_MANY_CHARTS',
      'API_AS_OF_FUTURE',
      'API_UNAVAILABLE',
      'API_STATION_UNKNOWN',
    ]),
  };
}
