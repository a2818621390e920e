import { createSocket } from 'node:dgram';

import { expect, onTestFinished, test } from 'vitest';

import { openSystemClock } from '../../devices/clock-system.ts';
import { createResolve } from './resolve.ts';

test('a name that no server tells of is given up at the deadline', async () => {
  const silent = createSocket('udp4');
  await new Promise<void>((resolve) => silent.bind(0, '127.0.0.1', resolve));
  onTestFinished(() => void silent.close());
  const servers = [`127.0.0.1:${silent.address().port}`];
  const resolve = createResolve(openSystemClock(), { timeoutMs: 50, servers });
  await expect(resolve('receiver.example')).rejects.toMatchObject({ code: 'API_WEBHOOK_TIMEOUT' });
  expect(await resolve('localhost')).toEqual(['127.0.0.1']);
});
