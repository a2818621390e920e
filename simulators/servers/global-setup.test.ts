import { expect, inject, test } from 'vitest';
import { findServers } from './global-setup.ts';

test('the servers of the environment come before those of an engine', async () => {
  expect(await findServers({ KAFKA_BROKERS: '127.0.0.1:1' }, true)).toEqual({
    addresses: { kafka: { brokers: ['127.0.0.1:1'] } },
    reason: 'not in the environment',
  });
});

test('without addresses and without an engine there are none, and the reason is told', async () => {
  expect(await findServers({}, false)).toEqual({
    addresses: {},
    reason: 'no address in the environment, no container engine',
  });
  expect(await findServers({ QUANTRAC_SERVERS: '0' }, true)).toEqual({
    addresses: {},
    reason: 'QUANTRAC_SERVERS is 0',
  });
});

test('a server named by halves ends the run', async () => {
  await expect(findServers({ INFLUX_URL: 'http://127.0.0.1:1' }, false)).rejects.toMatchObject({
    code: 'SIMULATORS_SERVERS_INCOMPLETE',
  });
});

test('every suite can ask', () => {
  expect(inject('realServers').absent).toMatch(/^ \(skipped: .+\)$/);
});
