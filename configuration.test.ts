import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readConfiguration, settings, type ConfigurationInput } from './configuration.ts';

const read = (
  flags: ConfigurationInput['flags'] = {},
  environment: ConfigurationInput['environment'] = {},
) => readConfiguration({ flags, environment });

function writeFile(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-configuration-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'quantrac.json');
  writeFileSync(path, text);
  return path;
}

/** Code and fields of what is thrown. */
function refusalOf(reading: () => unknown): unknown {
  try {
    reading();
  } catch (error) {
    const { code, fields } = error as { readonly code?: unknown; readonly fields?: object };
    return { code, ...fields };
  }
  return undefined;
}

const cluster = { node: '3', 'kafka-brokers': 'one:9092, two:9092' } as const;

describe('settings', () => {
  test('are all optional on one machine', () => {
    const configuration = read();
    expect(configuration).toMatchObject({ role: 'all', mqttPort: 1883, demo: false, json: false });
    expect(configuration.cluster).toBeUndefined();
  });

  test('come from a flag before the environment before the file before the default', () => {
    const file = writeFile('{ "httpPort": 1, "mqttPort": 2, "mqttsPort": 3 }');
    const environment = {
      QUANTRAC_CONFIG: file,
      QUANTRAC_HTTP_PORT: '10',
      QUANTRAC_MQTT_PORT: '20',
    };
    expect(read({ 'http-port': '100' }, environment)).toMatchObject({
      httpPort: 100,
      mqttPort: 20,
      mqttsPort: 3,
      mqttWsPort: 8083,
    });
    const other = writeFile('{ "httpPort": 4 }');
    expect(read({ config: other }, { QUANTRAC_CONFIG: file })).toMatchObject({ httpPort: 4 });
  });

  test('of rooms are placed by flags and the environment beside what the file says of the room', () => {
    const file = writeFile(`{
      // The secrets stay in files.
      "cluster": { "node": 1, "partitions": 4, "kafka": { "brokers": ["x:1"], "user": "q" } },
      "api": { "pollMsMax": 1, },
    }`);
    const refused = refusalOf(() => read({ config: file, 'metrics-port': '9100' }));
    expect(refused).toMatchObject({ key: 'api.pollMsMax' });
    const good = writeFile(
      '{ "cluster": { "node": 1, "partitions": 4, "kafka": { "brokers": ["x:1"], "user": "q" } } }',
    );
    const configuration = read({ ...cluster, config: good, 'metrics-port': '9100' });
    expect(configuration.api.metricsPort).toBe(9_100);
    expect(configuration.cluster).toMatchObject({
      node: 3,
      partitions: 4,
      kafka: { brokers: ['one:9092', 'two:9092'], user: 'q', topicPrefix: 'quantrac-' },
    });
  });

  test('of InfluxDB may come by the environment alone', () => {
    const configuration = read(cluster, {
      QUANTRAC_INFLUX_URL: 'http://influx:8086',
      QUANTRAC_INFLUX_TOKEN_FILE: '/run/token',
    });
    expect(configuration.cluster?.influx).toMatchObject({
      url: 'http://influx:8086',
      tokenFile: '/run/token',
      org: 'quantrac',
      bucket: 'observations',
    });
  });

  test('have flags and variables of one name', () => {
    for (const [flag, variable] of settings) {
      expect(variable).toBe(`QUANTRAC_${flag.toUpperCase().replaceAll('-', '_')}`);
    }
  });
});

describe('what is not accepted', () => {
  test.each([
    ['a number that is none', { 'http-port': 'http' }, { key: 'httpPort', value: 'http' }],
    [
      'a number out of bounds',
      { ...cluster, node: '0' },
      { key: 'cluster.node', flag: '--node', environment: 'QUANTRAC_NODE', value: 0 },
    ],
    [
      'an address of a list',
      { node: '1', 'kafka-brokers': 'one:9092,two' },
      { key: 'cluster.kafka.brokers.1', flag: '--kafka-brokers', value: 'two' },
    ],
    [
      'an empty list',
      { node: '1', 'kafka-brokers': '' },
      { key: 'cluster.kafka.brokers.0', environment: 'QUANTRAC_KAFKA_BROKERS', value: '' },
    ],
    [
      'what is missing',
      { 'kafka-brokers': 'one:9092' },
      { key: 'cluster.node', flag: '--node', value: undefined },
    ],
    ['an unknown role', { role: 'sink' }, { key: 'role', flag: '--role', value: 'sink' }],
    [
      'no address of InfluxDB',
      { ...cluster, 'influx-url': 'influx' },
      { key: 'cluster.influx.url', flag: '--influx-url', value: 'influx' },
    ],
  ])('is named by key, flag, variable and value: %s', (_what, flags, expected) => {
    expect(refusalOf(() => read(flags))).toMatchObject({
      code: 'START_CONFIG_INVALID',
      accepted: expect.stringMatching(/./) as unknown,
      ...expected,
    });
  });

  test('is a role of a cluster where there is none', () => {
    expect(refusalOf(() => read({ role: 'broker' }))).toMatchObject({
      code: 'START_CONFIG_INVALID',
      key: 'role',
      value: 'broker',
      accepted: expect.stringContaining('kafka.brokers'),
    });
    expect(read({ ...cluster, role: 'broker' }).role).toBe('broker');
  });

  test('is a record of a topic that a stretch may outgrow', () => {
    const kafka = { brokers: ['one:9092'], messageBytesMax: 2_097_152 };
    const readWith = (stretch: object) =>
      read({
        config: writeFile(JSON.stringify({ cluster: { node: 1, kafka }, ingest: { stretch } })),
      });
    expect(refusalOf(() => readWith({}))).toMatchObject({
      code: 'START_CONFIG_INVALID',
      key: 'cluster.kafka.messageBytesMax',
      value: 2_097_152,
      accepted: expect.stringMatching(/^2359296 or more/) as unknown,
    });
    const smaller = { bytesMax: 524_288 };
    expect(readWith(smaller).ingest.stretch).toMatchObject(smaller);
  });

  test('is an unknown key, and those that are known are told', () => {
    const file = writeFile(
      '{ "cluster": { "node": 1, "kafka": { "brokers": ["a:1"], "acks": 1 } } }',
    );
    expect(refusalOf(() => read({ config: file }))).toMatchObject({
      key: 'cluster.kafka.acks',
      value: 1,
      accepted: expect.stringContaining('topicPrefix'),
    });
  });

  test('is something else where the keys of a room belong, whatever flags say', () => {
    for (const text of ['"three nodes"', '[1]', '7']) {
      const file = writeFile(`{ "cluster": ${text} }`);
      const value: unknown = JSON.parse(text);
      expect(refusalOf(() => read({ ...cluster, config: file }))).toMatchObject({
        key: 'cluster',
        value,
      });
    }
  });

  test('is a file that is not there, not JSON, or not one object', () => {
    for (const config of ['/none/quantrac.json', writeFile('{ "a": }'), writeFile('[]')]) {
      expect(refusalOf(() => read({ config }))).toMatchObject({
        code: 'START_CONFIG_UNREADABLE',
        file: config,
      });
    }
  });
});
