import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';

import { describe, expect, onTestFinished, test } from 'vitest';

import { openSystemClock } from '../../devices/clock-system.ts';
import { createPost } from './post.ts';

describe('a delivery over HTTP', () => {
  async function listen(handle: Parameters<typeof createServer>[1]): Promise<string> {
    const server: Server = createServer(handle);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://receiver.example:${(server.address() as AddressInfo).port}/hook`;
  }

  async function listenUpgrade(answer: string): Promise<string> {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.write(answer));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    return `http://receiver.example:${(server.address() as AddressInfo).port}/hook`;
  }

  const post = createPost(openSystemClock());
  const send = (url: string, more: object = {}) =>
    post({
      url: new URL(url),
      address: '127.0.0.1',
      headers: { 'webhook-id': 'msg_1' },
      body: '{"a":"đ"}',
      timeoutMs: 5_000,
      answerBytesMax: 100,
      ...more,
    });

  test('goes to the address that was looked up, under the name, and follows no redirect', async () => {
    const seen: unknown[] = [];
    const url = await listen((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        seen.push([request.method, request.url, request.headers.host, body]);
        response.writeHead(302, { location: 'http://10.0.0.1/', 'retry-after': '7' }).end('moved');
      });
    });
    expect(await send(url)).toEqual({ status: 302, body: 'moved', retryAfter: '7' });
    expect(seen).toEqual([['POST', '/hook', new URL(url).host, '{"a":"đ"}']]);
  });

  test('reads so much of an answer and waits for it so long', async () => {
    const endless = await listen((_request, response) => {
      response.writeHead(200);
      const write = (): void => void response.write('x'.repeat(1_000), write);
      response.on('error', () => undefined);
      write();
    });
    expect((await send(endless)).body).toHaveLength(100);
    const silent = await listen(() => undefined);
    await expect(send(silent, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'API_WEBHOOK_TIMEOUT',
    });
    // Neither of them is a response, nor an error of the connection.
    const upgraded = await listenUpgrade(
      'HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    );
    await expect(send(upgraded)).rejects.toMatchObject({ code: 'API_WEBHOOK_NO_ANSWER' });
    const cut = await listen((_request, response) => {
      response.writeHead(200, { 'content-length': 50 });
      response.write('x', () => response.destroy());
    });
    await expect(send(cut)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(send('http://receiver.example:1/')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
  });
});
