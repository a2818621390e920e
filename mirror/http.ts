/**
 * Questions to the server, politely: one after the other, as slowly as it asks for (Retry-After,
 * RateLimit), with what it said of unchanged answers, and again where it fails for a while.
 */
import { sleep, type Clock } from '../devices/clock.ts';
import { CodedError } from '../devices/coded-error.ts';
import { mirrorError } from './errors.ts';

export interface Server {
  /** The answer of a status that is no reason to ask again: 2xx, 304 and refusals. */
  ask(path: string, options?: { readonly etag?: string | undefined }): Promise<Answer>;
  /**
   * The objects of an NDJSON list, to its end mark. Throws CutShort where it was cut; whoever took
   * objects of it begins anew. Throws NotThere where there is nothing of that name (404).
   */
  lines(path: string): AsyncGenerator<unknown>;
}

export interface Answer {
  readonly status: number;
  readonly etag: string;
  readonly body: Buffer;
  readonly path: string;
}

/** A stream that has no end mark: its part is worth nothing. */
export class CutShort extends Error {}

/** What a list is asked of is not there, or not visible any more. */
export class NotThere extends Error {}

/** Bounds of what a server may give: beyond them its answer is none. */
export interface AnswerBounds {
  /** Of one answer that is taken whole, unpacked. */
  readonly bodyBytesMax: number;
  readonly lineBytesMax: number;
}

export const answerBounds: AnswerBounds = {
  bodyBytesMax: 256 * 1_048_576,
  lineBytesMax: 1_048_576,
};

export interface ServerOptions {
  readonly bounds?: AnswerBounds;

  /** For example `https://data.example.vn`. */
  readonly url: string;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  /** Tries of one question before the mirror gives up. */
  readonly triesMax: number;
  readonly onWait: (wait: {
    readonly path: string;
    readonly waitMs: number;
    problem: string;
  }) => void;
}

const silenceMsMax = 60_000;
const waitMsMin = 500;
const waitMsMax = 300_000;

export function openServer(options: ServerOptions): Server {
  const { triesMax, bounds = answerBounds } = options;
  const base = `${options.url.replace(/\/+$/, '')}/api/v1`;
  const caller: Caller = { ...options, base, notBeforeMs: 0 };
  return {
    async ask(path, { etag = '' } = {}) {
      const headers: Record<string, string> = etag === '' ? {} : { 'if-none-match': etag };
      for (let tries = 1; ; tries++) {
        const { answer, alive, end } = await callGood(caller, path, headers);
        try {
          const body = await bodyOf(answer, bounds.bodyBytesMax, alive);
          return { status: answer.status, etag: answer.headers.get('etag') ?? '', body, path };
        } catch (error) {
          if (error instanceof TooLong || tries >= triesMax)
            throw unanswered(base + path, messageOf(error));
        } finally {
          end();
        }
      }
    },
    async *lines(path) {
      const { answer, alive, end } = await callGood(caller, path, {});
      try {
        if (answer.status !== 200) {
          const whole = await bodyOf(answer, bounds.bodyBytesMax, alive);
          if (answer.status === 404) throw new NotThere(base + path);
          const body = whole.toString('utf8').slice(0, 300);
          throw unanswered(base + path, `it answered ${answer.status}: ${body}`);
        }
        yield* linesOf(answer, bounds.lineBytesMax, alive);
      } finally {
        end();
      }
    },
  };
}

/** Longer than the bounds say: asked again, it would be as long. */
class TooLong extends Error {}

