import { describe, expect, it } from 'vitest';
import { influxConfigSchema, tokenOf } from './config.ts';

const url = 'http://127.0.0.1:8086';

describe('the settings of InfluxDB', () => {
  it('need an address alone, and hold no secret of their own', () => {
    const config = influxConfigSchema.parse({ url });
    expect(config).toMatchObject({ bucket: 'observations', measurement: 'observation' });
    expect(config.token).toBeUndefined();
    expect(config.tokenFile).toBeUndefined();
  });

  it.each([
    ['ftp://a', 'url'],
    ['nowhere', 'url'],
  ])('refuse the address %s', (wrong, key) => {
    expect(influxConfigSchema.safeParse({ url: wrong }).error?.issues[0]?.path).toEqual([key]);
  });

  it.each([{ measurement: 'a-b' }, { measurement: 'a"' }, { bucket: 'a b' }, { unknown: 1 }])(
    'refuse what cannot be: %j',
    (wrong) => {
      expect(influxConfigSchema.safeParse({ url, ...wrong }).success).toBe(false);
    },
  );
});

describe('the token', () => {
  const files = new Map([
    ['/token', 'from the file\r\n'],
    ['/empty', '\n'],
  ]);
  const readText = (path: string): string => {
    const text = files.get(path);
    if (text === undefined) throw new Error('ENOENT');
    return text;
  };

  it('is the one given, or that of the file', () => {
    expect(tokenOf({ token: 'one' }, readText)).toBe('one');
    expect(tokenOf({ tokenFile: '/token' }, readText)).toBe('from the file');
  });

  it.each([
    {},
    { token: 'one', tokenFile: '/token' },
    { tokenFile: '/empty' },
    { tokenFile: '/missing' },
  ])('is missed by name: %j', (given) => {
    expect(() => tokenOf(given, readText)).toThrow(
      expect.objectContaining({ code: 'INFLUX_TOKEN_MISSING' }),
    );
  });
});
