/**
 * One action of CKAN's API. Only an answer in CKAN's own envelope (`success`, `result`, `error`) is
 * taken for one: a proxy's page with 404 must never pass for "there is no such package".
 */
import type { Resolve } from '../hooks/address.ts';
import { hostOf } from '../hooks/address.ts';
import type { Post, PostAnswer } from '../hooks/post.ts';
import { apiError } from '../errors.ts';

export interface CkanCallOptions {
  /** Of the portal, without `/api/3/action`. */
  readonly url: string;
  /** Read for each call: a new key needs no restart. */
  readonly readKey: () => Promise<string>;
  readonly resolve: Resolve;
  readonly post: Post;
  readonly timeoutMs: number;
  readonly answerBytesMax: number;
}

/** What CKAN said: its result, that there is no such thing, or that it does not want this. */
export type CkanAnswer =
  | { readonly outcome: 'done'; readonly result: unknown; readonly text: string }
  | { readonly outcome: 'unknown'; readonly text: string }
  | { readonly outcome: 'invalid'; readonly text: string };

export type CkanCall = (action: string, body: object) => Promise<CkanAnswer>;

const textCharactersMax = 1_000;

/** Rejects API_PORTAL_AWAY for everything that is no answer of CKAN about the matter. */
export function createCkanCall(options: CkanCallOptions): CkanCall {
  return async (action, body) => {
    const answer = await send(options, action, body);
    const text = answer.body.slice(0, textCharactersMax);
    const envelope = readEnvelope(answer.body);
    const away = (reason: string) => apiError('API_PORTAL_AWAY', { action, reason, answer: text });
    if (envelope === undefined) throw away(`status ${answer.status} without CKAN's envelope`);
    const isOk = answer.status >= 200 && answer.status < 300;
    if (envelope.success && isOk) return { outcome: 'done', result: envelope.result, text };
    if (envelope.type === 'Not Found Error') return { outcome: 'unknown', text };
    if (envelope.type === 'Validation Error') return { outcome: 'invalid', text };
    // A wrong key can be made right; a fault, a lock or too many calls pass.
    throw away(`status ${answer.status} ${envelope.type}`);
  };
}

async function send(options: CkanCallOptions, action: string, body: object): Promise<PostAnswer> {
  const { resolve, post, readKey, timeoutMs, answerBytesMax } = options;
  const url = new URL(`${options.url.replace(/\/+$/, '')}/api/3/action/${action}`);
  try {
    const key = await readKey();
    const [address] = await resolve(hostOf(url));
    if (address === undefined) throw new Error('the name of the portal has no address');
    return await post({
      url,
      address,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        authorization: key,
        'user-agent': 'quantrac-outbox/1',
      },
      body: JSON.stringify(body),
      timeoutMs,
      answerBytesMax,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'no answer';
    throw apiError('API_PORTAL_AWAY', { action, reason }, error);
  }
}

interface Envelope {
  readonly success: boolean;
  readonly result: unknown;
  readonly type: string;
}

function readEnvelope(body: string): Envelope | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    // Not JSON: whoever answered, it was not CKAN.
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { success, result, error } = value as Record<string, unknown>;
  if (typeof success !== 'boolean') return undefined;
  const type = (error as { readonly __type?: unknown } | null | undefined)?.__type;
  return { success, result, type: typeof type === 'string' ? type : '' };
}
