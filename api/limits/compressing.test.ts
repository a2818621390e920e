import { PassThrough, Readable } from 'node:stream';
import { brotliDecompressSync } from 'node:zlib';

import { expect, onTestFinished, test } from 'vitest';

import { openSystemClock } from '../../devices/clock-system.ts';
import { createSeededRandom } from '../../devices/random.ts';
import { createRecordedTelemetry } from '../../devices/telemetry-silent.ts';
import { apiConfig } from '../config.ts';
import { createApiEvents } from '../events.ts';
import { createServer } from '../server.ts';

const csv = 'text/csv; charset=utf-8';

async function openServer(streamsMax: number) {
  const app = await createServer({
    config: apiConfig.parse({ streamsMax }),
    clock: openSystemClock(),
    events: createApiEvents(createRecordedTelemetry()),
    pair: null,
  });
  onTestFinished(() => app.close());
  return app;
}

const br = { 'accept-encoding': 'br' };

test('a whole body has been compressed before its first byte goes, so its length is known', async () => {
  const app = await openServer(1);
  const text = 'a,b\n'.repeat(50_000);
  app.get('/whole', (_request, reply) => reply.header('content-type', csv).send(text));
  app.get('/image', (_request, reply) => reply.header('content-type', 'image/png').send(text));
  const whole = await app.inject({ url: '/whole', headers: br });
  expect(whole.headers).toMatchObject({
    'content-encoding': 'br',
    'content-length': String(whole.rawPayload.length),
    vary: expect.stringContaining('accept-encoding') as string,
  });
  expect(brotliDecompressSync(whole.rawPayload).toString()).toBe(text);
  expect((await app.inject({ url: '/whole' })).body).toBe(text);
  const image = await app.inject({ url: '/image', headers: br });
  expect([image.headers['content-encoding'], image.body]).toEqual([undefined, text]);
});

test('only so many streams have a compressor, however many there are; others go as they are', async () => {
  const app = await openServer(1);
  const streams: PassThrough[] = [];
  const bytes = Buffer.from(createSeededRandom(1).bytes(1_000_000)).toString('hex');
  app.get('/stream', (_request, reply) => {
    const stream = new PassThrough();
    streams.push(stream);
    // More than a compressor keeps to itself.
    stream.write(bytes);
    return reply.header('content-type', csv).send(stream);
  });
  const address = `${await app.listen({ host: '127.0.0.1', port: 0 })}/stream`;
  const ask = async () => {
    const answer = await fetch(address, { headers: br });
    return answer.headers.get('content-encoding');
  };
  const slow = new AbortController();
  const first = await fetch(address, { headers: br, signal: slow.signal });
  expect(first.headers.get('content-encoding')).toBe('br');
  expect(await ask()).toBeNull();
  slow.abort();
  while ((await ask()) === null) await new Promise((resolve) => setImmediate(resolve));
  for (const stream of streams) stream.destroy();
});

test('a client that has gone before its stream begins holds no place', async () => {
  const app = await openServer(1);
  const gone = Promise.withResolvers<void>();
  const sent = Promise.withResolvers<void>();
  app.get('/late', async (request, reply) => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    request.raw.socket.once('close', () => resolve());
    gone.resolve();
    await closed;
    await new Promise((done) => setImmediate(done));
    setImmediate(() => setImmediate(sent.resolve));
    return reply.header('content-type', csv).send(Readable.from(['a,b\n']));
  });
  app.get('/stream', (_request, reply) =>
    reply.header('content-type', csv).send(Readable.from(['a,b\n'.repeat(1_000)])),
  );
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  const leaving = new AbortController();
  const left = fetch(`${address}/late`, { headers: br, signal: leaving.signal });
  await gone.promise;
  leaving.abort();
  await expect(left).rejects.toThrow('aborted');
  await sent.promise;
  const next = await fetch(`${address}/stream`, { headers: br });
  expect(next.headers.get('content-encoding')).toBe('br');
  await next.text();
});
