import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it, onTestFinished } from 'vitest';
import { askAll } from './asking.contract.ts';
import { batchesAnAsk, concurrentWorld, type WritingThread } from './concurrent.fixture.ts';
import type { StoreFollower } from './store.ts';
import { createViewFolder } from './view.fixture.ts';

const batches = 60;

async function turn(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}

it('a follower answers without gap or repeat while another thread writes', async () => {
  const folder = createViewFolder();
  onTestFinished(() => folder.remove());
  folder.openWriter(0).close();
  const world = concurrentWorld(batches);
  const shared = new SharedArrayBuffer(12);
  const told = new Int32Array(shared);
  const data: WritingThread = { task: 'write a view', path: folder.path, batches, shared };
  const worker = new Worker(new URL('./concurrent.fixture.ts', import.meta.url), {
    workerData: data,
  });
  let failure: unknown = null;
  worker.once('error', (error) => {
    failure = error;
  });
  const ended = once(worker, 'exit');
  const follower: StoreFollower = folder.openFollower();
  const seen = new Set<number>();
  while (Atomics.load(told, 0) === 0 && failure === null) await turn();
  for (let asked = 0; Atomics.load(told, 1) === 0 || follower.position < batches; asked++) {
    const durable = Atomics.load(told, 0);
    // Sometimes behind the database, sometimes beyond what it holds.
    if (asked % 3 === 0) follower.refresh();
    const to = Math.min(durable, follower.position + 1 + (asked % 4));
    while (follower.position < to) {
      follower.apply(follower.position + 1, world.batches.get(follower.position + 1)!);
    }
    askAll(follower, world, asked);
    seen.add(follower.position);
    if (durable > 0) Atomics.add(told, 2, 1);
    await turn();
    if (failure !== null) throw new Error('The writing thread failed', { cause: failure });
  }
  expect(await ended).toEqual([0]);
  expect(seen.size).toBeGreaterThan(batches / batchesAnAsk / 2);
  askAll(follower, world, 1);
  follower.close();
});
