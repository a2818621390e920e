import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { openSystemClock } from '../../../devices/clock-system.ts';
import type { InfluxConfig } from './config.ts';
import { openConnection, type Connection } from './connection.ts';
import { configFor } from './influx.fixture.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Asked {
  readonly url: string;
  readonly encoding: string | undefined;
  readonly authorization: string | undefined;
  readonly body: Buffer;
}

/** A server of one answer, and what it was asked. */
async function openScene(
  answer: RequestListener,
  changed: Partial<InfluxConfig> = {},
): Promise<{ readonly connection: Connection; readonly asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url = '', headers } = request;
      const { authorization, 'content-encoding': encoding } = headers;
      asked.push({ url, encoding, authorization, body: Buffer.concat(chunks) });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/influx`;
  const config = configFor({ url }, { bucket: 'env/autogen', org: 'a b', ...changed });
  const connection = openConnection({ config, token: 'user:secret', clock: openSystemClock() });
  closing.push(async () => {
    connection.close();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  });
  return { connection, asked };
}

const saying =
  (status: number, body: string, headers: Record<string, string> = {}): RequestListener =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body);
  };

describe('a connection to InfluxDB', () => {
  it('writes with nanoseconds, organisation, bucket and token, long bodies compressed', async () => {
    const { connection, asked } = await openScene(saying(204, ''));
    const body = 'a b=1 1\n'.repeat(500);
    expect((await connection.write(body)).status).toBe(204);
    expect(asked[0]).toMatchObject({
      url: '/influx/api/v2/write?org=a+b&bucket=env%2Fautogen&precision=ns',
      encoding: 'gzip',
      authorization: 'Token user:secret',
    });
    expect(gunzipSync(asked[0]!.body).toString()).toBe(body);
  });

  it('compresses nothing where it is told so', async () => {
    const { connection, asked } = await openScene(saying(204, ''), { compression: 'none' });
    await connection.write('a b=1 1\n'.repeat(500));
    expect(asked[0]!.encoding).toBeUndefined();
  });

  it('asks in the database and policy of the bucket, and gives the tables of each statement', async () => {
    const table = '{"name":"m","columns":["time","row"],"values":[[1,"x"]]}';
    const body = `{"results":[{"statement_id":0,"series":[${table}]},{"statement_id":1}]}`;
    const { connection, asked } = await openScene(saying(200, body));
    expect(await connection.ask(['SELECT 1', 'SELECT 2'])).toEqual([
      [{ name: 'm', tags: {}, columns: ['time', 'row'], values: [[1, 'x']] }],
      [],
    ]);
    expect(Object.fromEntries(new URLSearchParams(asked[0]!.body.toString()))).toEqual({
      db: 'env',
      rp: 'autogen',
      epoch: 'ns',
      q: 'SELECT 1;SELECT 2',
    });
  });

  it.each([
    [429, { 'retry-after': '3' }, 3_000],
    [503, { 'retry-after': 'Sun, 22 Nov 2026 12:00:09 GMT' }, 9_000],
    [503, { 'retry-after': 'Sun, 22 Nov 2026 11:00:00 GMT' }, 0],
    [500, {}, Number.NaN],
    [503, { 'retry-after': 'soon' }, Number.NaN],
  ])('tells the status %i and the wait of %j', async (status, headers, retryAfterMs) => {
    const date = { date: 'Sun, 22 Nov 2026 12:00:00 GMT' };
    const { connection } = await openScene(
      saying(status, '{"error":"e"}', { ...date, ...headers }),
    );
    expect(await connection.write('a b=1 1')).toEqual({
      status,
      body: '{"error":"e"}',
      retryAfterMs,
    });
  });

  it.each([
    [401, '{"code":"unauthorized"}', 'INFLUX_NOT_ALLOWED'],
    [403, '', 'INFLUX_NOT_ALLOWED'],
    [404, '{"error":"database not found"}', 'INFLUX_BUCKET_MISSING'],
    [400, '{"error":"error parsing query"}', 'INFLUX_ANSWER'],
    [503, '', 'INFLUX_BUSY'],
    [200, '{"results":[{"statement_id":0,"error":"timeout"}]}', 'INFLUX_BUSY'],
    [200, '{"error":"timeout"}', 'INFLUX_BUSY'],
    [200, '{"results":[{"series":[{"name":"m","partial":true}]}]}', 'INFLUX_ANSWER'],
    [200, '{"results":[]}', 'INFLUX_ANSWER'],
    [200, '{}', 'INFLUX_ANSWER'],
    [200, '<html>', 'INFLUX_ANSWER'],
    [200, '{"results":[{"stat', 'INFLUX_ANSWER'],
  ])('names what is wrong with an answer: %i %s', async (status, body, code) => {
    const { connection } = await openScene(saying(status, body));
    await expect(connection.ask(['SELECT 1'])).rejects.toMatchObject({ code });
  });

  it('drops a measurement, whether the answer has results or not', async () => {
    const { connection, asked } = await openScene(saying(200, '{}'));
    await connection.drop('observation');
    expect(asked[0]!.body.toString()).toContain('DROP+MEASUREMENT+%22observation%22');
  });

  it('gives up what takes too long, also where something comes now and then', async () => {
    const { connection } = await openScene(
      (_, response) => {
        response.writeHead(200, {
          'content-type': 'application/json',
          'content-length': '9999999',
        });
        const drip = (): void => {
          if (response.writable && response.write(' ')) setImmediate(drip);
        };
        drip();
      },
      { requestTimeoutMs: 100 },
    );
    await expect(connection.ask(['SELECT 1'])).rejects.toMatchObject({
      code: 'INFLUX_UNREACHABLE',
      canRetry: true,
    });
  });

  it('does not take an answer that is cut for a whole one', async () => {
    const { connection } = await openScene((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"results":[{"statement_id":0}]}', () => response.socket?.destroy());
    });
    await expect(connection.ask(['SELECT 1'])).rejects.toMatchObject({
      code: 'INFLUX_UNREACHABLE',
    });
  });

  it('takes no answer beyond the bound', async () => {
    const long = `{"results":[{"statement_id":0,"x":"${'x'.repeat(1_100_000)}"}]}`;
    const { connection } = await openScene(saying(200, long), { answerBytesMax: 1_048_576 });
    await expect(connection.ask(['SELECT 1'])).rejects.toMatchObject({
      code: 'INFLUX_ANSWER_TOO_LARGE',
    });
  });

  it('names a server that is not there', async () => {
    const config = configFor({ url: 'http://127.0.0.1:9' });
    const connection = openConnection({ config, token: 't', clock: openSystemClock() });
    await expect(connection.write('a b=1 1')).rejects.toMatchObject({ code: 'INFLUX_UNREACHABLE' });
    connection.close();
    await expect(connection.write('a b=1 1')).rejects.toMatchObject({ code: 'INFLUX_CLOSED' });
  });

  it('checks the certificates it is given, before a byte is sent', async () => {
    const { asked, connection: plain } = await openScene(saying(204, ''));
    expect((await plain.write('a b=1 1')).status).toBe(204);
    const config = configFor({ url: 'https://127.0.0.1:9' });
    const ca = 'no certificate';
    const connection = openConnection({ config, token: 't', ca, clock: openSystemClock() });
    await expect(connection.write('a b=1 1')).rejects.toMatchObject({ code: 'INFLUX_UNREACHABLE' });
    connection.close();
    expect(asked).toHaveLength(1);
  });
});
