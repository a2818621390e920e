import { expect, test } from 'vitest';
import { Latencies } from './latency.ts';
import { Ledger } from './ledger.ts';
import { loadChannels, loadRegistryFile, makePayloads } from './network.ts';
import { readPayloads } from './run.ts';
import {
  connectPacket,
  createAnswerParser,
  publishPacket,
  pubrelPacket,
  subscribePacket,
} from './wire.ts';

test('the frozen payload file is what its generator writes with seed 1', () => {
  expect(readPayloads()).toEqual(makePayloads(2_880, 1));
});

test('the registry file of the load names one datastream a channel and station', () => {
  const file = loadRegistryFile(3, 60_000) as { datastreams: unknown[]; deployments: unknown[] };
  expect(file.datastreams).toHaveLength(3 * loadChannels.length);
  expect(file.deployments).toHaveLength(3 * loadChannels.length);
});

test('an acknowledgement counts once, and a device never uses a time twice', () => {
  const ledger = new Ledger(['a', 'b']);
  const message = ledger.enter(1, ledger.nextAt(1, 1_000), 0);
  expect(ledger.nextAt(1, 1_000)).toBe(1_001);
  expect(ledger.nextAt(1, 5_000)).toBe(5_000);
  ledger.acknowledge(1, message);
  ledger.acknowledge(1, message);
  expect(ledger.totals()).toEqual({ sent: 1, acknowledged: 1 });
});

test('percentiles are right within the width of a bucket', () => {
  const latencies = new Latencies();
  for (let ms = 1; ms <= 1_000; ms += 1) latencies.add(ms);
  expect(latencies.percentile(0.5) / 500).toBeCloseTo(1, 1);
  expect(latencies.percentile(0.99) / 990).toBeCloseTo(1, 1);
  expect(latencies.greatestMs).toBe(1_000);
  expect(new Latencies().percentile(0.5)).toBeNaN();
});

test('packets are those of MQTT 3.1.1', () => {
  const connect = connectPacket({
    clientId: 'c',
    username: 'u',
    password: 'p',
    cleanSession: true,
    keepAliveSeconds: 60,
  });
  expect(connect.toString('hex')).toBe(
    '10130004' + Buffer.from('MQTT').toString('hex') + '04c2003c000163000175000170',
  );
  const publish = publishPacket(Buffer.from('t'), Buffer.from('x'), 7, { qos: 1, dup: true });
  expect(publish.toString('hex')).toBe('3a06000174000778');
  expect(
    publishPacket(Buffer.from('t'), Buffer.from('x'), 0, { qos: 0, dup: false }).toString('hex'),
  ).toBe('300400017478');
  expect(
    publishPacket(Buffer.from('t'), Buffer.alloc(200), 7, { qos: 1, dup: false })
      .subarray(0, 3)
      .toString('hex'),
  ).toBe('32cd01');
  expect(pubrelPacket(258).toString('hex')).toBe('62020102');
  expect(subscribePacket('a').toString('hex')).toBe('8206000100016100');
});

test('answers are taken whole, however the bytes are cut', () => {
  const bytes = Buffer.from('200200004002000150020002d000', 'hex');
  for (let cut = 1; cut < bytes.length; cut += 1) {
    const seen: number[][] = [];
    const parse = createAnswerParser((type, word) => seen.push([type, word]));
    parse(bytes.subarray(0, cut));
    parse(bytes.subarray(cut));
    expect(seen).toEqual([
      [2, 0],
      [4, 1],
      [5, 2],
      [13, 0],
    ]);
  }
});
