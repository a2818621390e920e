import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get as httpsGet } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';

import {
  openTestApi,
  startAt,
  type Json,
  type TestApi,
  type TestApiOptions,
} from './api.fixture.ts';

let rig: TestApi;

beforeEach(async () => {
  rig = await openTestApi();
});
afterEach(() => rig.close());

async function another(options: TestApiOptions): Promise<TestApi> {
  const made = await openTestApi(options);
  onTestFinished(() => made.close());
  return made;
}

/** Sends bytes as they are and reads until the server closes. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

describe('every answer', () => {
  test('carries the headers that keep pages safe', async () => {
    for (const path of ['/api/v1/', '/nothing', '/livez', '/api/v1/latest?x=1']) {
      const { headers } = await rig.get(path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain("default-src 'self'");
      expect(headers.get('content-security-policy')).not.toContain('unsafe-inline');
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('server')).toBeNull();
    }
  });

  test('may be read from any page when it is public, never with credentials', async () => {
    const origin = { origin: 'https://example.org' };
    for (const path of [
      '/api/v1/latest',
      '/api/v1/stations.csv',
      '/api/v1/latest?bad=1',
      '/ogc/collections',
      '/catalog.jsonld',
      '/doc/style.css',
      '/',
    ]) {
      const { headers } = await rig.get(path, origin);
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('access-control-allow-credentials')).toBeNull();
      expect(headers.get('access-control-expose-headers')).toContain('Quantrac-Cursor');
    }
    for (const path of [
      '/api/v1/admin/registry',
      '/api/v1/%61dmin/registry',
      '/metrics',
      '/readyz',
    ]) {
      const { headers } = await rig.get(path, origin);
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
    const preflight = await fetch(`${rig.url}/api/v1/latest`, {
      method: 'OPTIONS',
      headers: { ...origin, 'access-control-request-method': 'GET' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-methods')).toBe('GET, HEAD, OPTIONS');
  });

  test('is compressed when it is long and the client can', async () => {
    const encodingOf = async (accept: string) => {
      const answer = await rig.get('/api/v1/properties', { 'accept-encoding': accept });
      await answer.arrayBuffer();
      return [answer.headers.get('content-encoding'), answer.headers.get('etag')];
    };
    const [plain, plainTag] = await encodingOf('identity');
    const [gzip, gzipTag] = await encodingOf('gzip');
    const [br, brTag] = await encodingOf('br, gzip');
    expect([plain, gzip, br]).toEqual([null, 'gzip', 'br']);
    expect(new Set([plainTag, gzipTag, brTag]).size).toBe(3);
  });

  test('of the description is made once, and 304 for who has it', async () => {
    for (const path of ['/openapi.json', '/api/v1/openapi.json']) {
      const first = await rig.get(path, { 'accept-encoding': 'br' });
      const tag = first.headers.get('etag') ?? '';
      expect([first.status, first.headers.get('content-encoding')]).toEqual([200, 'br']);
      expect(((await first.json()) as Json)['openapi']).toBe('3.1.0');
      const again = await rig.get(path, { 'accept-encoding': 'br', 'if-none-match': tag });
      expect([again.status, await again.text()]).toEqual([304, '']);
    }
  });

  test.each([
    ['Host: a\r\nHost: b\r\n', 'HTTP/1.1', '400', 'API_REQUEST_MALFORMED'],
    ['', 'HTTP/1.1', '400', 'API_REQUEST_MALFORMED'],
    ['', 'HTTP/1.0', '200', '"items"'],
    ['Host: a\r\nExpect: tea\r\n', 'HTTP/1.1', '200', '"items"'],
  ])('to %j over %s is %s with %s', async (headers, version, status, content) => {
    const head = `GET /api/v1/stations?limit=1 ${version}\r\n${headers}Connection: close\r\n\r\n`;
    const answer = await raw(rig.api.httpPort, head);
    expect(answer.split(' ', 2)[1]).toBe(status);
    expect(answer).toContain(content);
  });

  test('to a method that the address does not take is 405 and names those that it does', async () => {
    for (const [path, method] of [
      ['/api/v1/latest', 'POST'],
      ['/api/v1/stations/ha-noi', 'DELETE'],
      ['/livez', 'PUT'],
      ['/api/v1/latest.csv', 'PATCH'],
    ] as const) {
      const answer = await fetch(rig.url + path, { method });
      expect([path, answer.status]).toEqual([path, 405]);
      expect(answer.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
      expect(await answer.json()).toMatchObject({ code: 'API_METHOD_NOT_ALLOWED' });
    }
    const unknown = await raw(
      rig.api.httpPort,
      'PROPFIND /api/v1/latest HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    expect(unknown).toMatch(/^HTTP\/1\.1 405/);
  });

  test('to what does not exist is a problem with code, instance and request id', async () => {
    const answer = await rig.get('/api/v1/nothing?token=secret');
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    const body = (await answer.json()) as Record<string, unknown>;
    expect(body).toMatchObject({
      type: 'urn:quantrac:error:API_NOT_FOUND',
      status: 404,
      code: 'API_NOT_FOUND',
      instance: '/api/v1/nothing',
    });
    expect(JSON.stringify(body)).not.toContain('secret');
  });
});

describe('bad requests', () => {
  test('that are no HTTP get one answer and the connection ends', async () => {
    expect(await raw(rig.api.httpPort, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    const long = `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(40_000)}\r\n\r\n`;
    expect(await raw(rig.api.httpPort, long)).toMatch(
      /^HTTP\/1\.1 431 [\s\S]*API_HEADERS_TOO_LARGE/,
    );
  });

  test('with an address that cannot be read are refused', async () => {
    const answer = await raw(
      rig.api.httpPort,
      'GET /api/v1/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*API_REQUEST_MALFORMED/);
  });

  test('with a body that is too large, of another kind, or no JSON are refused', async () => {
    const put = (body: string, type = 'application/json') =>
      fetch(`${rig.url}/api/v1/admin/tokens`, {
        method: 'POST',
        headers: { authorization: `Bearer ${rig.operator}`, 'content-type': type },
        body,
      });
    const codes = [];
    for (const answer of [
      await put('{'),
      await put('<x/>', 'text/xml'),
      await put(JSON.stringify({ role: 'x'.repeat(2_000_000) })),
      await put('{"__proto__":{"role":"operator"}}'),
    ]) {
      codes.push([answer.status, ((await answer.json()) as { code: string }).code]);
    }
    expect(codes).toEqual([
      [400, 'API_BODY_INVALID'],
      [415, 'API_MEDIA_TYPE_UNSUPPORTED'],
      [413, 'API_REQUEST_TOO_LARGE'],
      [400, 'API_BODY_INVALID'],
    ]);
  });

  test('whose headers do not arrive in time are ended, however alive the connection', async () => {
    const quick = await another({ config: { headersTimeoutMs: 200, requestTimeoutMs: 300 } });
    const socket = connect(quick.api.httpPort, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n');
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    let isOpen = true;
    socket.on('close', () => (isOpen = false));
    while (isOpen && text === '') {
      socket.write('A: b\r\n');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    socket.destroy();
    expect(text).toMatch(/^HTTP\/1\.1 408 [\s\S]*API_REQUEST_TIMEOUT/);
  });

  test('a Host that is none does not get into links', async () => {
    const answer = await raw(
      rig.api.httpPort,
      'GET /api/v1/properties?limit=1 HTTP/1.1\r\nHost: evil"><x\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toContain('"next":"/api/v1/properties?limit=1&page=');
    expect(answer).not.toContain('evil');
  });
});

describe('bounds', () => {
  test('connections of one address beyond the bound are closed at once and counted', async () => {
    const small = await another({ config: { connectionsPerAddressMax: 2 } });
    const port = small.api.httpPort;
    const held = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    onTestFinished(() => held.forEach((socket) => socket.destroy()));
    await Promise.all(held.map((socket) => new Promise((done) => socket.once('connect', done))));
    const request = 'GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const refused = await raw(port, request).catch(() => '');
    expect(refused).toBe('');
    const counted = { reason: 'address' };
    expect(small.telemetry.value('quantrac_http_connections_refused_total', counted)).toBe(1);
    held[0]?.destroy();
    for (;;) {
      const answer = await raw(port, request).catch(() => '');
      if (answer.startsWith('HTTP/1.1 200')) break;
    }
  });

  test('long answers beyond the bound are told to come again; a stalled one is cut', async () => {
    const small = await another({
      config: { streamsMax: 1, streamStallMs: 5_000, rowsPerReadMax: 1_000 },
    });
    small.setNow(startAt + 86_400_000 * 1_000);
    const rows = Array.from({ length: 60_000 }, (_, index) =>
      small.row('ha-noi-temperature', startAt + index * 600_000),
    );
    await small.publish(rows);
    small.flush();
    const path = '/api/v1/observations.ndjson';
    const socket = connect(small.api.httpPort, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.pause();
    const refused = await small.get(path);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(await refused.json()).toMatchObject({ code: 'API_TOO_MANY_STREAMS', canRetry: true });
    expect((await small.get('/api/v1/observations?limit=10')).status).toBe(200);
    const stalled = { reason: 'stalled' };
    while (small.telemetry.value('quantrac_http_streams_cut_total', stalled) === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    let answer = await small.get(path);
    while (answer.status === 429) answer = await small.get(path);
    expect((await answer.text()).trimEnd().split('\n')).toHaveLength(60_001);
  });
});

describe('the web page', () => {
  test('is served at the root, its hashed files for ever', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'quantrac-page-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    mkdirSync(join(folder, 'assets'));
    writeFileSync(join(folder, 'index.html'), '<!doctype html><title>page</title>');
    const text = 'export {};'.repeat(5_000);
    writeFileSync(join(folder, 'assets/a-123.js'), text);
    const paged = await another({ pageFolder: folder });
    const page = await paged.get('/');
    expect([
      page.status,
      page.headers.get('content-type'),
      page.headers.get('cache-control'),
    ]).toEqual([200, 'text/html; charset=utf-8', 'no-cache']);
    // A program that knows only the address goes on from here.
    const links = [...(page.headers.get('link') ?? '').matchAll(/<([^>]+)>; rel="([^"]+)"/g)];
    expect(links.map(([, , rel]) => rel)).toEqual(['index', 'service-desc', 'describedby']);
    for (const [, href] of links) {
      const url = new URL(href ?? '', `${paged.url}/`);
      expect([href, (await fetch(url)).status]).toEqual([href, 200]);
    }
    const script = await paged.get('/assets/a-123.js');
    expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(await script.text()).toBe(text);
    const tag = script.headers.get('etag') ?? '';
    const same = await paged.get('/assets/a-123.js', { 'if-none-match': tag });
    expect([same.status, await same.text()]).toEqual([304, '']);
    for (const path of [
      '/../package.json',
      '/%2e%2e/package.json',
      '/assets/',
      '/assets/none.js',
    ]) {
      expect((await paged.get(path)).status).toBe(404);
    }
  });
});

describe('the start', () => {
  test('names the port that is in use', async () => {
    const port = rig.api.httpPort;
    await expect(openTestApi({ config: { httpPort: port } })).rejects.toMatchObject({
      code: 'API_PORT_IN_USE',
      fields: { port },
    });
  });

  test('refuses half a certificate, and files that are none', async () => {
    await expect(openTestApi({ config: { tlsKeyFile: 'x' } })).rejects.toMatchObject({
      code: 'API_CERTIFICATE_INVALID',
      fields: { missing: 'tlsCertificateFile' },
    });
    const none = { tlsKeyFile: '/nowhere', tlsCertificateFile: '/nowhere' };
    await expect(openTestApi({ config: none })).rejects.toMatchObject({
      code: 'API_CERTIFICATE_INVALID',
    });
  });

  test('serves HTTPS with the certificate files, and a new pair without a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'quantrac-tls-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const tlsKeyFile = join(folder, 'key.pem');
    const tlsCertificateFile = join(folder, 'cert.pem');
    const renew = (name: string) =>
      execFileSync(
        'openssl',
        ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'].concat([
          '-days',
          '1',
          '-subj',
          `/CN=${name}`,
          '-keyout',
          tlsKeyFile,
          '-out',
          tlsCertificateFile,
        ]),
        { stdio: 'ignore' },
      );
    renew('first');
    const secure = await another({ config: { tlsKeyFile, tlsCertificateFile, tlsReloadMs: 20 } });
    expect(secure.api.isSecure).toBe(true);
    const look = () =>
      new Promise<{ name: string; hsts: unknown }>((resolve, reject) => {
        httpsGet(`${secure.url}/livez`, { rejectUnauthorized: false, agent: false }, (answer) => {
          const socket = answer.socket as unknown as {
            getPeerCertificate(): { subject: { CN: string } };
          };
          const name = socket.getPeerCertificate().subject.CN;
          answer.resume();
          resolve({ name, hsts: answer.headers['strict-transport-security'] });
        }).on('error', reject);
      });
    expect(await look()).toEqual({ name: 'first', hsts: 'max-age=31536000' });
    writeFileSync(tlsCertificateFile, 'broken');
    while (
      secure.telemetry.value('quantrac_http_certificate_reloads_total', { outcome: 'refused' }) ===
      0
    ) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await look()).name).toBe('first');
    renew('second');
    while ((await look()).name === 'first') continue;
    expect((await look()).name).toBe('second');
  });
});
