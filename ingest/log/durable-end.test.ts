import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

import { describe, expect, it } from 'vitest';

import { createDurableEnd, durableEndBytes } from './durable-end.ts';

const moduleUrl = new URL('./durable-end.ts', import.meta.url).href;

/** A thread that waits for each next end and posts it, until it has seen `last`. */
function startFollower(shared: SharedArrayBuffer, last: number): Worker {
  const code = `
    import { parentPort, workerData } from 'node:worker_threads';
    import { createDurableEnd } from '${moduleUrl}';
    const end = createDurableEnd(workerData);
    // A waiting end alone does not keep a thread alive; the rooms' threads live by their ports.
    parentPort.on('message', () => undefined);
    parentPort.postMessage('ready');
    let seen = 0;
    while (seen < ${last}) {
      await end.waitBeyond(seen);
      seen = end.get();
      parentPort.postMessage(seen);
    }
    parentPort.close();`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
    workerData: shared,
  });
}

describe('The durable end', () => {
  it('wakes another thread for every advance', async () => {
    const shared = new SharedArrayBuffer(durableEndBytes);
    const end = createDurableEnd(shared);
    const follower = startFollower(shared, 100);
    const seen: number[] = [];
    await once(follower, 'message');
    follower.on('message', (message: number) => void seen.push(message));
    const exit = once(follower, 'exit');
    for (let position = 1; position < 100; position++) {
      end.advance(position);
      while (seen.at(-1) !== position) await once(follower, 'message');
    }
    end.advance(100);
    await exit;
    expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });

  it('keeps those asleep whose position is not reached', async () => {
    const end = createDurableEnd();
    const woken: string[] = [];
    const soon = end.waitBeyond(3).then(() => woken.push('beyond 3'));
    const later = end.waitBeyond(5).then(() => woken.push('beyond 5'));
    end.advance(4);
    await soon;
    expect(woken).toEqual(['beyond 3']);
    end.advance(6);
    await later;
    expect(woken).toEqual(['beyond 3', 'beyond 5']);
  });

  it('lets go of a wait that is aborted, and of no other', async () => {
    const end = createDurableEnd();
    const abort = new AbortController();
    let isWoken = false;
    const other = end.waitBeyond(0).then(() => (isWoken = true));
    const aborted = end.waitBeyond(0, abort.signal);
    abort.abort();
    await aborted;
    expect(isWoken).toBe(false);
    end.advance(1);
    await other;
    expect(isWoken).toBe(true);
  });

  it('holds positions beyond 32 bits, and the generation beside', () => {
    const shared = new SharedArrayBuffer(durableEndBytes);
    const owner = createDurableEnd(shared);
    const reader = createDurableEnd(shared);
    owner.advance(2 ** 40 + 3);
    owner.renew();
    owner.renew();
    expect([reader.get(), reader.generation()]).toEqual([2 ** 40 + 3, 2]);
  });
});
