/**
 * Answers with a list: validators, cursor and caching first, then the list itself. A short list is
 * sent whole; a longer one step by step, with other requests answered between the steps, never more
 * than a step ahead of its reader, and cut without its end when the reader stops taking.
 */
import { Readable } from 'node:stream';

import type { FastifyReply, FastifyRequest } from 'fastify';

import { countRows } from './access/meter.ts';
import type { ApiContext } from './context.ts';
import { isPaged, mediaTypes, type Format } from './formats/format.ts';
import { csvwText, csvwType } from './formats/csvw.ts';
import { createListWriter } from './formats/list-writer.ts';
import type { Table } from './formats/table.ts';
import { addLink, csvwLink, describedCsv, nextLink } from './limits/links.ts';
import {
  createPlace,
  openStream,
  streamOf,
  takeShort,
  type AnswerPlace,
  type ListTail,
} from './limits/long-answers.ts';
import { turnMs } from './limits/turns.ts';
import { createPageTokens, type PagePlace, type PageTokens } from './page.ts';
import type { Moment, Pins } from '../ingest/feed/places/places.ts';
import { matchTag, tagOf, type AnswerVersion } from './validator.ts';
import type { Viewer } from './viewer.ts';

export interface ListAnswer<Item> {
  readonly question: Question;
  readonly table: Table<Item>;
  /** What the list is true at. */
  readonly moment: Moment;
  /** Where changes join, where not at the moment; empty: nowhere that can be followed any longer. */
  readonly joinCursor?: string;
  /** Field `Link` beyond that of the request; known before the body. */
  readonly links?: string;
  /** Of the data, for caching; undefined where there are none. */
  readonly intervalMs: number | undefined;
  /** Seconds UTC at which ages were computed; 0 without ages. */
  readonly madeAtSeconds: number;
  /** Whether nothing of the list has changed since an earlier moment. */
  readonly unchangedSince: (pins: Pins) => boolean;
  /** Steps of items, each made in a few milliseconds; in the end the next page's place or null. */
  readonly steps: Steps<Item>;
}

type Steps<Item> =
  | Generator<readonly Item[], PagePlace | null>
  | AsyncGenerator<readonly Item[], PagePlace | null>;

/** A request as far as its answer depends on it. */
export interface Question {
  readonly format: Format;
  readonly viewer: Viewer;
  readonly isLimited: boolean;
  /** With a limit or a page: not the whole list. */
  readonly isPart: boolean;
  /** May be of any length: it needs a place among the long answers from its beginning. */
  readonly isLong: boolean;
  readonly registryVersion: number;
  readonly text: string;
  /** This server as the client reaches it. */
  readonly base: string;
  /** What the columns of the CSV mean is wanted, not the list. */
  readonly isAboutCsv: boolean;
  readonly tokens: PageTokens;
  nextUrl(token: string): string;
}

export function readQuestion(
  context: ApiContext,
  request: FastifyRequest,
  wish: Pick<Question, 'format' | 'viewer' | 'isAboutCsv'>,
): Question {
  const base = baseUrl(context, request);
  const [path = ''] = request.url.split('?', 1);
  const query = new URLSearchParams(
    Object.entries(request.query as Record<string, unknown>).map(([name, value]) => [
      name,
      String(value),
    ]),
  );
  query.sort();
  const isLimited = query.has('limit');
  const page = query.get('page') ?? '';
  const limit = query.get('limit') ?? '';
  query.delete('page');
  query.delete('limit');
  const asked = [path, query.toString(), wish.format, wish.viewer.key].join('\n');
  return {
    ...wish,
    isLimited,
    isPart: isLimited || page !== '',
    isLong: !isPaged(wish.format) || Number(limit) > context.config.rowsPerPageDefault,
    registryVersion: context.networks.version,
    base,
    text: [context.edition, base, asked, limit, page].join('\n'),
    tokens: createPageTokens(context.storeId, base, asked),
    nextUrl(token) {
      const next = new URLSearchParams(query);
      if (isLimited) next.set('limit', limit);
      next.set('page', token);
      return `${base}${path}?${next.toString()}`;
    },
  };
}

