import { expect, test } from 'vitest';
import { createLateFeed } from './late-feed.ts';
import type { OpenFeed, OpenFollower } from './open-feed.ts';

const page = [{ topic: 'open/v1/station/slug', payload: new Uint8Array([1]) }];

function fakeFeed() {
  const calls: string[] = [];
  const feed: OpenFeed = {
    async *latest({ station }) {
      calls.push(`latest ${station}`);
      yield page;
    },
    follow() {
      calls.push('follow');
      return { stop: () => void calls.push('stop') };
    },
  };
  return { feed, calls };
}

const follower: OpenFollower = { wants: () => true, changed: () => {} };
const neverFails = (error: unknown): never => {
  throw error as Error;
};

test('the feed is loaded at the first question, once, and asked in the same order', async () => {
  const { feed, calls } = fakeFeed();
  let loads = 0;
  const load = async () => {
    loads += 1;
    return feed;
  };
  const late = createLateFeed(load, neverFails);
  expect(loads).toBe(0);
  const following = late.follow(follower);
  const pages = await Array.fromAsync(late.latest({ station: 'a' }));
  expect(pages).toEqual([page]);
  await Array.fromAsync(late.latest({ station: 'b' }));
  following.stop();
  expect(calls).toEqual(['follow', 'latest a', 'latest b', 'stop']);
  expect(loads).toBe(1);
});

test('who leaves before the feed is loaded is never followed for', async () => {
  const { feed, calls } = fakeFeed();
  const late = createLateFeed(async () => feed, neverFails);
  late.follow(follower).stop();
  await Array.fromAsync(late.latest({ station: 'a' }));
  expect(calls).toEqual(['latest a']);
});

test('a feed that cannot be loaded is told, and a replay is rejected with the reason', async () => {
  const reason = new Error('no such file');
  const { promise: told, resolve } = Promise.withResolvers<unknown>();
  const late = createLateFeed(() => Promise.reject(reason), resolve);
  late.follow(follower);
  expect(await told).toBe(reason);
  await expect(Array.fromAsync(late.latest({}))).rejects.toBe(reason);
});
