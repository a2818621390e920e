import type { AddressInfo } from 'node:net';

import { expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { socketFraming } from './socket.ts';

test('frames of every kind of length are read by a client as they were written', async () => {
  const texts = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000].map((length) => 'đ'.repeat(length));
  const changes = texts.map((text) => ({ text, cursor: 'c', datastream: undefined }));
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  server.on('connection', (_client, request) => {
    request.socket.write(socketFraming.join(changes));
    request.socket.write(socketFraming.beat('end'));
  });
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => client.terminate());
  const got: string[] = [];
  const pinged = new Promise((resolve) => client.once('ping', resolve));
  await new Promise<void>((resolve) => {
    client.on('message', (data: Buffer) => {
      if (got.push(data.toString()) > texts.length) resolve();
    });
  });
  await pinged;
  expect(got).toEqual([...texts, '{"cursor":"end","type":"cursor"}']);
});
