import { once } from 'node:events';
import { getPriority } from 'node:os';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';

// The thread that is asked says its own nice value, and the thread that it starts says its own.
const program = `
  import { getPriority } from 'node:os';
  import { readlinkSync } from 'node:fs';
  import { parentPort, Worker } from 'node:worker_threads';
  import { giveWay } from ${JSON.stringify(new URL('./give-way.ts', import.meta.url).href)};
  const own = () => getPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)));
  const isDone = giveWay(7);
  const inner = \`
    import { getPriority } from 'node:os';
    import { readlinkSync } from 'node:fs';
    import { parentPort } from 'node:worker_threads';
    parentPort.postMessage(getPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1))));
  \`;
  const started = new Worker(new URL('data:text/javascript,' + encodeURIComponent(inner)));
  started.once('message', (inherited) => parentPort.postMessage({ isDone, own: own(), inherited }));
`;

test.runIf(process.platform === 'linux')(
  'a thread that gives way does so with those that it starts, and with no other',
  async () => {
    const before = getPriority();
    const thread = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`));
    const [said] = await once(thread, 'message');
    expect(said).toEqual({ isDone: true, own: 7, inherited: 7 });
    expect(getPriority()).toBe(before);
    await thread.terminate();
  },
);