async function bodyOf(answer: Response, bytesMax: number, alive: () => void): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    alive();
    bytes += chunk.length;
    if (bytes > bytesMax) throw new TooLong(`the answer has more than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

interface Caller extends ServerOptions {
  readonly base: string;
  /** The server has asked for rest until then. */
  notBeforeMs: number;
}

/** An answer whose head is here; whoever takes its body says so whenever some of it comes. */
interface Call {
  readonly answer: Response;
  readonly alive: () => void;
  readonly end: () => void;
}

async function call(
  caller: Caller,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Call> {
  const { clock, base } = caller;
  const restMs = caller.notBeforeMs - clock.monotonicMs();
  if (restMs > 0) await sleep(clock, restMs);
  const abort = new AbortController();
  const watch = () =>
    clock.schedule(silenceMsMax, () => abort.abort(new Error(`silent for ${silenceMsMax} ms`)));
  let silence = watch();
  const alive = (): void => {
    silence.cancel();
    silence = watch();
  };
  try {
    const answer = await fetchNear(caller, base + path, { headers, signal: abort.signal });
    caller.notBeforeMs = clock.monotonicMs() + restOf(answer.headers);
    return { answer, alive, end: () => silence.cancel() };
  } catch (error) {
    silence.cancel();
    throw error;
  }
}

/**
 * Follows one redirect, as a node gives it that does not publish itself (307): to the same path with
 * the same scheme and the same name of the host; another port may be another node. Whatever else it
 * points to is not asked: it may stand where only this machine can reach.
 */
async function fetchNear(
  { fetch: fetchFrom }: Caller,
  address: string,
  init: RequestInit,
): Promise<Response> {
  const answer = await fetchFrom(address, { ...init, redirect: 'manual' });
  if (!pointsOn(answer)) return answer;
  await answer.body?.cancel();
  const text = answer.headers.get('location') ?? '';
  const to = answer.status === 307 ? nearOf(address, text) : undefined;
  if (to === undefined) {
    const where = text.slice(0, 300);
    const problem = `it points to ${where}, which is not the same host: mirror that address`;
    throw unanswered(address, problem);
  }
  const there = await fetchFrom(to, { ...init, redirect: 'manual' });
  if (!pointsOn(there)) return there;
  await there.body?.cancel();
  throw unanswered(to, 'it points on, though it was pointed to');
}

function pointsOn({ status }: Response): boolean {
  return status >= 300 && status < 400 && status !== 304;
}

/** Undefined where it is not the same path of the same host. */
function nearOf(address: string, location: string): string | undefined {
  if (!URL.canParse(location, address)) return undefined;
  const from = new URL(address);
  const to = new URL(location, address);
  const placeOf = ({ protocol, hostname, username, pathname, search }: URL): string =>
    JSON.stringify([protocol, hostname, username, pathname, search]);
  return placeOf(to) === placeOf(from) ? to.href : undefined;
}

/** Asks until the status is one to act upon. */
async function callGood(
  caller: Caller,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Call> {
  for (let tries = 1; ; tries++) {
    const backOffMs = Math.min(waitMsMax, waitMsMin * 2 ** tries);
    const failed = await callOnce(caller, path, headers);
    if ('answer' in failed) return failed;
    if (tries >= caller.triesMax) throw unanswered(caller.base + path, failed.problem);
    const waitMs = Math.max(waitMsMin, failed.waitMs ?? backOffMs);
    caller.onWait({ path, waitMs, problem: failed.problem });
    await sleep(caller.clock, waitMs);
  }
}

async function callOnce(
  caller: Caller,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Call | { readonly problem: string; readonly waitMs?: number | undefined }> {
  try {
    const begun = await call(caller, path, headers);
    const { status } = begun.answer;
    if (status !== 429 && status < 500) return begun;
    begun.end();
    await begun.answer.body?.cancel();
    return { problem: `it answered ${status}`, waitMs: retryAfterMs(begun.answer.headers) };
  } catch (error) {
    if (error instanceof CodedError) throw error;
    return { problem: messageOf(error) };
  }
}

async function* linesOf(
  answer: Response,
  lineBytesMax: number,
  alive: () => void,
): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = '';
  let isComplete = false;
  try {
    for await (const chunk of answer.body ?? []) {
      alive();
      const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = parts.pop() ?? '';
      if (rest.length > lineBytesMax) {
        throw unanswered(answer.url, `it gives a line of more than ${lineBytesMax} characters`);
      }
      for (const part of parts) {
        const value = JSON.parse(part) as { readonly complete?: boolean };
        if (value.complete === undefined) yield value;
        else isComplete = value.complete;
      }
    }
  } catch (error) {
    // A line that is half there, or a connection that ended: both are a stream without its end.
    if (error instanceof SyntaxError || error instanceof TypeError) {
      throw new CutShort(messageOf(error), { cause: error });
    }
    throw error;
  }
  if (!isComplete || rest !== '') throw new CutShort('the list has no end mark');
}

function unanswered(address: string, problem: string): Error {
  return mirrorError('MIRROR_SERVER_UNANSWERED', { address, problem });
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

/** Seconds (RFC 9110 §10.2.3); a date is passed over, and the wait is our own. */
function retryAfterMs(headers: Headers): number | undefined {
  const text = headers.get('retry-after');
  if (text === null || !/^\d{1,6}$/.test(text)) return undefined;
  return Math.min(waitMsMax, Number(text) * 1_000);
}

/** How long to rest where the quota is used up: `RateLimit: "default";r=0;t=30`. */
function restOf(headers: Headers): number {
  const parts = headers.get('ratelimit')?.split(';') ?? [];
  const valueOf = (name: string): number | undefined => {
    const found = parts.find((part) => part.trim().startsWith(`${name}=`))?.split('=')[1];
    return found === undefined || !/^\d{1,6}$/.test(found.trim()) ? undefined : Number(found);
  };
  const left = valueOf('r');
  const resetSeconds = valueOf('t');
  if (left === undefined || left > 0 || resetSeconds === undefined) return 0;
  return Math.min(waitMsMax, resetSeconds * 1_000);
}
