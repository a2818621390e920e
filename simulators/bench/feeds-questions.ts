/** Asks over the wire, with one kept connection, and times whole answers. */
import { Agent, request } from 'node:http';

import { Latencies } from '../load/latency.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: number;
  /** The beginning of it. */
  readonly text: string;
  /** To its first byte of the body, and to its end. */
  readonly firstMs: number;
  readonly wholeMs: number;
}

export interface Asker {
  ask(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Asks so often, one after the other; each must have the status. */
  time(
    path: string,
    times: number,
    expected: { readonly status: number; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<Timed>;
  close(): void;
}

export interface Timed {
  readonly latencies: Latencies;
  readonly first: Latencies;
  readonly last: Answer;
}

const textBytesMax = 4_096;

export function openAsker(port: number, nowMs: () => number): Asker {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });

  function ask(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const beganMs = nowMs();
    return new Promise((resolve, reject) => {
      const asking = request({ host: '127.0.0.1', port, path, headers, agent }, (answer) => {
        let firstMs = Number.NaN;
        let bytes = 0;
        let text = '';
        answer.on('data', (chunk: Buffer) => {
          if (bytes === 0) firstMs = nowMs() - beganMs;
          bytes += chunk.length;
          if (text.length < textBytesMax) text += chunk.toString('latin1', 0, textBytesMax);
        });
        answer.once('error', reject);
        answer.once('end', () => {
          const wholeMs = nowMs() - beganMs;
          const { statusCode: status = 0 } = answer;
          resolve({ status, headers: answer.headers, bytes, text, firstMs, wholeMs });
        });
      });
      asking.once('error', reject);
      asking.end();
    });
  }

  return {
    ask,
    async time(path, times, { status, headers = {} }) {
      const latencies = new Latencies();
      const first = new Latencies();
      let last = await ask(path, headers);
      for (let left = times; left > 0; left -= 1) {
        last = await ask(path, headers);
        if (last.status !== status) {
          throw new Error(`${path} answered ${last.status}: ${last.text.slice(0, 300)}`);
        }
        latencies.add(last.wholeMs);
        first.add(last.firstMs);
      }
      return { latencies, first, last };
    },
    close: () => agent.destroy(),
  };
}
