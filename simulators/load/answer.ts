/** Answers of the open API, read whole. */
import { get as getPlainly } from 'node:http';
import { get as getSecurely } from 'node:https';
import { defaultSimulatorsConfig } from '../config.ts';
import { simulatorsError } from '../errors.ts';
import type { Trust } from '../trust.ts';

/** Where the open API is: its address alone, for example `http://127.0.0.1:8080`, or more of it. */
export type Api =
  | string
  | {
      readonly url: string;
      /** Needed over HTTPS. */
      readonly trust?: Trust | undefined;
      /** Milliseconds of silence at which the answer is given up. */
      readonly answerMs: number;
    };

/** Throws SIMULATORS_API_FAILED for any answer but a good one. */
export async function readAnswer(api: Api, path: string): Promise<string> {
  const { url, trust, answerMs } =
    typeof api === 'string'
      ? { url: api, trust: undefined, answerMs: defaultSimulatorsConfig().answerMs }
      : api;
  const address = `${url}${path}`;
  try {
    return await readWhole(address, { ...trust, timeout: answerMs });
  } catch (error) {
    const problem = error instanceof Error ? error.message || error.name : String(error);
    throw simulatorsError('SIMULATORS_API_FAILED', { address, problem }, error);
  }
}

/** `fetch` takes no certificates, so this is Node's own client. */
function readWhole(
  address: string,
  options: Partial<Trust> & { readonly timeout: number },
): Promise<string> {
  const get = address.startsWith('https:') ? getSecurely : getPlainly;
  return new Promise((resolve, reject) => {
    const request = get(address, options, (response) => {
      const { statusCode: status = 0 } = response;
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        if (status >= 200 && status < 300) resolve(Buffer.concat(chunks).toString('utf8'));
        else reject(new Error(`the API answered ${status}`));
      });
    });
    request.on('timeout', () => request.destroy(new Error(`silent for ${options.timeout} ms`)));
    request.on('error', reject);
  });
}
