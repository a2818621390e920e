/** MQTT over WebSocket (§6). */
import { connect as connectTcp } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { createManualClock } from '../../devices/clock-manual.ts';
import type { Rig } from './rig.ts';
import { closedFor, useRig } from './scene.ts';
import { connectPacket, packet, publishPacket, subscribePacket } from './wire.ts';

interface OpenSocket {
  readonly socket: WebSocket;
  /** Bytes that came, joined. */
  readonly received: () => Buffer;
  readonly closed: () => Promise<number>;
}

async function openSocket(rig: Rig, protocols: string[] = ['mqtt'], path = '/mqtt') {
  const socket = new WebSocket(
    `ws://127.0.0.1:${rig.broker.addresses.mqttWsPort}${path}`,
    protocols,
  );
  onTestFinished(() => socket.terminate());
  const chunks: Buffer[] = [];
  socket.on('message', (chunk: Buffer) => chunks.push(chunk));
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  const open: OpenSocket = { socket, received: () => Buffer.concat(chunks), closed: () => closed };
  return open;
}

const login = { username: 'one', password: 'secret of one', clientId: 'one' };

describe('MQTT over WebSocket', () => {
  test('MQTT-6.0.0-4: the subprotocol is mqtt, and a reading is kept and acknowledged', async () => {
    const rig = await useRig();
    const { socket, received } = await openSocket(rig, ['other', 'mqtt']);
    expect(socket.protocol).toBe('mqtt');
    socket.send(connectPacket(login));
    socket.send(publishPacket('env/v1/one/obs', 'x', { qos: 1, packetId: 9 }));
    await expect.poll(() => [...received()]).toEqual([0x20, 2, 0, 0, 0x40, 2, 0, 9]);
    expect(rig.log.readings[0]).toMatchObject({ device: 'one' });
  });

  test('MQTT-6.0.0-3: a client that does not offer mqtt is refused', async () => {
    const rig = await useRig();
    await expect(openSocket(rig, ['mqttv9'])).rejects.toThrow('401');
    await expect(openSocket(rig, [])).rejects.toThrow('401');
  });

  test('another path is refused, and a plain request is told to upgrade', async () => {
    const rig = await useRig();
    await expect(openSocket(rig, ['mqtt'], '/other')).rejects.toThrow('400');
    const answer = await fetch(`http://127.0.0.1:${rig.broker.addresses.mqttWsPort}/mqtt`);
    expect(answer.status).toBe(426);
  });

  test('MQTT-6.0.0-1: a text frame closes the connection', async () => {
    const rig = await useRig();
    const { socket, closed } = await openSocket(rig);
    socket.send('text');
    expect(await closed()).toBe(1008);
  });

  test('MQTT-6.0.0-2: packets may be cut and joined over frames', async () => {
    const rig = await useRig();
    const { socket, received } = await openSocket(rig);
    const bytes = Buffer.concat([
      connectPacket(login),
      publishPacket('env/v1/one/obs', 'x', { qos: 1, packetId: 1 }),
      publishPacket('env/v1/one/obs', 'y', { qos: 1, packetId: 2 }),
    ]);
    for (let at = 0; at < bytes.length; at += 7) socket.send(bytes.subarray(at, at + 7));
    await expect.poll(() => received().length).toBe(12);
    expect(rig.log.readings.map(({ payload }) => String(payload))).toEqual(['x', 'y']);
  });

  test('a frame beyond the packet limit closes the connection', async () => {
    const rig = await useRig();
    const { socket, closed } = await openSocket(rig);
    socket.on('error', () => {});
    socket.send(Buffer.alloc(70_000));
    expect(await closed()).not.toBe(1000);
  });

  test('the same limits hold: 10 s for CONNECT, and a refusal is answered', async () => {
    const clock = createManualClock(1_700_000_000_000);
    const rig = await useRig({ clock });
    const silent = await openSocket(rig);
    const wrong = await openSocket(rig);
    wrong.socket.send(connectPacket({ ...login, password: 'wrong' }));
    await wrong.closed();
    expect([...wrong.received()]).toEqual([0x20, 2, 0, 4]);
    clock.advance(10_500);
    await silent.closed();
    expect(closedFor(rig, 'connect-timeout')).toBe(1);
  });

  test('a connection that is not read waits like any other', async () => {
    const rig = await useRig({ config: { inflightMax: 2 } });
    rig.log.mode = 'hold';
    const { socket, received } = await openSocket(rig);
    socket.send(connectPacket(login));
    for (let packetId = 1; packetId <= 9; packetId += 1) {
      socket.send(publishPacket('env/v1/one/obs', 'x', { qos: 1, packetId }));
    }
    await expect.poll(() => rig.log.held).toBe(2);
    rig.log.mode = 'keep';
    rig.log.release();
    await expect.poll(() => received().length).toBe(4 + 9 * 4);
  });

  test('a handshake that never ends is cut', async () => {
    const rig = await useRig({ config: { connectTimeoutMs: 300 } });
    const socket = connectTcp({ port: rig.broker.addresses.mqttWsPort, host: '127.0.0.1' });
    socket.write('GET /mqtt HTTP/1.1\r\nUpgrade: websocket\r\n');
    await new Promise<void>((resolve) => socket.on('close', () => resolve()).resume());
    await expect.poll(() => rig.broker.stats.connections).toBe(0);
  });

  test('a browser that only reads sees what is public', async () => {
    const rig = await useRig();
    const { socket, received } = await openSocket(rig);
    socket.send(connectPacket());
    socket.send(subscribePacket(1, ['open/v1/#', 0], ['env/v1/one/state', 0]));
    socket.send(packet(0xc0));
    await expect
      .poll(() => received().subarray(4).toString('hex'))
      .toBe('9004000100' + '80' + 'd000');
  });
});
