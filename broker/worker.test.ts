/** The room's thread as the others see it, over its ports. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { readConfiguration } from '../configuration.ts';
import { openSystemClock } from '../devices/clock-system.ts';
import { createSeededRandom } from '../devices/random.ts';
import { openRegistryCopy } from '../devices/registry-copy.ts';
import { openRegistryWriter } from '../devices/registry-sqlite.ts';
import { createStartGate, startGateBytes } from '../ingest/cluster/forward/start-gate.ts';
import { createDurableEnd, durableEndBytes } from '../ingest/log/durable-end.ts';
import { openRoom } from '../open-room.ts';
import { createCaller } from '../thread-call.ts';
import { connectPacket, openWire, subscribePacket } from './mqtt/wire.ts';
import type { BrokerRoomData } from './worker.ts';

const clock = openSystemClock();

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-broker-thread-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

function openThread(
  more: Pick<BrokerRoomData, 'startGate' | 'replicated' | 'accessFile'>,
  folder = makeFolder(),
) {
  for (const name of ['readings', 'observations']) mkdirSync(join(folder, name));
  const registry = join(folder, 'registry.db');
  const { devices, log, ingest, broker, threads } = readConfiguration({
    flags: {},
    environment: {},
  });
  if (!existsSync(registry)) openRegistryCopy(registry, devices).close();
  const { port1, port2 } = new MessageChannel();
  const data: BrokerRoomData = {
    room: 'broker',
    logLevel: 'error',
    ports: { api: port2 },
    ends: {
      readings: new SharedArrayBuffer(durableEndBytes),
      observations: new SharedArrayBuffer(durableEndBytes),
    },
    paths: {
      readings: join(folder, 'readings'),
      observations: join(folder, 'observations'),
      view: join(folder, 'view.db'),
      registry,
      identity: { storeId: 'test', earlier: [] },
    },
    feedHorizonMs: 0,
    devices,
    log,
    ingest,
    broker: {
      ...broker,
      host: '127.0.0.1',
      mqttPort: 0,
      mqttsPort: 0,
      mqttWsPort: 0,
      anonymousPublish: 'never',
    },
    ...more,
  };
  const room = openRoom(data, {}, threads, clock);
  onTestFinished(async () => {
    port1.close();
    await room.close();
  });
  const call = createCaller(port1);
  const append = () =>
    call('append', {
      kind: 'replay',
      door: 'internal',
      receivedAt: 1,
      device: '',
      topic: '',
      payload: Buffer.from('{"position":1}'),
    });
  return { room, append, readingsEnd: createDurableEnd(data.ends.readings) };
}

test('what the api takes in is acknowledged once Kafka has it, with ack replicated', async () => {
  const forwarded = new SharedArrayBuffer(durableEndBytes);
  const replicated = { forwarded, ackWaitMsMax: 500, ackPendingMax: 10 };
  const { append, readingsEnd } = openThread({ replicated });
  const first = append();
  await readingsEnd.waitBeyond(0);
  createDurableEnd(forwarded).advance(1);
  expect(await first).toBe(1);
  await expect(append()).rejects.toMatchObject({ code: 'BROKER_NOT_REPLICATED' });
  expect(readingsEnd.get()).toBe(2);
});

test('what the api takes in is acknowledged once the disk has it, with ack local', async () => {
  expect(await openThread({}).append()).toBe(1);
});

test('doors open once the log is proven, whose end is told before', async () => {
  const startGate = new SharedArrayBuffer(startGateBytes);
  const gate = createStartGate(startGate, clock);
  const { room } = openThread({ startGate });
  expect(await gate.untilEnd(new AbortController().signal)).toBe(0);
  expect(gate.isPassed).toBe(false);
  gate.tellProven();
  expect(await room.ready).toMatchObject({ mqttPort: expect.any(Number) });
  expect(gate.isPassed).toBe(true);
});

test('without an api it keeps what keys were given in a file of its own, whole when it stops', async () => {
  const folder = makeFolder();
  const registry = openRegistryWriter(join(folder, 'registry.db'), {
    clock,
    random: createSeededRandom(1),
  });
  const { id, secret } = registry.createToken({ role: 'reader', actor: 'test' });
  registry.close();
  const directory = join(folder, 'access');
  const accessFile = { directory, everyMs: 60_000, days: 2, clockJumpMsMax: 86_400_000 };
  const { room } = openThread({ accessFile }, folder);
  const { mqttPort } = (await room.ready) as { readonly mqttPort: number };
  const wire = await openWire(mqttPort);
  wire.send(
    connectPacket({ clientId: '', username: 'token', password: secret }),
    subscribePacket(1, ['open/v1/+/ph', 0]),
  );
  expect((await wire.next()).body[1]).toBe(0);
  expect((await wire.next()).body[2]).toBe(0);
  await room.close();
  const [file = ''] = readdirSync(directory);
  expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(join(directory, file), 'utf8'))).toMatchObject({
    key: id,
    door: 'mqtt',
    path: 'open/v1/{stationId}/{slug}',
    slug: 'ph',
    requests: 1,
    rows: 0,
  });
});
