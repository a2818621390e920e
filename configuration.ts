/**
 * Where every setting comes from: a flag, else the environment, else the configuration file, else
 * the default; one zod schema a room. Unknown keys are errors. Read before anything is opened.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { apiConfig } from './api/config.ts';
import { brokerConfigSchema } from './broker/config.ts';
import { acceptedValues, parseCommentedJson, type SchemaNode } from './commented-json.ts';
import { devicesConfigSchema } from './devices/config.ts';
import { startError } from './errors.ts';
import { clusterConfigSchema } from './ingest/cluster/config.ts';
import { ingestConfigSchema } from './ingest/config.ts';
import { logConfigSchema } from './ingest/log/config.ts';
import { simulatorsConfigSchema } from './simulators/config.ts';

const port = z.int().min(0).max(65_535);

/** Keys that a flag and the environment may give too stand at the top; the rest by room. */
export const configurationSchema = z.strictObject({
  dataDir: z
    .string()
    .min(1)
    .default('data')
    .describe('Folder of everything that is kept. One server owns it at a time.'),
  host: z
    .string()
    .min(1)
    .optional()
    .describe('Address that all doors listen on. Default: all interfaces; 127.0.0.1 under --demo.'),
  mqttPort: port.default(1883).describe('MQTT over TCP; 0 picks a free one.'),
  mqttsPort: port
    .default(8883)
    .describe('MQTT over TLS, open when certificate files are given; 0 picks a free one.'),
  mqttWsPort: port.default(8083).describe('MQTT over WebSocket, path /mqtt; 0 picks a free one.'),
  httpPort: port.default(8080).describe('The reading API and the live page; 0 picks a free one.'),
  pushPort: port
    .default(8081)
    .describe("Reserved for devices' HTTP pushes; this version opens nothing on it."),
  role: z
    .enum(['all', 'broker', 'ingest', 'api'])
    .default('all')
    .describe('What this process does of a cluster; without `cluster` it does all.'),
  logLevel: z
    .enum(['error', 'warn', 'info', 'debug'])
    .default('info')
    .describe('Least level of the lines on standard error.'),
  threads: z
    .strictObject({
      youngMegabytesMax: z
        .int()
        .min(4)
        .max(1_024)
        .default(24)
        .describe(
          'New objects of one thread before they are looked through. Larger: less often, more memory.',
        ),
      apiYoungMegabytesMax: z
        .int()
        .min(4)
        .max(1_024)
        .default(96)
        .describe(
          'The same for the thread of the API: what is under way for thousands of readers is no longer new otherwise when it has ended, and costs twice as much.',
        ),
      apiNice: z
        .int()
        .min(0)
        .max(19)
        .default(5)
        .describe(
          "How far readers stand behind devices where cores are short: the nice value of the API's thread, of those that make its files and charts too. Linux only. 0: on one level.",
        ),
      heapMegabytesMax: z
        .int()
        .min(128)
        .max(65_536)
        .default(1_024)
        .describe(
          'Objects of one thread. At the bound the process ends with a reason; a restart loses nothing.',
        ),
    })
    .prefault({})
    .describe('Memory of the threads of broker, ingest and api, each.'),
  devices: devicesConfigSchema.prefault({}).describe('The registry.'),
  broker: brokerConfigSchema
    .omit({ host: true, mqttPort: true, mqttsPort: true, mqttWsPort: true, anonymousPublish: true })
    .prefault({})
    .describe('The doors in.'),
  cluster: clusterConfigSchema
    .optional()
    .describe('More than one process: Kafka between them. Absent on one machine.'),
  log: logConfigSchema.prefault({}).describe('Both logs: readings and observations.'),
  ingest: ingestConfigSchema.prefault({}).describe('Judging and keeping.'),
  api: apiConfig.omit({ host: true, httpPort: true }).prefault({}).describe('The doors out.'),
  simulators: simulatorsConfigSchema
    .prefault({})
    .describe('The world outside: simulate, replay, load, and the stations of --demo.'),
});

export type Configuration = z.infer<typeof configurationSchema> & {
  /** Simulated stations, and publishing without a secret from this machine. */
  readonly demo: boolean;
  /** The same with the network on which developers try their clients. */
  readonly sandbox: boolean;
  readonly json: boolean;
};

/** Flag, environment variable, key: interfaces.md §2. */
export const settings = [
  ['data-dir', 'QUANTRAC_DATA_DIR', 'dataDir', 'text'],
  ['host', 'QUANTRAC_HOST', 'host', 'text'],
  ['mqtt-port', 'QUANTRAC_MQTT_PORT', 'mqttPort', 'number'],
  ['mqtts-port', 'QUANTRAC_MQTTS_PORT', 'mqttsPort', 'number'],
  ['mqtt-ws-port', 'QUANTRAC_MQTT_WS_PORT', 'mqttWsPort', 'number'],
  ['http-port', 'QUANTRAC_HTTP_PORT', 'httpPort', 'number'],
  ['push-port', 'QUANTRAC_PUSH_PORT', 'pushPort', 'number'],
  ['metrics-port', 'QUANTRAC_METRICS_PORT', 'api.metricsPort', 'number'],
  ['role', 'QUANTRAC_ROLE', 'role', 'text'],
  ['node', 'QUANTRAC_NODE', 'cluster.node', 'number'],
  ['kafka-brokers', 'QUANTRAC_KAFKA_BROKERS', 'cluster.kafka.brokers', 'list'],
  ['influx-url', 'QUANTRAC_INFLUX_URL', 'cluster.influx.url', 'text'],
  ['influx-org', 'QUANTRAC_INFLUX_ORG', 'cluster.influx.org', 'text'],
  ['influx-bucket', 'QUANTRAC_INFLUX_BUCKET', 'cluster.influx.bucket', 'text'],
  ['influx-token-file', 'QUANTRAC_INFLUX_TOKEN_FILE', 'cluster.influx.tokenFile', 'text'],
] as const;

