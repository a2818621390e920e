import { MessageChannel } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { CodedError } from './devices/coded-error.ts';
import { createCaller, serveCalls, type Handlers } from './thread-call.ts';

function connect(handlers: Handlers) {
  const { port1, port2 } = new MessageChannel();
  serveCalls(port1, handlers);
  onTestFinished(() => port1.close());
  return { call: createCaller(port2), port: port2 };
}

test('a call carries its argument over and its answer back', async () => {
  const { call } = connect({ double: (value: number) => value * 2 });
  expect(await Promise.all([call('double', 2), call('double', 21)])).toEqual([4, 42]);
});

test('an error keeps its code, whether it can be retried, and its fields', async () => {
  const { call } = connect({
    fail: () => {
      throw new CodedError(
        'X_FULL',
        { message: 'It is full', meaning: '', canRetry: true },
        { fields: { bytes: 7 } },
      );
    },
    plain: () => Promise.reject(new Error('so')),
  });
  await expect(call('fail')).rejects.toMatchObject({
    code: 'X_FULL',
    canRetry: true,
    fields: { bytes: 7 },
  });
  await expect(call('plain')).rejects.toThrow('so');
  await expect(call('nobody')).rejects.toThrow('no call is named nobody');
});

test('calls that wait when the other side ends are rejected', async () => {
  const { call, port } = connect({ hang: () => new Promise(() => {}) });
  const waiting = call('hang');
  port.close();
  await expect(waiting).rejects.toThrow('the other thread has ended');
});
