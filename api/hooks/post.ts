/** One request to a receiver: to the address that was looked up, without redirects, bounded in time and bytes. */
import { request as requestPlain, type RequestOptions } from 'node:http';
import { request as requestSecure } from 'node:https';
import { isIP } from 'node:net';

import type { Clock } from '../../devices/clock.ts';
import { apiError } from '../errors.ts';
import { hostOf } from './address.ts';

export interface PostRequest {
  readonly url: URL;
  /** Of the host, as it was looked up and allowed. */
  readonly address: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  /** Bytes of the answer that are kept. */
  readonly answerBytesMax: number;
}

export interface PostAnswer {
  readonly status: number;
  readonly body: string;
  readonly retryAfter: string | undefined;
}

/** Rejects where there is no answer. */
export type Post = (request: PostRequest) => Promise<PostAnswer>;

export function createPost(clock: Clock): Post {
  return (asked) =>
    new Promise((resolve, reject) => {
      const { url, body } = asked;
      const send = url.protocol === 'https:' ? requestSecure : requestPlain;
      const sent = send(url, optionsOf(asked));
      const late = clock.schedule(asked.timeoutMs, () =>
        sent.destroy(apiError('API_WEBHOOK_TIMEOUT', { timeoutMs: asked.timeoutMs })),
      );
      let isAnswered = false;
      sent.once('error', reject);
      // Not every connection that ends without an answer tells of an error.
      sent.once('close', () => {
        late.cancel();
        if (!isAnswered) reject(apiError('API_WEBHOOK_NO_ANSWER'));
      });
      sent.once('upgrade', (_answer, socket) => {
        socket.destroy();
        reject(apiError('API_WEBHOOK_NO_ANSWER'));
      });
      sent.once('response', (answer) => {
        isAnswered = true;
        const chunks: Buffer[] = [];
        let bytes = 0;
        const finish = (): void => {
          resolve({
            status: answer.statusCode ?? 0,
            body: Buffer.concat(chunks).toString('utf8'),
            retryAfter: answer.headers['retry-after'],
          });
          sent.destroy();
        };
        answer.on('data', (chunk: Buffer) => {
          chunks.push(chunk.subarray(0, asked.answerBytesMax - bytes));
          bytes += chunk.length;
          if (bytes >= asked.answerBytesMax) finish();
        });
        answer.once('end', finish);
        answer.once('error', reject);
        // Behind its end this says nothing any more.
        answer.once('close', () => reject(apiError('API_WEBHOOK_NO_ANSWER')));
      });
      sent.end(body);
    });
}

function optionsOf({ url, address, headers, body }: PostRequest): RequestOptions {
  const family = isIP(address);
  const host = hostOf(url);
  return {
    method: 'POST',
    // A connection of its own: nothing of another receiver's is used again.
    agent: false,
    headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    lookup: (_host, options, done) => {
      if (options.all === true) done(null, [{ address, family }]);
      else done(null, address, family);
    },
    ...(isIP(host) === 0 ? { servername: host } : {}),
  };
}