export interface ConfigurationInput {
  /** Values of flags by flag name; `config`, `demo`, `sandbox` and `json` among them. */
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Throws START_CONFIG_INVALID naming key, value and what is accepted. */
export function readConfiguration(input: ConfigurationInput): Configuration {
  const file = readFile(textOf(input.flags['config']) ?? input.environment['QUANTRAC_CONFIG']);
  const merged: Record<string, unknown> = { ...file };
  for (const [flag, variable, key, kind] of settings) {
    const given = textOf(input.flags[flag]) ?? input.environment[variable];
    if (given !== undefined) place(merged, key.split('.'), valueOf(given, kind));
  }
  const sandbox = input.flags['sandbox'] === true;
  if (sandbox) placeSandbox(merged);
  const parsed = configurationSchema.safeParse(merged);
  if (!parsed.success)
    throw startError('START_CONFIG_INVALID', describeIssue(parsed.error.issues[0], merged));
  refuseContradictions(parsed.data);
  const demo = sandbox || input.flags['demo'] === true;
  return { ...parsed.data, demo, sandbox, json: input.flags['json'] === true };
}

/** In a folder of its own where none is named, and with cursors that expire after a quarter of an hour. */
function placeSandbox(merged: Record<string, unknown>): void {
  merged['dataDir'] ??= 'sandbox';
  const { feedHorizonMs = 900_000 } = (merged['api'] ?? {}) as { readonly feedHorizonMs?: unknown };
  place(merged, ['api', 'feedHorizonMs'], feedHorizonMs);
  place(merged, ['api', 'sandbox'], true);
}

/** Bytes of a row of observations in a batch, of the longest kind. */
const rowBytesMax = 128;

function refuseContradictions({
  role,
  cluster,
  ingest,
}: z.infer<typeof configurationSchema>): void {
  if (role !== 'all' && cluster === undefined) {
    const accepted = 'all; another role needs `cluster` (node and kafka.brokers)';
    throw startError('START_CONFIG_INVALID', { key: 'role', value: role, accepted });
  }
  if (cluster === undefined) return;
  const { bytesMax, rowsMax } = ingest.stretch;
  const least = 2 * bytesMax + rowBytesMax * rowsMax;
  const value = cluster.kafka.messageBytesMax;
  if (value < least) {
    const key = 'cluster.kafka.messageBytesMax';
    const accepted = `${least} or more: a stretch (ingest.stretch.bytesMax, rowsMax) becomes one record`;
    throw startError('START_CONFIG_INVALID', { key, value, accepted });
  }
}

function valueOf(text: string, kind: (typeof settings)[number][3]): unknown {
  if (kind === 'number') return toNumber(text);
  return kind === 'list' ? text.split(',').map((item) => item.trim()) : text;
}

/**
 * Objects on the way are copied: what the file holds is left as it is. Where it holds something else
 * there, the schema says so.
 */
function place(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [first = '', ...rest] = path;
  if (rest.length === 0) {
    target[first] = value;
    return;
  }
  const present = target[first] ?? {};
  if (!isObject(present)) return;
  const inner = { ...present };
  target[first] = inner;
  place(inner, rest, value);
}

function textOf(flag: string | boolean | undefined): string | undefined {
  return typeof flag === 'string' ? flag : undefined;
}

function toNumber(text: string): unknown {
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

function readFile(path: string | undefined): Record<string, unknown> {
  if (path === undefined) return {};
  let content: unknown;
  try {
    content = parseCommentedJson(readFileSync(path, 'utf8'));
  } catch (error) {
    throw startError('START_CONFIG_UNREADABLE', { file: path, problem: String(error) }, error);
  }
  if (isObject(content)) return content;
  throw startError('START_CONFIG_UNREADABLE', { file: path, problem: 'it is not one object' });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describeIssue(
  issue: z.core.$ZodIssue | undefined,
  merged: unknown,
): Record<string, unknown> {
  if (issue === undefined) return {};
  const path =
    issue.code === 'unrecognized_keys' ? [...issue.path, ...issue.keys.slice(0, 1)] : issue.path;
  let value: unknown = merged;
  for (const step of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[step];
  // Of a list the place in it is named too.
  const named = path.filter((step) => typeof step === 'string').join('.');
  const setting = settings.find(([, , key]) => key === named);
  return {
    key: path.join('.'),
    ...(setting === undefined ? {} : { flag: `--${setting[0]}`, environment: setting[1] }),
    value,
    // What a key may be beside another the schema of the key alone does not say.
    accepted: issue.code === 'custom' ? issue.message : (acceptedAt(issue) ?? issue.message),
  };
}

/** From the schema, as the printed configuration says it; undefined where it says nothing. */
function acceptedAt(issue: z.core.$ZodIssue): string | undefined {
  const whole: unknown = z.toJSONSchema(configurationSchema, { io: 'input' });
  let node = whole as SchemaNode | undefined;
  for (const step of issue.path) node = node?.properties?.[String(step)];
  if (node === undefined) return undefined;
  if (issue.code === 'unrecognized_keys') return Object.keys(node.properties ?? {}).join(', ');
  return acceptedValues(node) || undefined;
}
