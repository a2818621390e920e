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
  log: logConfigSchema.prefault({}).describe('Both logs: readings and observations.'),
  ingest: ingestConfigSchema.prefault({}).describe('Judging and keeping.'),
  api: apiConfig.omit({ host: true, httpPort: true }).prefault({}).describe('The doors out.'),
  simulators: simulatorsConfigSchema
    .prefault({})
    .describe('The world outside: simulate, replay, load, and the stations of --demo.'),
});

export type Configuration = z.infer<typeof configurationSchema> & {
  readonly demo: boolean;
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
] as const;

export interface ConfigurationInput {
  /** Values of flags by flag name; `config`, `demo` and `json` among them. */
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Throws START_CONFIG_INVALID naming key, value and what is accepted. */
export function readConfiguration(input: ConfigurationInput): Configuration {
  const file = readFile(textOf(input.flags['config']) ?? input.environment['QUANTRAC_CONFIG']);
  const merged: Record<string, unknown> = { ...file };
  for (const [flag, variable, key, kind] of settings) {
    const given = textOf(input.flags[flag]) ?? input.environment[variable];
    if (given !== undefined) merged[key] = kind === 'number' ? toNumber(given) : given;
  }
  const parsed = configurationSchema.safeParse(merged);
  if (!parsed.success)
    throw startError('START_CONFIG_INVALID', describeIssue(parsed.error.issues[0], merged));
  return { ...parsed.data, demo: input.flags['demo'] === true, json: input.flags['json'] === true };
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
  if (typeof content === 'object' && content !== null && !Array.isArray(content))
    return content as Record<string, unknown>;
  throw startError('START_CONFIG_UNREADABLE', { file: path, problem: 'it is not one object' });
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
  const setting = settings.find(([, , key]) => path.length === 1 && key === path[0]);
  return {
    key: path.join('.'),
    ...(setting === undefined ? {} : { flag: `--${setting[0]}`, environment: setting[1] }),
    value,
    accepted: acceptedAt(issue) ?? issue.message,
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