/** As the client sees this server; empty, so relative, where the Host header is no host. */
export function baseUrl(context: ApiContext, request: FastifyRequest): string {
  if (context.config.publicUrl !== undefined) return context.config.publicUrl.replace(/\/+$/, '');
  const host = request.host;
  return /^[A-Za-z0-9.[\]:_-]{1,255}$/.test(host) ? `${request.protocol}://${host}` : '';
}

export async function answerList<Item>(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: ListAnswer<Item>,
): Promise<FastifyReply> {
  const begun = beginList(context, request, reply, answer);
  if (begun !== undefined) return begun;
  const { question, steps, table } = answer;
  if (!question.isAboutCsv) return sendList(context, reply, answer);
  await steps.return(null);
  const url = describedCsv(question.base, request.url);
  return reply.send(csvwText({ ...question, url, ...table }));
}

/** Headers, and the whole answer where it needs no body: 304, or HEAD. */
export function beginList<Item>(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: ListHead<Item>,
): FastifyReply | undefined {
  const { question } = answer;
  const cacheSeconds = cacheSecondsOf(context, answer.intervalMs);
  const version = versionOf(answer);
  const cursor = cursorOf(answer);
  setHeaders(reply, question, { cacheSeconds, cursor });
  addLink(reply, answer.links ?? '');
  if (question.format === 'csv' && !question.isAboutCsv) {
    addLink(reply, csvwLink(question.base, request.url));
  }
  const tag = matchedTag(context, request, answer);
  if (tag !== undefined) {
    return reply.code(304).header('etag', tag).removeHeader('content-type').send();
  }
  reply.header('etag', tagOf(version));
  if (request.method === 'HEAD') return reply.send(Readable.from([]));
  return undefined;
}

/** What of a list its headers tell. */
type ListHead<Item> = Omit<ListAnswer<Item>, 'steps' | 'table'>;

/** Whether the client names a tag of the list that is still true: it was right, then, to ask for it. */
export function hasList<Item>(
  context: ApiContext,
  request: FastifyRequest,
  head: ListHead<Item>,
): boolean {
  return !namesAny(request) && matchedTag(context, request, head) !== undefined;
}

/** `*` stands for whatever there is, and says nothing of whether there is any. */
export function namesAny({ headers }: FastifyRequest): boolean {
  return headers['if-none-match']?.trim() === '*';
}

function matchedTag<Item>(
  context: ApiContext,
  request: FastifyRequest,
  head: ListHead<Item>,
): string | undefined {
  return matchTag(request.headers['if-none-match'], versionOf(head), {
    unchangedSince: isStillTrue(context, head.moment, head.unchangedSince),
    ageSecondsMax: cacheSecondsOf(context, head.intervalMs),
  });
}

function cursorOf<Item>({
  moment,
  joinCursor,
}: Pick<ListAnswer<Item>, 'moment' | 'joinCursor'>): string {
  return joinCursor ?? moment.cursor;
}

export function versionOf<Item>({
  question,
  moment,
  madeAtSeconds,
}: Pick<ListAnswer<Item>, 'question' | 'moment' | 'madeAtSeconds'>): AnswerVersion {
  const { text, registryVersion } = question;
  return { question: text, moment: moment.tag, registryVersion, madeAtSeconds };
}

/** Whether what was true at the moment of a tag still is. */
export function isStillTrue(
  { places }: ApiContext,
  moment: Moment,
  unchangedSince: (pins: Pins) => boolean,
): (tag: string) => boolean {
  return (tag) => {
    const pins = places.pinsBefore(tag, moment);
    return pins !== undefined && unchangedSince(pins);
  };
}

function nextUrlOf<Item>({ question, moment }: ListAnswer<Item>, place: PagePlace): string {
  return question.nextUrl(question.tokens.encode({ pin: moment.pin, place }));
}

function setHeaders(
  reply: FastifyReply,
  question: Question,
  { cacheSeconds, cursor }: { readonly cacheSeconds: number; readonly cursor: string },
): void {
  const isPublic = question.viewer.principal === 'anonymous';
  reply.headers({
    'content-type': question.isAboutCsv
      ? `${csvwType}; charset=utf-8`
      : mediaTypes[question.format],
    'cache-control': `${isPublic ? 'public' : 'private'}, max-age=${cacheSeconds}`,
    vary: 'accept, accept-encoding, authorization',
    ...(cursor === ''
      ? { 'quantrac-cursor-missing': 'API_CURSOR_EXPIRED' }
      : { 'quantrac-cursor': cursor }),
  });
}

