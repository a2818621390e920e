/** Answers of a reading API somewhere else, over connections that are kept. */
import { Agent, get as getPlainly, type RequestOptions } from 'node:http';
import { Agent as SecureAgent, get as getSecurely } from 'node:https';

import { compareError } from './errors.ts';

export interface AnswersOptions {
  /** For example `http://127.0.0.1:8080`. */
  readonly url: string;
  /** PEM of who signed the server's certificate, where that is nobody this machine knows. */
  readonly ca?: string | undefined;
  readonly connectionsMax: number;
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

/** Of silence. */
const waitMsMax = 60_000;
const itemsPerPage = 1_000;

interface Page {
  readonly items: readonly unknown[];
  readonly next: string | null;
  readonly cursor: string;
}

export function openAnswers({ url, ca, connectionsMax }: AnswersOptions): Answers {
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
      return JSON.parse(await readWhole(get, address, asking)) as unknown;
    } catch (error) {
      const problem = error instanceof Error ? error.message || error.name : String(error);
      throw compareError('API_COMPARE_UNANSWERED', { address, problem }, error);
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
        else reject(new Error(`it answered ${response.statusCode}`));
      });
    });
    request.on('timeout', () => request.destroy(new Error(`silent for ${waitMsMax} ms`)));
    request.on('error', reject);
  });
}
