/**
 * One polite reader with a connection of its own: asks again no sooner than `max-age` allows, with the
 * entity tag it holds, and comes back when it is told to. A follower keeps one stream open instead.
 */
import { Agent, request, type IncomingMessage } from 'node:http';

import type { Clock } from '../../../devices/clock.ts';
import type { Random } from '../../../devices/random.ts';
import type { Latencies } from '../../load/latency.ts';

export interface Tally {
  served: number;
  notModified: number;
  /** Told when to come back: 429 or 503 with Retry-After. */
  told: number;
  /** Anything else: another status, no Retry-After, a body that did not come to its end. */
  failed: number;
  bytes: number;
  events: number;
  /** Streams that are open now. */
  following: number;
  /** Of failures, by what it was. */
  readonly problems: Map<string, number>;
  readonly latencies: Latencies;
}

export interface ReaderOptions {
  readonly port: number;
  /** Of this machine. */
  readonly localAddress: string;
  /** The address that the proxy in front says it comes from. */
  readonly client: string;
  readonly path: string;
  readonly follows: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly tally: Tally;
}

export interface Reader {
  close(): void;
}

const retryMs = 5_000;
/** Of a page that says nothing of its age: a person looks again after a minute. */
const pageMs = 60_000;

export function openReader(options: ReaderOptions): Reader {
  const { clock, random, tally, port, path, localAddress, client } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let etag: string | undefined;
  let isOpen = true;

  function fail(problem: string): void {
    tally.failed += 1;
    tally.problems.set(problem, (tally.problems.get(problem) ?? 0) + 1);
    again(retryMs);
  }

  function again(afterMs: number): void {
    if (isOpen) clock.schedule(afterMs * (1 + 0.2 * random.next()), ask);
  }

  function ask(): void {
    if (!isOpen) return;
    const beganMs = clock.monotonicMs();
    const headers: Record<string, string> = { 'x-forwarded-for': client, 'accept-encoding': 'br' };
    if (etag !== undefined) headers['if-none-match'] = etag;
    const asking = request({ host: '127.0.0.1', port, path, agent, localAddress, headers });
    // A kept connection may end just as it is used again (RFC 9110 §9.2.2): asked once more at once.
    asking.once('error', (error: Error & { code?: string }) => {
      if (!isOpen) return;
      if (asking.reusedSocket && error.code === 'ECONNRESET') ask();
      else fail(error.code ?? error.message);
    });
    asking.once('response', (answer) => (options.follows ? follow : take)(answer, beganMs));
    asking.end();
  }

  function take(answer: IncomingMessage, beganMs: number): void {
    answer.on('data', (chunk: Buffer) => (tally.bytes += chunk.length));
    answer.once('error', () => undefined);
    answer.once('close', () => {
      if (!isOpen) return;
      if (!answer.complete) return fail('cut');
      tally.latencies.add(clock.monotonicMs() - beganMs);
      settle(answer);
    });
  }

  function settle({ statusCode: status = 0, headers }: IncomingMessage): void {
    if (status === 429 || status === 503) {
      const seconds = Number(headers['retry-after'] ?? Number.NaN);
      if (!(seconds > 0)) return fail(`${status} without Retry-After`);
      tally.told += 1;
      return again(seconds * 1_000);
    }
    if (status !== 200 && status !== 304) return fail(String(status));
    if (status === 304) tally.notModified += 1;
    else tally.served += 1;
    etag = headers['etag'] ?? etag;
    const maxAge = /max-age=(\d+)/.exec(headers['cache-control'] ?? '')?.[1];
    again(maxAge === undefined ? pageMs : Math.max(1, Number(maxAge)) * 1_000);
  }

  function follow(answer: IncomingMessage, beganMs: number): void {
    if (answer.statusCode !== 200) return take(answer, beganMs);
    tally.following += 1;
    tally.served += 1;
    answer.on('data', (chunk: Buffer) => {
      tally.bytes += chunk.length;
      tally.events += chunk.toString('latin1').split('event: change').length - 1;
    });
    answer.once('error', () => undefined);
    answer.once('close', () => {
      tally.following -= 1;
      if (isOpen) fail('stream ended');
    });
  }

  ask();
  return {
    close() {
      isOpen = false;
      agent.destroy();
    },
  };
}
