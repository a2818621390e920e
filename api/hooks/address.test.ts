import { describe, expect, test } from 'vitest';

import { addressOf, readReceiver } from './address.ts';

const resolved = (url: string, addresses: readonly string[], isLoopbackAllowed = false) =>
  addressOf(new URL(url), async () => addresses, isLoopbackAllowed);

describe('the address of a receiver', () => {
  test.each([
    'https://example.com/hook?a=1',
    'https://1.1.1.1:8443/',
    'https://[2606:4700::1111]/',
  ])('may be %s', (url) => {
    expect(readReceiver(url, false).href).toBe(url);
  });

  test.each([
    'http://example.com/',
    'ftp://example.com/',
    'https://user:secret@example.com/',
    'https://example.com/#part',
    'https://intranet/',
    'https://localhost/',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[fd00::1]/',
    `https://example.com/${'x'.repeat(2_000)}`,
    'not a url',
  ])('may not be %s', (url) => {
    expect(() => readReceiver(url, false)).toThrow(
      expect.objectContaining({
        code: 'API_PARAMETER_INVALID',
        fields: expect.objectContaining({ parameter: 'url' }) as object,
      }),
    );
  });

  test('may be on this machine where that is set, and on no other private one', () => {
    expect(readReceiver('http://127.0.0.1:9/', true).port).toBe('9');
    expect(readReceiver('http://localhost/', true).hostname).toBe('localhost');
    expect(() => readReceiver('http://10.0.0.1/', true)).toThrow(/parameter/);
    expect(() => readReceiver('http://example.com/', true)).toThrow(/parameter/);
  });
});

describe('what a name stands for', () => {
  test.each([
    '10.1.2.3',
    '172.31.255.255',
    '192.168.0.1',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '198.51.100.1',
    '::',
    '::1',
    'fe80::1',
    'fc00::1',
    'ff02::1',
    '::ffff:192.168.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001::1',
    '2001:db8::1',
  ])('must not be %s, not even among others', async (address) => {
    expect(await resolved('https://example.com/', [address])).toBeUndefined();
    expect(await resolved('https://example.com/', ['1.1.1.1', address])).toBeUndefined();
  });

  test('is the one address that is used', async () => {
    expect(await resolved('https://example.com/', ['1.1.1.1', '8.8.8.8'])).toBe('1.1.1.1');
    expect(await resolved('https://example.com/', ['2606:4700::1111'])).toBe('2606:4700::1111');
    expect(await resolved('https://example.com/', [])).toBeUndefined();
    expect(await resolved('http://localhost/', ['127.0.0.1'])).toBeUndefined();
    expect(await resolved('http://localhost/', ['127.0.0.1'], true)).toBe('127.0.0.1');
  });
});
