/**
 * Asks this server the question that is to be cited, through its own routes, as the same viewer and
 * pinned to a moment: what is cited is what anyone who asks gets.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';

import { apiError, badParameter } from '../errors.ts';

export interface Question {
  readonly path: string;
  readonly query: URLSearchParams;
}

export interface Asked extends Question {
  /** The moment of `asOf`, or undefined where the address takes none. */
  readonly pinnedAt: number | undefined;
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly cursor: string | null;
}

/** A refusal of the question itself, to be given on as it is. */
export interface Refusal {
  readonly status: number;
  readonly mediaType: string;
  readonly body: Buffer;
}

/** Who asks; the inner question comes from the same, for its quota and the addresses in its answer. */
export interface Caller {
  readonly authorization: string | undefined;
  /** Of the connection. */
  readonly remoteAddress: string | undefined;
  /** That say which server was asked, and through whom. */
  readonly headers: Readonly<Record<string, string>>;
}

const passedOn = [
  'host',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
] as const;

export function callerOf({ headers, socket }: FastifyRequest): Caller {
  const given = passedOn.flatMap((name) => {
    const value = headers[name];
    return value === undefined ? [] : [[name, String(value)] as const];
  });
  const { authorization } = headers;
  return {
    authorization,
    remoteAddress: socket.remoteAddress,
    headers: Object.fromEntries(given),
  };
}

export interface AskOptions {
  readonly app: FastifyInstance;
  readonly caller: Caller;
  readonly now: number;
  readonly bytesMax: number;
}

const rowsPath =
  /^\/api\/v1\/((observations|latest|aggregates)(\.[a-z]{1,12})?|observations\/[^/]+)$/;
const filePath = /^\/api\/v1\/files\/([^/]+)\/([^/]+)\/([^/]+)$/;

/** Throws API_PARAMETER_INVALID for what is no address of rows or of a file here. */
export function readUrl(text: string, base: string): Question {
  const whole = URL.canParse(text, 'http://here') ? new URL(text, 'http://here') : null;
  const isHere = text.startsWith('/') || (base !== '' && text.startsWith(`${base}/`));
  if (whole === null || !isHere || text.startsWith('//')) throw invalidUrl();
  const { pathname: path, searchParams: query } = whole;
  if (!rowsPath.test(path) && !filePath.test(path)) throw invalidUrl();
  return { path, query };
}

function invalidUrl(): Error {
  return badParameter(
    'url',
    'a GET of /api/v1/observations, latest or aggregates here, or a file of /api/v1/files',
  );
}

/** Dataset, month and name of a file; undefined where it is none. */
export function readFilePath(
  path: string,
): { readonly dataset: string; readonly month: string; readonly name: string } | undefined {
  const [, dataset, month, name] = (filePath.exec(path) ?? []).map((part) => decoded(part));
  if (dataset === undefined || month === undefined || name === undefined) return undefined;
  return { dataset, month, name };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalidUrl();
  }
}

/** Throws API_CITATION_TOO_LARGE, or the error of an answer that was cut. */
export async function ask(question: Question, options: AskOptions): Promise<Asked | Refusal> {
  const { path, query } = question;
  const isPinned =
    ['asOf', 'at', 'page'].some((name) => query.has(name)) || /\/observations\//.test(path);
  if (isPinned) return askOnce(question, undefined, options);
  const pinned = new URLSearchParams(query);
  pinned.set('asOf', new Date(options.now).toISOString());
  const answer = await askOnce({ path, query: pinned }, options.now, options);
  const takesNone =
    'status' in answer && answer.status === 400 && /"parameter":"asOf"/.test(String(answer.body));
  return takesNone ? askOnce(question, undefined, options) : answer;
}

async function askOnce(
  { path, query }: Question,
  pinnedAt: number | undefined,
  { app, caller, bytesMax }: AskOptions,
): Promise<Asked | Refusal> {
  const text = query.toString();
  const { authorization, remoteAddress } = caller;
  const answer = await app.inject({
    method: 'GET',
    // Where the client is gone already, nobody: it is counted with all of whom nothing is known.
    remoteAddress: remoteAddress ?? 'unknown',
    url: text === '' ? path : `${path}?${text}`,
    headers: {
      ...caller.headers,
      'accept-encoding': 'identity',
      ...(authorization === undefined ? {} : { authorization }),
    },
    payloadAsStream: true,
  });
  const bytes = await take(answer.stream(), bytesMax);
  const mediaType = String(answer.headers['content-type'] ?? 'application/octet-stream');
  if (answer.statusCode !== 200) return { status: answer.statusCode, mediaType, body: bytes };
  const cursor = answer.headers['quantrac-cursor'];
  return {
    path,
    query,
    pinnedAt,
    bytes,
    mediaType,
    cursor: typeof cursor === 'string' ? cursor : null,
  };
}

/** A stream that is cut fails; one that is too long is ended at once. */
async function take(stream: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of stream) {
    bytes += part.length;
    if (bytes > bytesMax) throw apiError('API_CITATION_TOO_LARGE', { parameter: 'url', bytesMax });
    parts.push(part);
  }
  return Buffer.concat(parts);
}
