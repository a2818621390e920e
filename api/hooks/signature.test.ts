import { describe, expect, test } from 'vitest';
import { Webhook } from 'standardwebhooks';

import { createSeededRandom } from '../../devices/random.ts';
import { createSecret, isSameSecret, messageId, signedHeaders } from './signature.ts';

const body = '{"type":"changes","data":{"changes":[]}}';

describe('a signature', () => {
  test('is that of the worked example of Standard Webhooks', () => {
    // standard-webhooks/standard-webhooks: libraries/javascript/src/index.test.ts, `sign function works`.
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const sentAt = 1_614_265_330_000;
    const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', sentAt, body: '{"test": 2432232314}' };
    expect(signedHeaders(message, [secret])).toEqual({
      'webhook-id': message.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  test('is verified with either secret while both sign', () => {
    const random = createSeededRandom(1);
    const secrets = [createSecret(random), createSecret(random)];
    const headers = { ...signedHeaders({ id: 'msg_1', sentAt: Date.now(), body }, secrets) };
    for (const secret of secrets) {
      expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    }
    expect(() => new Webhook(createSecret(random)).verify(body, headers)).toThrow(
      /No matching signature/,
    );
    expect(() => new Webhook(secrets[0] ?? '').verify(`${body} `, headers)).toThrow(
      /No matching signature/,
    );
  });

  test('is made with a secret of as many bytes as the specification asks for', () => {
    const secret = createSecret(createSeededRandom(1));
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]+=*$/);
    expect(Buffer.from(secret.slice(6), 'base64')).toHaveLength(32);
    expect([isSameSecret(secret, secret), isSameSecret(secret, `${secret}=`)]).toEqual([
      true,
      false,
    ]);
  });

  test('goes with an id that is the same for the same content alone', () => {
    expect(messageId('a', 'b')).toBe(messageId('a', 'b'));
    expect(messageId('a', 'b')).not.toBe(messageId('ab', ''));
  });
});
