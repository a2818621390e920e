import { describe, expect, onTestFinished, test } from 'vitest';
import { openRouter, type RoutedMessage } from './router.ts';

async function useRouter() {
  const router = await openRouter();
  onTestFinished(() => router.close());
  return router;
}

const payload = Buffer.from('x');

describe('the router', () => {
  test('calls every matching subscription before publish returns, with the message itself', async () => {
    const router = await useRouter();
    const got: string[] = [];
    router.subscribe('a/+', ({ topic, qos }) => got.push(`plus ${topic} ${qos}`));
    router.subscribe('a/#', (message) => got.push(`all ${String(message.payload === payload)}`));
    router.subscribe('b/#', () => got.push('other'));
    router.publish('a/b', payload, 2);
    expect(got.toSorted((one, two) => one.localeCompare(two))).toEqual(['all true', 'plus a/b 2']);
  });

  test('gives all subscriptions of a message the same object', async () => {
    const router = await useRouter();
    const got: RoutedMessage[] = [];
    router.subscribe('a/b', (message) => got.push(message));
    router.subscribe('a/+', (message) => got.push(message));
    router.publish('a/b', payload, 0);
    router.publish('a/b', payload, 0);
    expect([got.length, got[0] === got[1], got[1] === got[2]]).toEqual([4, true, false]);
  });

  test('ends a subscription', async () => {
    const router = await useRouter();
    const got: string[] = [];
    const end = router.subscribe('a', () => got.push('a'));
    router.publish('a', payload, 0);
    end();
    await new Promise((resolve) => setImmediate(resolve));
    router.publish('a', payload, 0);
    expect(got).toEqual(['a']);
  });

  test('a message published by a subscriber goes out, and the first one goes on', async () => {
    const router = await useRouter();
    const got: string[] = [];
    router.subscribe('a', () => router.publish('b', payload, 0));
    router.subscribe('a', ({ topic }) => got.push(topic));
    router.subscribe('b', ({ topic }) => got.push(topic));
    router.publish('a', payload, 0);
    expect(got.toSorted()).toEqual(['a', 'b']);
  });

  test('what aedes says of itself reaches nobody', async () => {
    const router = await useRouter();
    const got: string[] = [];
    router.subscribe('$SYS/#', ({ topic }) => got.push(topic));
    await new Promise((resolve) => setImmediate(resolve));
    expect(got).toEqual([]);
  });
});
