import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCommand, simulateCommand } from './commands-world.ts';
import { replayCommand } from './commands-replay.ts';
import { readConfiguration, type Configuration } from './configuration.ts';
import type { Command } from './command-line.ts';
import { doorsOf, trustOf } from './server-doors.ts';
import { makeCertificate } from './simulators/certificate.fixture.ts';

let folder: string;
let files: ReturnType<typeof makeCertificate>;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'quantrac-doors-'));
  files = makeCertificate(folder, 'quantrac.example');
});
afterAll(() => rmSync(folder, { recursive: true }));

const plain = { mqttPort: 1, mqttWsPort: 2, httpPort: 3, isSecure: false };
const secure = { ...plain, mqttsPort: 4, isSecure: true };

function configurationOf(flags: Command['flags']): Configuration {
  return readConfiguration({ flags, environment: {} });
}

const trusted = () =>
  trustOf({ name: 'load', flags: { ca: files.tlsCertificateFile }, arguments: [] });

test.each([
  [undefined, '127.0.0.1', '127.0.0.1'],
  ['0.0.0.0', '127.0.0.1', '127.0.0.1'],
  ['::', '127.0.0.1', '127.0.0.1'],
  ['192.0.2.7', '192.0.2.7', '192.0.2.7'],
  ['2001:db8::7', '2001:db8::7', '[2001:db8::7]'],
])('a server that listens on %s is reached at %s', (listening, host, written) => {
  const doors = doorsOf(configurationOf({ host: listening }), plain, undefined);
  expect(doors).toMatchObject({ host, mqttPort: 1, mqttUrl: `mqtt://${written}:1` });
  expect(doors.api).toMatchObject({ url: `http://${written}:3` });
});

test('TLS is spoken where a certificate is named and the server has the door', () => {
  const trust = trusted();
  const both = doorsOf(configurationOf({}), secure, trust);
  expect(both).toMatchObject({ mqttUrl: 'mqtts://127.0.0.1:4', mqttPort: 4, trust });
  expect(both.api).toMatchObject({ url: 'https://127.0.0.1:3', trust });
  const apiAlone = doorsOf(configurationOf({}), { ...plain, isSecure: true }, trust);
  expect(apiAlone).toMatchObject({ mqttUrl: 'mqtt://127.0.0.1:1', trust: undefined });
});

test("without the flag HTTPS takes the server's own certificate from the configuration", () => {
  const { simulators, ...configuration } = configurationOf({});
  const own = { ...configuration, simulators, api: { ...configuration.api, ...files } };
  const { ca } = trusted() ?? {};
  expect(doorsOf(own, secure, undefined)).toMatchObject({ mqttUrl: 'mqtt://127.0.0.1:1' });
  expect(doorsOf(own, secure, undefined).api).toMatchObject({ trust: { ca } });
});

test('a certificate for a server without TLS is a mistake that is named', () => {
  expect(() => doorsOf(configurationOf({}), plain, trusted())).toThrow(
    expect.objectContaining({
      code: 'START_USAGE',
      fields: expect.objectContaining({ flag: '--ca' }) as object,
    }) as Error,
  );
});

describe('where no server runs, a flag that is wrong is what is said', () => {
  const refused = (flag: string) => ({ code: 'START_USAGE', fields: { flag: `--${flag}` } });
  const flagsWith = (flag: string) => ({ [flag]: 'x', 'data-dir': join(folder, 'none') });

  test.each(['devices', 'rate', 'seconds', 'window', 'qos2', 'seed'])('load --%s', async (flag) => {
    const command = { name: 'load', flags: flagsWith(flag), arguments: [] } as const;
    await expect(loadCommand(command)).rejects.toMatchObject(refused(flag));
  });

  test.each(['stations', 'interval', 'seconds', 'faults', 'seed'])(
    'simulate --%s',
    async (flag) => {
      const command = { name: 'simulate', flags: flagsWith(flag), arguments: [] } as const;
      await expect(simulateCommand(command)).rejects.toMatchObject(refused(flag));
    },
  );

  test.each(['time', 'speed'])('replay --%s', async (flag) => {
    const command = { name: 'replay', flags: flagsWith(flag), arguments: ['none.csv'] } as const;
    await expect(replayCommand(command)).rejects.toMatchObject(refused(flag));
  });

  test('--ca of each', async () => {
    const wrong = { code: 'SIMULATORS_CERTIFICATE_INVALID' };
    const flags = flagsWith('ca');
    await expect(loadCommand({ name: 'load', flags, arguments: [] })).rejects.toMatchObject(wrong);
    await expect(simulateCommand({ name: 'simulate', flags, arguments: [] })).rejects.toMatchObject(
      wrong,
    );
    await expect(
      replayCommand({ name: 'replay', flags, arguments: ['none.csv'] }),
    ).rejects.toMatchObject(wrong);
  });

  test('with flags that are right, that no server runs', async () => {
    const flags = { 'data-dir': join(folder, 'none') };
    await expect(loadCommand({ name: 'load', flags, arguments: [] })).rejects.toMatchObject({
      code: 'START_NOT_RUNNING',
    });
  });
});
