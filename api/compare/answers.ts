/** Answers of a reading API somewhere else, over connections that are kept. */
import { Agent, get as getPlainly, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as SecureAgent, get as getSecurely } from 'node:https';

import { sleep, type Clock } from '../../devices/clock.ts';
import { compareError } from './errors.ts';

export interface AnswersOptions {
  /** For example `http://127.0.0.1:8080`. */
  readonly url: string;
  /** PEM of who signed the server's certificate, where that is nobody this machine knows. */
  readonly ca?: string | undefined;
  readonly connectionsMax: number;
  readonly clock: Clock;
}

export interface Answers {
  /** The body of a good answer; API_COMPARE_UNANSWERED for any other. */
  read(path: string): Promise<unknown>;
  /** The items of a list, page after page; all pages are of one moment. */
  items(path: string): AsyncIterable<unknown>;
  /** Of the last list. */
  readonly cursor: string;
  close(): void;
}

/** Of silence, and of one time that a server asks to wait. */
const waitMsMax = 60_000;
/** How often one question is put to a server that asks to come again later. */
const triesMax = 6;
const itemsPerPage = 1_000;

interface Page {
  readonly items: readonly unknown[];
  readonly next: string | null;
  readonly cursor: string;
}

export function openAnswers({ url, ca, connectionsMax, clock }: AnswersOptions): Answers {
  const base = url.replace(/\/+$/, '');
  const isSecure = base.startsWith('https:');
  const pool = { keepAlive: true, maxSockets: connectionsMax };
  const agent = isSecure
    ? new SecureAgent({ ...pool, ...(ca === undefined ? {} : { ca }) })
    : new Agent(pool);
  const get = isSecure ? getSecurely : getPlainly;
  const asking: RequestOptions = { agent, timeout: waitMsMax };
  let cursor = '';

  async function read(path: string): Promise<unknown> {
    const address = `${base}/api/v1${path}`;
    try {
      return JSON.parse(await readPatiently(() => readWhole(get, address, asking))) as unknown;
    } catch (error) {
      const problem = error instanceof Error ? error.message || error.name : String(error);
      throw compareError('API_COMPARE_UNANSWERED', { address, problem }, error);
    }
  }

  /** A server that has too much to do says when it will have time. */
  async function readPatiently(readOnce: () => Promise<string>): Promise<string> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await readOnce();
      } catch (error) {
        if (!(error instanceof ComeLater) || tries >= triesMax) throw error;
        await sleep(clock, error.waitMs);
      }
    }
  }

  return {
    read,
    async *items(path) {
      const [list = ''] = path.split('?', 1);
      let next: string | null = `${path}${path.includes('?') ? '&' : '?'}limit=${itemsPerPage}`;
      while (next !== null) {
        const page = (await read(next)) as Page;
        ({ cursor } = page);
        yield* page.items;
        // The address may be the public one, which need not be how this platform is reached here.
        next = page.next === null ? null : list + page.next.slice(page.next.indexOf('?'));
      }
    },
    get cursor() {
      return cursor;
    },
    close: () => agent.destroy(),
  };
}

class ComeLater extends Error {
  readonly waitMs: number;
  constructor(status: number, waitMs: number) {
    super(`it answered ${status}`);
    this.waitMs = waitMs;
  }
}

/** Of 429 and 503: Retry-After in seconds (RFC 9110 §10.2.3), a second where it gives a date or nothing. */
function comeLater({ statusCode = 0, headers }: IncomingMessage): ComeLater | undefined {
  if (statusCode !== 429 && statusCode !== 503) return undefined;
  const { 'retry-after': told = '' } = headers;
  const seconds = /^\d{1,6}$/.test(told) ? Number(told) : 1;
  return new ComeLater(statusCode, Math.min(waitMsMax, seconds * 1_000));
}

function readWhole(
  get: typeof getPlainly,
  address: string,
  options: RequestOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(address, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'));
        else reject(comeLater(response) ?? new Error(`it answered ${response.statusCode}`));
      });
    });
    request.on('timeout', () => request.destroy(new Error(`silent for ${waitMsMax} ms`)));
    request.on('error', reject);
  });
}
