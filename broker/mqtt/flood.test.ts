/** Crowds that have proved nothing, from another process: memory stays flat and devices are served. */
import { spawn } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { Rig } from './rig.ts';
import { useRig } from './scene.ts';
import { openDeviceWire, publishPacket } from './wire.ts';

/** Opens sockets, sends each its first bytes and then up to 50 MB, until it is closed. */
const crowd = `
  const { connect } = require('node:net');
  const [port, count, first] = process.argv.slice(1);
  const more = Buffer.alloc(65536, 0x61);
  let open = Number(count);
  for (let index = 0; index < Number(count); index += 1) {
    const socket = connect(Number(port), '127.0.0.1');
    let sent = 0;
    const push = () => {
      while (sent < 50e6 && !socket.destroyed) { sent += more.length; if (!socket.write(more)) break; }
    };
    socket.on('connect', () => { socket.write(Buffer.from(first, 'hex')); push(); });
    socket.on('drain', push);
    socket.on('error', () => {});
    socket.on('close', () => { open -= 1; if (open === 0) process.exit(0); });
  }
`;

function runCrowd(port: number, count: number, first: string): Promise<number | null> {
  const child = spawn(process.execPath, ['-e', crowd, String(port), String(count), first]);
  return new Promise((resolve) => child.on('exit', resolve));
}

async function publishes(rig: Rig, messages: number): Promise<void> {
  const wire = await openDeviceWire(rig.port, 'one');
  for (let packetId = 1; packetId <= messages; packetId += 1) {
    wire.send(publishPacket('env/v1/one/obs', 'x', { qos: 1, packetId }));
    expect((await wire.next()).type).toBe(4);
  }
  wire.destroy();
}

describe('200 sockets of 50 MB each that never log in', () => {
  test.each([
    ['announce a CONNECT of 256 MB', '10ffffff7f'],
    ['announce a CONNECT of 4,000 bytes and send something else', '10a01f00044d5154540402003c'],
    ['announce a PUBLISH', '30ffffff7f0003612f62'],
    ['send letters', '61'],
    ['speak HTTP', Buffer.from('POST / HTTP/1.1\r\n\r\n').toString('hex')],
  ])('that %s: all cut, memory grows by 32 MB at most', async (_name, first) => {
    const rig = await useRig();
    await publishes(rig, 50);
    const before = process.memoryUsage.rss();
    let peak = before;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss());
    }, 5);
    const [code] = await Promise.all([runCrowd(rig.port, 200, first), publishes(rig, 200)]);
    clearInterval(watch);
    expect(code).toBe(0);
    expect(peak - before).toBeLessThan(32 * 2 ** 20);
    await expect.poll(() => rig.broker.stats.connections).toBe(0);
    expect(rig.log.readings.length).toBe(250);
  });
});
