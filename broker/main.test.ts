/** The doors from outside, through a client library that devices really use. */
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { brokerConfigSchema } from './config.ts';
import { openRig } from './mqtt/rig.ts';
import { useRig } from './mqtt/scene.ts';

async function openClient(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await connectAsync(url, { reconnectPeriod: 0, ...options });
  onTestFinished(() => client.endAsync(true));
  return client;
}

const login = { username: 'one', password: 'secret of one', clientId: 'station-one' };

describe('the broker', () => {
  test.each([
    ['TCP', 'mqtt', 'mqttPort', ''],
    ['WebSocket', 'ws', 'mqttWsPort', '/mqtt'],
  ] as const)('takes readings of every QoS over %s', async (_name, scheme, port, path) => {
    const rig = await useRig();
    const url = `${scheme}://127.0.0.1:${rig.broker.addresses[port]}${path}`;
    const client = await openClient(url, login);
    for (const qos of [0, 1, 2] as const) {
      await client.publishAsync('env/v1/one/obs', JSON.stringify({ qos }), { qos });
    }
    await expect.poll(() => rig.log.readings.length).toBe(3);
    expect(rig.broker.stats).toMatchObject({
      connections: 1,
      sessions: 1,
      publishesReceived: 3,
      publishesAcknowledged: 2,
    });
  });

  test('takes many at once, of many clients, and keeps each once', async () => {
    const rig = await useRig();
    const url = `mqtt://127.0.0.1:${rig.port}`;
    const clients = await Promise.all(
      ['one', 'two', 'three'].map((id) =>
        openClient(url, { username: id, password: `secret of ${id}`, clientId: id }),
      ),
    );
    await Promise.all(
      clients.flatMap((client, index) =>
        Array.from({ length: 300 }, (_, number) =>
          client.publishAsync(`env/v1/${['one', 'two', 'three'][index]}/obs`, String(number), {
            qos: number % 2 === 0 ? 1 : 2,
          }),
        ),
      ),
    );
    expect(rig.log.readings.length).toBe(900);
    const kept = new Set(rig.log.readings.map(({ device, payload }) => `${device} ${payload}`));
    expect(kept.size).toBe(900);
  });

  test('carries a command to a device and its reply back into the log', async () => {
    const rig = await useRig();
    const url = `mqtt://127.0.0.1:${rig.port}`;
    const device = await openClient(url, login);
    const got = new Promise<string>((resolve) => {
      device.on('message', (topic, payload) => resolve(`${topic} ${payload.toString()}`));
    });
    await device.subscribeAsync('env/v1/one/cmd/#', { qos: 1 });
    const ops = await openClient(url, { username: 'ops', password: 'secret of ops' });
    await ops.publishAsync('env/v1/one/cmd/42', 'restart', { qos: 1 });
    expect(await got).toBe('env/v1/one/cmd/42 restart');
    await device.publishAsync('env/v1/one/cmd/42/reply', 'done', { qos: 1 });
    expect(rig.log.readings.map(({ kind, topic }) => `${kind} ${topic}`)).toEqual([
      'control env/v1/one/cmd/42',
      'control env/v1/one/cmd/42/reply',
    ]);
  });

  test('tells its figures to telemetry', async () => {
    const rig = await useRig();
    const client = await openClient(`mqtt://127.0.0.1:${rig.port}`, login);
    await client.publishAsync('env/v1/one/obs', 'x', { qos: 1 });
    const received = () =>
      rig.telemetry.value('quantrac_mqtt_publish_received_total', { qos: '1' });
    await expect.poll(received).toBe(1);
    expect(rig.telemetry.value('quantrac_mqtt_connections')).toBe(1);
    expect(rig.telemetry.value('quantrac_mqtt_publish_acknowledged_total')).toBe(1);
    expect(rig.telemetry.value('quantrac_mqtt_received_bytes_total')).toBeGreaterThan(0);
  });
});

describe('a start that cannot succeed', () => {
  test('names a port in use, and leaves nothing open', async () => {
    const rig = await useRig();
    const taken = rig.broker.addresses.mqttPort;
    await expect(openRig({ config: { mqttPort: taken } })).rejects.toMatchObject({
      code: 'BROKER_PORT_IN_USE',
      fields: { key: 'mqttPort', port: taken },
    });
    const free = await openRig();
    const freed = free.broker.addresses.mqttPort;
    await free.broker.close();
    await expect(openRig({ config: { mqttPort: freed, mqttWsPort: taken } })).rejects.toMatchObject(
      {
        code: 'BROKER_PORT_IN_USE',
        fields: { key: 'mqttWsPort' },
      },
    );
    const again = await openRig({ config: { mqttPort: freed } });
    await again.broker.close();
  });

  test('names an address that is not of this machine', async () => {
    await expect(openRig({ config: { host: '192.0.2.1' } })).rejects.toMatchObject({
      code: 'BROKER_LISTEN_FAILED',
      fields: { key: 'mqttPort', host: '192.0.2.1' },
    });
  });
});

describe('configuration', () => {
  test('has a default for everything and refuses what it does not know', () => {
    const config = brokerConfigSchema.parse({});
    expect(config).toMatchObject({ mqttPort: 1883, anonymousPublish: 'never', inflightMax: 100 });
    expect(() => brokerConfigSchema.parse({ mqttport: 1 })).toThrow('mqttport');
  });

  test('every key says what it means', () => {
    const { properties } = z.toJSONSchema(brokerConfigSchema, { io: 'input' });
    const silent = Object.entries(properties ?? {}).filter(
      ([, schema]) => typeof schema === 'boolean' || schema.description === undefined,
    );
    expect(silent).toEqual([]);
  });

  test('listening beyond this machine without TLS is warned of', async () => {
    const rig = await openRig({ config: { host: '0.0.0.0' } });
    await rig.broker.close();
    expect(rig.telemetry.lines.filter(({ level }) => level === 'warn').length).toBe(1);
  });
});
