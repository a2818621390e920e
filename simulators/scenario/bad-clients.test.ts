import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sleep } from '../../devices/clock.ts';
import { openSystemClock } from '../../devices/clock-system.ts';
import type { DeviceSecretOf } from '../device.ts';
import { connectPacket } from '../load/wire.ts';
import { provisionLoad } from './network.ts';
import { runCommand, startServerProcess, type ServerProcess } from './server-process.ts';

const clock = openSystemClock();

let folder: string;
let server: ServerProcess;
let secrets: readonly DeviceSecretOf[];
let operator: string;
/** A device that behaves, connected from the beginning to the end. */
let neighbour: MqttClient;
let neighbourClosed = 0;
const lines: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quantrac-bad-clients-'));
  const dataDir = join(folder, 'data');
  secrets = await provisionLoad(dataDir, 3);
  server = await startServerProcess({ dataDir, onLine: (line) => lines.push(line) });
  const words = ['token', 'create', '--role', 'operator', '--data-dir', dataDir];
  operator = (JSON.parse((await runCommand(words)).stdout) as { readonly secret: string }).secret;
  neighbour = await connect(secretOf(0));
  neighbour.on('close', () => (neighbourClosed += 1));
});

afterAll(async () => {
  await neighbour.endAsync();
  await server.stop();
  rmSync(folder, { recursive: true });
});

function secretOf(index: number): DeviceSecretOf {
  const secret = secrets[index];
  if (secret === undefined) throw new Error(`there is no device ${index}`);
  return secret;
}

function connect(secret: Pick<DeviceSecretOf, 'clientId' | 'username' | 'password'>) {
  const { clientId, username, password } = secret;
  return connectAsync(`mqtt://127.0.0.1:${server.ports.mqttPort}`, {
    clientId,
    username,
    password,
    reconnectPeriod: 0,
  });
}

const publish = (client: MqttClient, { deviceId }: DeviceSecretOf, text: string) =>
  client.publishAsync(`env/v1/${deviceId}/obs`, text, { qos: 1 });

/** The one who behaves is served as before, on the connection that it had. */
async function expectNeighbourServed(): Promise<void> {
  await publish(neighbour, secretOf(0), `{"ts":${clock.now()},"temp":20.5}`);
  expect(neighbourClosed).toBe(0);
}

const api = (path: string) => `http://127.0.0.1:${server.ports.httpPort}${path}`;

/** The value of one series of `/metrics`, 0 where it is not there yet. */
async function metric(series: string): Promise<number> {
  const text = await (await fetch(api('/metrics'))).text();
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length) ?? 0);
}

async function soon<Value>(read: () => Promise<Value>, isThere: (value: Value) => boolean) {
  for (let turns = 0; turns < 200; turns += 1) {
    const value = await read();
    if (isThere(value)) return value;
    await sleep(clock, 50);
  }
  throw new Error(`it never came: ${lines.slice(-5).join('\n')}`);
}

describe('a login that is not accepted', () => {
  const counted = async () => {
    const ofReason = (reason: string) =>
      metric(`quantrac_auth_failures_total{listener="tcp",reason="${reason}"}`);
    return [await ofReason('wrong-secret'), await ofReason('unknown')] as const;
  };

  test('a wrong token, another’s name and an unknown device are refused by CONNACK and counted', async () => {
    const before = await counted();
    const right = secretOf(1);
    const attempts = [
      { ...right, password: `${right.password}x` },
      { ...right, username: secretOf(2).username },
      { ...right, username: 'nobody' },
      { ...right, password: '' },
    ];
    for (const attempt of attempts) {
      await expect(connect(attempt)).rejects.toMatchObject({ code: 4 });
    }
    const after = await soon(
      counted,
      ([wrong, unknown]) => wrong + unknown >= before[0] + before[1] + attempts.length,
    );
    expect(after).toEqual([before[0] + 3, before[1] + 1]);
    expect(lines.filter((line) => line.includes('login failed')).join('\n')).toMatch(
      /"reason":"wrong-secret","address":"127\.0\.0\.1","device":"/,
    );
    expect(lines.filter((line) => line.includes(right.password))).toEqual([]);
    await (await connect(right)).endAsync();
    await expectNeighbourServed();
  });
});

