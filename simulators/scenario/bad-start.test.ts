import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadRegistryFile } from '../load/network.ts';
import { runCommand, startServerProcess, type CommandOptions } from './server-process.ts';

/** Each command is a process of its own, and the machine may be busy. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const commandMsMax = 60_000;

let folder: string;
/** Never made by a start that is refused. */
let dataDir: string;
let holder: Server;
let heldPort: number;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quantrac-bad-start-'));
  dataDir = join(folder, 'data');
  holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  heldPort = (holder.address() as AddressInfo).port;
});

afterAll(() => {
  holder.close();
  rmSync(folder, { recursive: true });
});

function write(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** What is written to standard error, without the lines of the log. */
async function refused(
  words: readonly string[],
  options: CommandOptions = {},
): Promise<{ readonly code: number | null; readonly said: string }> {
  const { code, stdout, stderr } = await runCommand(words, { msMax: commandMsMax, ...options });
  expect(stdout).toBe('');
  const said = stderr
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('{'));
  expect(said).toHaveLength(1);
  return { code, said: said[0] ?? '' };
}

const freePorts = ['--mqtt-port', '0', '--mqtt-ws-port', '0', '--http-port', '0'];

describe('a configuration that is not accepted', () => {
  /** A start that opened its doors first would meet this port and say so instead. */
  const atHeldPort = () => ['run', '--data-dir', dataDir, '--mqtt-port', String(heldPort)];

  test.each([
    ['{"logLevel":"loud"}', 'logLevel', '"loud"', '"error\\", \\"warn\\", \\"info\\", \\"debug'],
    ['{"httpPort":70000}', 'httpPort', '70000', '"integer from 0 to 65535"'],
    ['{"broker":{"inflightMax":"many"}}', 'broker.inflightMax', '"many"', '"integer from 1 to'],
    [
      '{"ingest":{"store":{"tailAgeMsMax":-5}}}',
      'ingest.store.tailAgeMsMax',
      '-5',
      '"integer from',
    ],
    ['{"threads":7}', 'threads', '7', 'expected object'],
    [
      '{"ingest":{"checks":{"properties":{"air-temprature":{}}}}}',
      'ingest.checks.properties.air-temprature',
      '{}',
      'an id of /api/v1/properties',
    ],
    [
      '{"ingest":{"checks":{"datastreams":{"a":{"spike":{"suspect":0}}}}}}',
      'ingest.checks.datastreams.a.spike.suspect',
      '0',
      'expected number to be >0',
    ],
    ['{"broker":{"nope":1}}', 'broker.nope', '1', 'connectionsMax, connectionRateMax'],
    ['{"nope":true}', 'nope', 'true', '"dataDir, host, mqttPort'],
  ])('%s is refused by its key, with what it accepts', async (content, key, value, accepted) => {
    const config = write('config.json', content);
    const { code, said } = await refused([...atHeldPort(), '--config', config]);
    expect(said).toContain('[START_CONFIG_INVALID]');
    expect(said).toContain(`key: "${key}"`);
    expect(said).toContain(`value: ${value}`);
    expect(said).toMatch(/accepted: "/);
    expect(said).toContain(accepted);
    expect(code).toBe(2);
    expect(existsSync(dataDir)).toBe(false);
  });

  test('a flag and a variable of the environment are named beside the key', async () => {
    const byFlag = await refused(['run', '--data-dir', dataDir, '--mqtt-port', 'abc']);
    const environment = { QUANTRAC_MQTT_PORT: 'abc' };
    const byEnvironment = await refused(['run', '--data-dir', dataDir], { environment });
    expect(byEnvironment).toEqual(byFlag);
    expect(byFlag.code).toBe(2);
    expect(byFlag.said).toContain(
      'key: "mqttPort", flag: "--mqtt-port", environment: "QUANTRAC_MQTT_PORT", value: "abc", accepted: "integer from 0 to 65535"',
    );
    expect(existsSync(dataDir)).toBe(false);
  });

  test.each(['{"host": }', '[]', '5', 'null'])('the file %s is refused by name', async (text) => {
    const config = write('broken.json', text);
    const { code, said } = await refused([...atHeldPort(), '--config', config]);
    expect(said).toContain(`file: ${JSON.stringify(config)}`);
    expect(said).toContain('[START_CONFIG_UNREADABLE]');
    expect(code).toBe(2);
    expect(existsSync(dataDir)).toBe(false);
  });
});

describe('a place that is taken', () => {
  test.each([
    ['mqttPort', '--mqtt-port', 'BROKER_PORT_IN_USE'],
    ['mqttWsPort', '--mqtt-ws-port', 'BROKER_PORT_IN_USE'],
    ['httpPort', '--http-port', 'API_PORT_IN_USE'],
  ])('%s in use ends the start with what to do', async (key, flag, error) => {
    const data = ['--data-dir', join(folder, `data-${key}`), '--host', '127.0.0.1'];
    const { code, said } = await refused(['run', ...data, ...freePorts, flag, String(heldPort)]);
    expect(said).toContain(`key: "${key}"`);
    expect(said).toContain(`port: ${heldPort}`);
    expect(said).toMatch(/Stop the other program, or (set|choose) another port/);
    expect(said).toContain(`[${error}]`);
    expect(code).toBe(2);
  });

  test('an address that is not of this machine ends the start as what it is', async () => {
    const data = ['--data-dir', join(folder, 'data-address'), '--host', '192.0.2.1'];
    const { code, said } = await refused(['run', ...data, ...freePorts]);
    expect(said).toContain('host: "192.0.2.1"');
    expect(said).toContain('[BROKER_LISTEN_FAILED]');
    expect(code).toBe(2);
  });

  test('a data folder that cannot be made or written ends the start with what to do', async () => {
    const file = write('file', '');
    for (const path of [file, join(file, 'below')]) {
      const { code, said } = await refused(['run', '--data-dir', path, ...freePorts]);
      expect(said).toContain(`folder: ${JSON.stringify(path)}`);
      expect(said).toContain('choose another --data-dir. [START_FOLDER_UNWRITABLE]');
      expect(code).toBe(2);
    }
  });

  test('a second server on the same folder is refused, and the first goes on', async () => {
    const own = join(folder, 'owned');
    const first = await startServerProcess({ dataDir: own });
    try {
      const { code, said } = await refused(['run', '--data-dir', own, ...freePorts]);
      expect(said).toContain('Stop the other one, or choose another --data-dir.');
      expect(said).toContain('[START_FOLDER_OWNED]');
      expect(code).toBe(2);
      const ready = await fetch(`http://127.0.0.1:${first.ports.httpPort}/readyz`);
      expect(ready.status).toBe(200);
    } finally {
      expect(await first.stop()).toBe(0);
    }
  });
});

describe('a command that is not understood', () => {
  test.each([
    [['frobnicate'], '"frobnicate"', '"provision","token"'],
    [['run', '--frob'], '--frob', '"--mqtt-port"'],
    [['run', '--demo=yes'], '--demo', '"--http-port"'],
    [['run', 'extra'], "'extra'", '"--demo"'],
    [['run', '--data-dir'], '--data-dir', '"--data-dir"'],
    [['provision'], '"provision"', 'one registry file'],
    [['token', 'create', '--role', 'king'], '"king"', '"operator","reader"'],
    [['erase', '--reason', 'x'], '"erase"', '--device ID, or --owner ID'],
  ])('%j is refused with what is accepted', async (words, named, accepted) => {
    const { code, said } = await refused(words, { environment: { QUANTRAC_DATA_DIR: dataDir } });
    expect(said).toContain(named);
    expect(said).toMatch(/accepted: /);
    expect(said).toContain(accepted);
    expect(said).toContain('[START_USAGE]');
    expect(code).toBe(2);
    expect(existsSync(dataDir)).toBe(false);
  });
});

test('a file of records that cannot be read is refused by its line, without asking for a server', async () => {
  const columns = { T: { property: 'air-temperature', unit: 'Cel', aggregation: 'mean' } };
  const name = { vi: 'a', en: 'a' };
  const profile = write('profile.json', {
    format: 'quantrac-replay-profile/1',
    title: 'a',
    station: { id: 'a', name, latitude: 0, longitude: 0, timeZone: 'UTC', class: 'citizen' },
    owner: { id: 'o', name, kind: 'citizen' },
    time: { column: 'Time' },
    intervalMs: 60_000,
    columns,
  });
  const records = write('records.csv', 'Time,T\n2024-01-01T00:00:00Z,1\nlater,2\n');
  const words = ['replay', records, '--profile', profile, '--data-dir', dataDir];
  const { code, said } = await refused(words);
  expect(said).toContain(`file: ${JSON.stringify(records)}, problem: "line 3: \\"later\\" is not`);
  expect(said).toContain('[START_REPLAY_FILE]');
  expect(code).toBe(2);
});

describe('a registry file with errors', () => {
  /** Three mistakes in three places: each has to be found in one go. */
  function wrongFile(): string {
    const { stations, datastreams, devices, ...rest } = structuredClone(
      loadRegistryFile(3, 1_000),
    ) as unknown as Record<string, Record<string, unknown>[]>;
    Object.assign(stations?.[1] ?? {}, { latitude: 91 });
    Object.assign(datastreams?.[20] ?? {}, { property: 'no-such-property' });
    Object.assign(devices?.[2] ?? {}, { owner: 'nobody' });
    return write('wrong.json', { stations, datastreams, devices, ...rest });
  }

  async function problemsOf(words: readonly string[]) {
    const { code, stdout, stderr } = await runCommand(words, { msMax: commandMsMax });
    expect(stdout).toBe('');
    const problems = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly pointer: string; readonly message: string });
    for (const { message } of problems) expect(message).not.toBe('');
    return { code, pointers: problems.map(({ pointer }) => pointer).toSorted() };
  }

  const pointers = ['/datastreams/20/property', '/devices/2/owner', '/stations/1/latitude'];

  test('every error is named by its pointer and nothing is changed, with a server and without', async () => {
    const own = join(folder, 'registry');
    const right = write('right.json', loadRegistryFile(2, 1_000));
    expect((await runCommand(['provision', right, '--data-dir', own])).code).toBe(0);
    const wrong = ['provision', wrongFile(), '--data-dir', own];
    expect(await problemsOf(wrong)).toEqual({ code: 1, pointers });
    const server = await startServerProcess({ dataDir: own });
    try {
      expect(await problemsOf(wrong)).toEqual({ code: 1, pointers });
      const answer = await fetch(`http://127.0.0.1:${server.ports.httpPort}/api/v1/stations`);
      const { items } = (await answer.json()) as { readonly items: readonly { id: string }[] };
      expect(items).toHaveLength(2);
    } finally {
      expect(await server.stop()).toBe(0);
    }
  });

  test.each([['{"format":'], ['[]'], ['{"format":"quantrac-registry/9"}']])(
    '%s is no registry file',
    async (text) => {
      const { code, stdout, stderr } = await runCommand(
        ['provision', write('none.json', text), '--data-dir', join(folder, 'none')],
        { msMax: commandMsMax },
      );
      expect(stdout).toBe('');
      expect(stderr).toMatch(/START_USAGE|"pointer":"(\/format)?"/);
      expect(code).toBe(text === '{"format":' ? 2 : 1);
    },
  );
});
