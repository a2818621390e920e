/**
 * How the client speaks: HTTP alone and without a key. It waits where it is told to, and comes again
 * where nobody answers or an answer was cut, as a program does that nobody looks after.
 */
import { createHash } from 'node:crypto';
import { sleep, type Clock } from '../../../devices/clock.ts';
import { BrokenPromise, keep } from './promise.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
}

export interface Wire {
  /** Any answer but "come again"; rejects with BrokenPromise after a minute without one. */
  ask(url: string, init?: RequestInit): Promise<Answer>;
  /** Of an answer 200. */
  json<Value>(url: string, headers?: Readonly<Record<string, string>>): Promise<Value>;
  readonly figures: { readonly questions: number; readonly waits: number; readonly breaks: number };
}

const answeredWithinMs = 60_000;
const retryMs = 250;

export function openWire(clock: Clock): Wire {
  const figures = { questions: 0, waits: 0, breaks: 0 };

  async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
    const untilMs = clock.monotonicMs() + answeredWithinMs;
    let last = 'nothing';
    while (clock.monotonicMs() < untilMs) {
      figures.questions += 1;
      try {
        const answer = await fetch(url, init);
        const bytes = Buffer.from(await answer.arrayBuffer());
        const { status, headers } = answer;
        if (status !== 429 && status !== 503) return { status, headers, bytes };
        figures.waits += 1;
        last = bytes.toString();
        await sleep(clock, Number(headers.get('retry-after') ?? 1) * 1_000);
      } catch (error) {
        // Nobody listens, or the answer was cut: fetch tells both by a TypeError.
        if (!(error instanceof TypeError)) throw error;
        figures.breaks += 1;
        last = `${error.message}: ${String(error.cause)}`;
        await sleep(clock, retryMs);
      }
    }
    throw new BrokenPromise('a server that is back answers', { url, last });
  }

  return {
    ask,
    figures,
    async json(url, headers = {}) {
      const { status, bytes } = await ask(url, { headers });
      keep('what is linked can be had', status === 200, () => [url, status, bytes.toString()]);
      return JSON.parse(bytes.toString()) as never;
    },
  };
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
