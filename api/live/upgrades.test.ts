import { connect, type Socket } from 'node:net';

import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';

import { openTestApi, type TestApi } from '../api.fixture.ts';

let rig: TestApi;
beforeEach(async () => {
  rig = await openTestApi();
});
afterEach(() => rig.close());

/** A client that ends nothing by itself, and what it has been told. */
function open(): { readonly socket: Socket; readonly told: () => string } {
  const socket = connect({
    port: rig.api.httpPort,
    host: '127.0.0.1',
    allowHalfOpen: true,
  });
  onTestFinished(() => void socket.destroy());
  let told = '';
  socket.on('data', (chunk) => (told += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  return { socket, told: () => told };
}

const request = (path: string, more = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
const upgrade = (path: string): string =>
  request(
    path,
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n',
  );

test('an upgrade that does not wait for the answer before it ends no server', async () => {
  const { socket, told } = open();
  socket.write(request('/api/v1/live') + upgrade('/api/v1/live'));
  await expect.poll(told).toContain('text/event-stream');
  expect(told()).not.toContain('101 ');
  expect((await rig.get('/api/v1/latest')).status).toBe(200);
  // The second is told behind the first, so never.
  expect(rig.telemetry.value('quantrac_live_clients')).toBe(2);
  socket.destroy();
  await expect.poll(() => rig.telemetry.value('quantrac_live_clients')).toBe(0);
});

test('behind an answer that is whole a connection may become a WebSocket', async () => {
  const { socket, told } = open();
  socket.write(request('/api/v1/'));
  await expect.poll(told).toContain('200 OK');
  await expect.poll(() => rig.telemetry.value('quantrac_http_requests_total')).not.toBe(0);
  socket.write(upgrade('/api/v1/live'));
  await expect.poll(told).toContain('101 Switching Protocols');
});

test('a connection whose upgrade is refused is closed, whatever its client does', async () => {
  const { socket, told } = open();
  socket.write(upgrade('/api/v1/live?after=nothing'));
  await expect.poll(told).toContain('400 Bad Request');
  // A byte that nobody reads any more is refused by the machine, where the connection is closed.
  const refused = new Promise((resolve) => socket.once('error', resolve));
  const writing = setInterval(() => void socket.write('x'), 20);
  expect(await refused).toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
  clearInterval(writing);
});