/** A tenth of the shortest reporting interval: what is older may have been reported anew. */
export function cacheSecondsOf(context: ApiContext, intervalMs: number | undefined): number {
  const { cacheSecondsMax } = context.config;
  if (intervalMs === undefined) return cacheSecondsMax;
  return Math.min(cacheSecondsMax, Math.max(1, Math.floor(intervalMs / 10_000)));
}

async function sendList<Item>(
  context: ApiContext,
  reply: FastifyReply,
  answer: ListAnswer<Item>,
): Promise<FastifyReply> {
  // What has no bound takes its place before any work is done for it.
  const place = createPlace(context, reply.request);
  try {
    if (answer.question.isLong) place.take();
    return await sendFrom(context, reply, answer, place);
  } catch (error) {
    place.release();
    await answer.steps.return(null);
    reply.removeHeader('etag').removeHeader('cache-control');
    throw error;
  }
}

async function sendFrom<Item>(
  context: ApiContext,
  reply: FastifyReply,
  answer: ListAnswer<Item>,
  place: AnswerPlace,
): Promise<FastifyReply> {
  const { question } = answer;
  const cursor = cursorOf(answer);
  const steps = countSteps(context, reply.request, answer.steps);
  const writer = createListWriter(question.format, answer.table);
  const end: ListTail = {
    chunks: (next) => {
      end.next = next === null ? null : nextUrlOf(answer, next);
      return writer.end({ next: end.next, cursor });
    },
    next: null,
  };
  const start = await takeShort(context, writer, steps, { end, place });
  const hasTrailers = question.format === 'csv' && announceTrailers(reply, question);
  const atEnd = hasTrailers ? () => reply.raw.addTrailers(trailersOf(question, end)) : doNothing;
  if (start.isWhole) {
    const whole = Buffer.concat(start.chunks);
    place.release();
    if (end.next !== null) addLink(reply, nextLink(end.next));
    atEnd();
    // Trailers need chunks, so a stream, however short.
    return reply.send(hasTrailers ? Readable.from([whole]) : whole);
  }
  place.take();
  const chunks = streamOf(place, writer, steps, { start: start.chunks, end, atEnd });
  return reply.send(openStream(context, chunks, place));
}

function doNothing(): void {}

/** The same steps, each of them counted as soon as it is made: what is cut is paid for too. */
async function* countSteps<Item>(
  { clock, gate }: ApiContext,
  request: FastifyRequest,
  steps: Steps<Item>,
): AsyncGenerator<readonly Item[], PagePlace | null> {
  try {
    for (;;) {
      const startMs = clock.monotonicMs();
      const { done, value } = await steps.next();
      // A step takes milliseconds of the thread; what it waited for besides kept nobody.
      const ms = Math.min(turnMs, clock.monotonicMs() - startMs);
      const rows = done === true ? 0 : value.length;
      gate.countWork(request, { rows, ms });
      if (done === true) return value;
      countRows(request, rows);
      yield value;
    }
  } finally {
    await steps.return(null);
  }
}

export const completeTrailer = 'Quantrac-Complete';
const nextTrailer = 'Quantrac-Next';

/**
 * Names the trailers that will come (RFC 9110 §6.6.2, a list with commas, which Fastify's own
 * trailers lack). False in HTTP/1.0, which has no chunks and so no trailers.
 */
export function announceTrailers(reply: FastifyReply, question: Question): boolean {
  if (reply.request.raw.httpVersion === '1.0') return false;
  const names = question.isLimited ? [completeTrailer, nextTrailer] : [completeTrailer];
  reply.header('trailer', names.join(', '));
  return true;
}

/** Only of a list that came to its end. */
function trailersOf(question: Question, { next }: ListTail): Record<string, string> {
  const complete = { [completeTrailer]: next === null ? 'true' : 'false' };
  return question.isLimited ? { ...complete, [nextTrailer]: next ?? '' } : complete;
}
