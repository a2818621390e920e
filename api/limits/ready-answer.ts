/**
 * Lists that many ask for: their bodies are made once, and whoever asks the same at the same moment
 * is sent the same bytes, compressed already.
 */
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';

import type { FastifyReply, FastifyRequest } from 'fastify';

import {
  announceTrailers,
  answerList,
  beginList,
  completeTrailer,
  versionOf,
  type ListAnswer,
  type Question,
} from '../answer.ts';
import type { ApiContext } from '../context.ts';
import { countRows } from '../access/meter.ts';
import { createListWriter } from '../formats/list-writer.ts';
import type { Chunk } from '../formats/table.ts';
import { tagOf } from '../validator.ts';
import { chooseEncoding } from './encoding.ts';
import type { Ready } from './ready-bodies.ts';
import { turnMs } from './turns.ts';

/** Lists that are longer are streamed to each who asks. */
const sharedItemsMax = 50_000;
/** From so many items on a list may be a second old when many ask for it. */
const longItems = 100;
/** As where the compressor begins. */
const compressedBytesMin = 1_024;

/** A list that many ask for: its body is made once for all who ask the same at the same moment. */
export interface SharedAnswer<Item> extends ListAnswer<Item> {
  /** How many there are, at most. */
  readonly items: number;
}

/** As `answerList`, of a question without `limit` and `page`; `prepare` is not asked while it is hot. */
export async function answerShared<Item>(
  context: ApiContext,
  list: {
    readonly request: FastifyRequest;
    readonly reply: FastifyReply;
    readonly question: Question;
  },
  prepare: () => Promise<SharedAnswer<Item>>,
): Promise<FastifyReply> {
  const { request, reply, question } = list;
  const { text, registryVersion } = question;
  if (question.isPart || question.isAboutCsv)
    return answerList(context, request, reply, await prepare());
  const hot = context.bodies.hot<SharedAnswer<Item>>(text, registryVersion);
  const answer = hot?.answer ?? (await prepare());
  if (answer.items > sharedItemsMax) return answerList(context, request, reply, answer);
  const begun = beginList(context, request, reply, answer);
  if (begun !== undefined) return begun;
  const version = {
    question: text,
    registryVersion,
    tag: tagOf(versionOf(answer)),
    // A shared answer is of all that this node holds, so the pin of every series is its position.
    sequence: [registryVersion, answer.moment.pinOf(0), answer.madeAtSeconds],
    isLong: answer.items >= longItems,
  };
  const ready =
    hot ??
    context.bodies.of(version, answer, (each) => {
      context.gate.countRows(request, each.items);
      return writeWhole(context, each);
    });
  countRows(request, answer.items);
  return sendReady(reply, question, ready);
}

async function writeWhole<Item>(
  context: ApiContext,
  { question, table, steps, moment }: ListAnswer<Item>,
): Promise<Buffer> {
  const writer = createListWriter(question.format, table);
  const parts: Chunk[] = [...writer.begin()];
  let pauseAtMs = context.clock.monotonicMs() + turnMs;
  for (;;) {
    const { done, value } = await steps.next();
    if (done === true) break;
    parts.push(...writer.write(value));
    if (context.clock.monotonicMs() < pauseAtMs) continue;
    await setImmediate();
    pauseAtMs = context.clock.monotonicMs() + turnMs;
  }
  parts.push(...writer.end({ next: null, cursor: moment.cursor }));
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
}

async function sendReady(
  reply: FastifyReply,
  question: Question,
  ready: Ready<unknown>,
): Promise<FastifyReply> {
  const encoding = chooseEncoding(reply.request.headers['accept-encoding']);
  let body = await ready.body();
  if (encoding !== undefined && body.length >= compressedBytesMin) {
    body = await ready.encoded(encoding);
    reply.header('content-encoding', encoding);
  }
  if (question.format !== 'csv' || !announceTrailers(reply, question)) return reply.send(body);
  reply.raw.addTrailers({ [completeTrailer]: 'true' });
  return reply.send(Readable.from([body]));
}