describe('what is not MQTT', () => {
  /** Hostile clients get ten lines a second together; more are only counted. */
  beforeEach(() => sleep(clock, 250));

  interface RawClient {
    readonly socket: Socket;
    readonly received: () => Buffer;
    readonly closed: Promise<void>;
  }

  async function open(): Promise<RawClient> {
    const socket = connectSocket({ host: '127.0.0.1', port: server.ports.mqttPort });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A reset is one way to be closed.
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('connect', resolve));
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    return { socket, received: () => Buffer.concat(chunks), closed };
  }

  async function openAsDevice(): Promise<RawClient> {
    const client = await open();
    const { clientId, username, password } = secretOf(2);
    const options = { clientId, username, password, cleanSession: true, keepAliveSeconds: 60 };
    client.socket.write(connectPacket(options));
    await soon(
      async () => client.received().length,
      (length) => length >= 4,
    );
    expect([...client.received()]).toEqual([0x20, 2, 0, 0]);
    return client;
  }

  const topic = Buffer.from('\0\x03a/b');

  test.each([
    ['a request of HTTP', 'stranger', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a PUBLISH before CONNECT', 'stranger', Buffer.from([0x30, 5, ...topic])],
    [
      'a second CONNECT',
      'device',
      Buffer.from([0x10, 12, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 0]),
    ],
    ['a packet type that does not exist', 'device', Buffer.from([0xf0, 0])],
    ['SUBSCRIBE with wrong flags', 'device', Buffer.from([0x80, 8, 0, 1, ...topic, 0])],
    ['a length that does not end', 'device', Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 1])],
    ['QoS 3', 'device', Buffer.from([0x36, 7, ...topic, 0, 1])],
    ['a packet id of 0', 'device', Buffer.from([0x32, 7, ...topic, 0, 0])],
  ])(
    '%s from a %s ends that connection alone, and the log names the rule',
    async (_, who, bytes) => {
      const counted = 'quantrac_mqtt_protocol_violations_total';
      const before = await metric(counted);
      const written = lines.length;
      const client = await (who === 'device' ? openAsDevice() : open());
      const answered = client.received().length;
      client.socket.write(bytes);
      await client.closed;
      expect(client.received()).toHaveLength(answered);
      expect(
        await soon(
          () => metric(counted),
          (value) => value > before,
        ),
      ).toBe(before + 1);
      const [line = ''] = await soon(
        async () => lines.slice(written).filter((each) => each.includes('broke a rule of MQTT')),
        (found) => found.length > 0,
      );
      expect(JSON.parse(line)).toMatchObject({ level: 'warn', address: '127.0.0.1' });
      expect((JSON.parse(line) as { readonly rule: string }).rule).toMatch(/MQTT-\d|§\d/);
      await expectNeighbourServed();
    },
  );
});

describe('a payload that cannot be understood', () => {
  interface Held {
    readonly items: readonly {
      readonly position: number;
      readonly device: string;
      readonly channel: string | null;
      readonly code: string;
    }[];
  }

  const ask = (path: string) =>
    fetch(api(path), { headers: { authorization: `Bearer ${operator}` } });

  async function heldOf(device: string): Promise<Held['items']> {
    return ((await (await ask(`/api/v1/admin/quarantine?device=${device}`)).json()) as Held).items;
  }

  test('it is acknowledged, and stands in quarantine with its reason and its bytes', async () => {
    const secret = secretOf(1);
    const client = await connect(secret);
    const cut = `{"ts":${clock.now()},"temp":2`;
    await publish(client, secret, cut);
    await publish(client, secret, `{"ts":${clock.now()},"temp":"warm","nothing-such":1}`);
    await client.endAsync();
    const items = await soon(
      () => heldOf(secret.deviceId),
      (held) => held.length >= 3,
    );
    const found = items.map(({ channel, code }) => [channel, code]);
    expect(found).toHaveLength(3);
    expect(found).toEqual(
      expect.arrayContaining([
        [null, 'CODEC_SYNTAX'],
        ['temp', 'CODEC_VALUE_TEXT'],
        ['nothing-such', 'INGEST_UNMAPPED_CHANNEL'],
      ]),
    );
    const position = items.find(({ code }) => code === 'CODEC_SYNTAX')?.position;
    const detail = await (await ask(`/api/v1/admin/quarantine/${position}`)).json();
    expect(JSON.stringify(detail)).toContain(JSON.stringify(cut).slice(1, -1));
    expect(await heldOf(secretOf(0).deviceId)).toEqual([]);
    expect((await fetch(api('/api/v1/admin/quarantine'))).status).toBe(401);
  });
});

test('an operator sees who is connected', async () => {
  const headers = { authorization: `Bearer ${operator}` };
  const answer = await fetch(api('/api/v1/admin/connections'), { headers });
  const { items } = (await answer.json()) as { readonly items: readonly object[] };
  const recent = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string;
  expect(items).toContainEqual(
    expect.objectContaining({
      principal: `device:${secretOf(0).deviceId}`,
      listener: 'tcp',
      address: '127.0.0.1',
      connectedAt: recent,
      heardAt: recent,
    }),
  );
});

describe('a query that cannot be answered', () => {
  test.each([
    ['/api/v1/latest?bbox=1,2,3', 'bbox'],
    ['/api/v1/stations?near=0,0', 'near'],
    ['/api/v1/observations?station=load-00000&from=yesterday', 'from'],
    ['/api/v1/observations?station=load-00000&limit=0', 'limit'],
    ['/api/v1/observations?station=load-00000&order=up', 'order'],
    ['/api/v1/observations?station=load-00000&quality=fine', 'quality'],
    ['/api/v1/aggregates?station=load-00000&window=P2D', 'window'],
    ['/api/v1/latest?colour=red', 'colour'],
    ['/api/v1/changes?after=yesterday', 'after'],
    ['/api/v1/latest?format=xls', 'format'],
  ])('%s is answered by 400 that names %s', async (path, parameter) => {
    const answer = await fetch(api(path));
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    const problem = (await answer.json()) as Record<string, unknown>;
    expect({ status: answer.status, parameter: problem['parameter'] }).toEqual({
      status: 400,
      parameter,
    });
    expect(problem['code']).toMatch(/^API_/);
  });
});
