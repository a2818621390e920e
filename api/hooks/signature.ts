/** Signatures of Standard Webhooks 1.0.0: `v1,` and the base64 of HMAC-SHA256 over id.timestamp.body. */
import { createHmac, hash, timingSafeEqual } from 'node:crypto';

import type { Random } from '../../devices/random.ts';

const prefix = 'whsec_';
/** Between 24 and 64 bytes, as the specification says. */
const secretBytes = 32;

export function createSecret(random: Random): string {
  return prefix + Buffer.from(random.bytes(secretBytes)).toString('base64');
}

export interface SignedMessage {
  readonly id: string;
  /** Of this attempt, milliseconds UTC; signed in seconds. */
  readonly sentAt: number;
  readonly body: string;
}

/** The three headers; one signature for each secret, so that a receiver may change over. */
export function signedHeaders(
  { id, sentAt, body }: SignedMessage,
  secrets: readonly string[],
): Readonly<Record<string, string>> {
  const timestamp = Math.floor(sentAt / 1_000);
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(prefix.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.join(' '),
  };
}

export function isSecret(text: string): boolean {
  return text.startsWith(prefix);
}

/** Takes as long whatever the difference is. */
export function isSameSecret(one: string, other: string): boolean {
  return timingSafeEqual(hash('sha256', one, 'buffer'), hash('sha256', other, 'buffer'));
}

/** The same for the same content: what a receiver met before, it knows by its id. */
export function messageId(...parts: readonly string[]): string {
  return `msg_${hash('sha256', JSON.stringify(parts), 'hex').slice(0, 32)}`;
}
