/** A receiver of webhooks for tests: takes what is sent, checks its signature, answers as it is told. */
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';

import { expiredSchema, postedChangesSchema, verificationSchema } from './messages.ts';
import type { HookPorts } from './open.ts';
import type { PostAnswer, PostRequest } from './post.ts';

export interface Received {
  readonly id: string;
  readonly type: string;
  readonly data: Record<string, unknown>;
  readonly address: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface TestReceiver {
  readonly ports: HookPorts;
  readonly received: Received[];
  /** What a name stands for. */
  addresses: readonly string[];
  /** The answer to the next deliveries; `undefined`: none, and the connection ends. */
  answer: (
    message: Received,
  ) => Partial<PostAnswer> | undefined | Promise<Partial<PostAnswer> | undefined>;
  /** Resolves when so many messages of the type came. */
  wait(type: string, count: number): Promise<readonly Received[]>;
}

/** Takes everything, and shows that it wants it. */
export function takeAll({ type, data }: Received): Partial<PostAnswer> {
  return type === 'webhook.verification'
    ? { body: JSON.stringify({ challenge: data['challenge'] }) }
    : {};
}

export function createReceiver(): TestReceiver {
  const receiver: TestReceiver = {
    received: [],
    addresses: ['1.1.1.1'],
    answer: takeAll,
    ports: {
      resolve: async () => receiver.addresses,
      async post(request) {
        const message = readMessage(request);
        receiver.received.push(message);
        const answer = await receiver.answer(message);
        if (answer === undefined) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
        return { status: 200, body: '', retryAfter: undefined, ...answer };
      },
    },
    async wait(type, count) {
      for (;;) {
        const found = receiver.received.filter((message) => message.type === type);
        if (found.length >= count) return found;
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
  return receiver;
}

const messageSchema = z.discriminatedUnion('type', [
  verificationSchema,
  postedChangesSchema,
  expiredSchema,
]);

function readMessage({ body, headers, address }: PostRequest): Received {
  // What is posted is what the description of pushed messages says.
  const { type, data } = messageSchema.parse(JSON.parse(body));
  return { id: headers['webhook-id'] ?? '', type, data, address, body, headers };
}

/** Throws where the signature is not that of the secret. */
export function verify(secret: string, { body, headers }: Received): unknown {
  return new Webhook(secret).verify(body, headers);
}
