/**
 * AsyncAPI 3.0 of everything that is pushed: server-sent events, WebSocket, MQTT and webhooks. All
 * carry the same changes under the same cursors; only `open/v1/{stationId}/{slug}` carries latest rows.
 */
import { z } from 'zod';

import { changesSchema, latestSchema } from '../description/schemas.ts';
import { cursorExample, examples } from '../description/examples.ts';
import { expiredSchema, postedChangesSchema, verificationSchema } from '../hooks/messages.ts';

const contact =
  'Changes are followed by cursor: a follower stores the last one and resumes behind it.';

/** `base`: this server, without a path. */
export function asyncApi(base: string): object {
  const { host, hostname, protocol } = new URL(base);
  const isSecure = protocol === 'https:';
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Quantrac live data',
      version: '1.0.0',
      description: `Open readings of weather, water and air stations as they happen. ${contact}`,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      externalDocs: { url: `${base}/openapi.json`, description: 'The reading API, OpenAPI 3.1' },
    },
    defaultContentType: 'application/json',
    servers: serversOf({ host, hostname, isSecure }),
    channels: { ...channels, webhook },
    operations: { ...operations, ...webhookOperations },
    components: { messages, schemas: schemasOf() },
  };
}

function serversOf(at: {
  readonly host: string;
  readonly hostname: string;
  readonly isSecure: boolean;
}): object {
  const { host, hostname, isSecure } = at;
  const port = (usual: string) => ({
    port: {
      default: usual,
      description: 'As the operator has configured it; this is the usual one.',
    },
  });
  return {
    http: {
      host,
      pathname: '/api/v1',
      protocol: isSecure ? 'https' : 'http',
      description: 'Server-sent events; no key for what is public.',
    },
    webSocket: {
      host,
      pathname: '/api/v1',
      protocol: isSecure ? 'wss' : 'ws',
      description: 'Subprotocol quantrac.changes.v1.',
    },
    mqtt: {
      host: `${hostname}:{port}`,
      protocol: isSecure ? 'mqtts' : 'mqtt',
      protocolVersion: '3.1.1',
      description:
        'Anonymous and read-only under open/. With a key as the password of the user name `token`, `_changes` are those that the key may see.',
      variables: port(isSecure ? '8883' : '1883'),
    },
    mqttOverWebSocket: {
      host: `${hostname}:{port}`,
      pathname: '/mqtt',
      protocol: isSecure ? 'wss' : 'ws',
      protocolVersion: '13',
      description: 'MQTT 3.1.1 over WebSocket, subprotocol mqtt.',
      variables: port('8083'),
    },
  };
}

const channelRef = (name: string) => ({ $ref: `#/channels/${name}` });
const serverRef = (name: string) => ({ $ref: `#/servers/${name}` });
const messageRef = (name: string) => ({ $ref: `#/components/messages/${name}` });

const place = {
  stationId: {
    description: 'Id of a station, or + for all; `_stream` in messages about a stream of all.',
  },
  slug: {
    description:
      'Name of a series in its station, or + for all; `_stream` in messages about a stream of all.',
  },
} as const;

const filters = {
  query: {
    type: 'object',
    properties: Object.fromEntries(
      [
        'station',
        'datastream',
        'property',
        'owner',
        'class',
        'province',
        'bbox',
        'near',
        'after',
      ].map((name) => [name, { type: 'string' }]),
    ),
  },
} as const;

const streamDescription =
  'Never retained, QoS 0 or 1. The first message tells the cursor where the stream begins; a problem is the last one.';

const channels = {
  liveEvents: {
    address: '/live',
    title: 'Server-sent events',
    description:
      'Events `change`, whose id is the cursor. Resumes by Last-Event-ID or ?after=; 410 where the cursor is too old.',
    servers: [serverRef('http')],
    messages: { change: messageRef('change') },
  },
  liveSocket: {
    address: '/live',
    title: 'WebSocket',
    description:
      'A text message a change; ?after= resumes. A problem is the last message before a close.',
    servers: [serverRef('webSocket')],
    messages: {
      change: messageRef('change'),
      cursor: messageRef('cursor'),
      problem: messageRef('problem'),
    },
    bindings: { ws: { method: 'GET', ...filters, bindingVersion: '0.1.0' } },
  },
  latest: {
    address: 'open/v1/{stationId}/{slug}',
    title: 'Latest row of a series',
    description:
      'Retained: a subscriber gets the newest row at once. Wildcards are allowed, and reach no `_changes`.',
    servers: [serverRef('mqtt'), serverRef('mqttOverWebSocket')],
    parameters: place,
    messages: { latest: messageRef('latest') },
  },
  changes: {
    address: 'open/v1/_changes/{stationId}/{slug}',
    title: 'Changes from now on',
    description: streamDescription,
    servers: [serverRef('mqtt'), serverRef('mqttOverWebSocket')],
    parameters: place,
    messages: {
      change: messageRef('change'),
      cursor: messageRef('cursor'),
      problem: messageRef('problem'),
    },
  },
  changesAfter: {
    address: 'open/v1/_changes/after/{cursor}/{stationId}/{slug}',
    title: 'Changes behind a cursor',
    description: streamDescription,
    servers: [serverRef('mqtt'), serverRef('mqttOverWebSocket')],
    parameters: { cursor: { description: 'A cursor, `oldest` or `now`.' }, ...place },
    messages: {
      change: messageRef('change'),
      cursor: messageRef('cursor'),
      problem: messageRef('problem'),
    },
  },
} as const;

const webhook = {
  address: null,
  title: 'Address of a subscriber',
  description:
    'Asked for by POST /api/v1/webhooks. Signed by Standard Webhooks; webhook-id is the key under which a repeat is known.',
  messages: {
    verification: messageRef('verification'),
    posted: messageRef('posted'),
    expired: messageRef('expired'),
  },
} as const;

const sends = (channel: keyof typeof channels, summary: string) => ({
  action: 'send',
  channel: channelRef(channel),
  summary,
});

/** Seen from this server: it sends. */
const operations = {
  sendEvents: sends('liveEvents', 'Sends every change as a server-sent event.'),
  sendMessages: sends('liveSocket', 'Sends every change as a message of a WebSocket.'),
  publishLatest: {
    ...sends('latest', 'Publishes each new latest row, retained.'),
    bindings: { mqtt: { qos: 0, retain: true, bindingVersion: '0.2.0' } },
  },
  publishChanges: sends('changes', 'Publishes every change from now on.'),
  publishChangesAfter: sends('changesAfter', 'Publishes every change behind a cursor.'),
} as const;

const posts = (message: keyof (typeof webhook)['messages'], summary: string) => ({
  action: 'send',
  channel: channelRef('webhook'),
  summary,
  messages: [{ $ref: `#/channels/webhook/messages/${message}` }],
});

const webhookOperations = {
  postVerification: posts('verification', 'Asks whether the address wants this, before all else.'),
  postChanges: posts('posted', 'Posts changes in order, again until they are answered 2xx.'),
  postExpired: posts('expired', 'Tells that the cursor cannot be followed any more.'),
} as const;

const schemaRef = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const [changeExample] = examples.changes.changes;

const webhookHeaders = {
  type: 'object',
  required: ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
  properties: {
    'webhook-id': { type: 'string', description: 'Key under which a repeat is known.' },
    'webhook-timestamp': { type: 'string', description: 'Seconds UTC.' },
    'webhook-signature': { type: 'string', description: 'v1,base64; several by blank.' },
  },
} as const;

const postedAt = (type: string) => ({ type, timestamp: '2024-06-01T00:00:01.000Z' });

const messages = {
  change: {
    title: 'A change: insert, correction, deletion, or a series opened or closed',
    payload: schemaRef('change'),
    examples: [{ name: 'insert', payload: changeExample }],
  },
  latest: {
    title: 'A row of /api/v1/latest',
    payload: schemaRef('latest'),
    examples: [{ name: 'latest', payload: examples.latest }],
  },
  cursor: {
    title: 'Where the stream is',
    payload: schemaRef('cursor'),
    examples: [{ name: 'cursor', payload: { type: 'cursor', cursor: cursorExample } }],
  },
  problem: {
    title: 'Why the stream ends (RFC 9457)',
    payload: schemaRef('problem'),
  },
  verification: {
    title: 'Whether a webhook is wanted',
    headers: webhookHeaders,
    payload: schemaRef('verification'),
    examples: [
      {
        name: 'verification',
        payload: {
          ...postedAt('webhook.verification'),
          data: { challenge: 'pGq0Kx1mZ3w', webhook: 'wh_4f1c' },
        },
      },
    ],
  },
  posted: {
    title: 'Changes as a webhook',
    headers: webhookHeaders,
    payload: schemaRef('postedChanges'),
    examples: [
      {
        name: 'changes',
        payload: {
          ...postedAt('changes'),
          data: { changes: examples.changes.changes, cursor: cursorExample },
        },
      },
    ],
  },
  expired: {
    title: 'A webhook whose cursor is gone',
    headers: webhookHeaders,
    payload: schemaRef('expired'),
  },
} as const;

function schemasOf(): Readonly<Record<string, unknown>> {
  const cursor = z.strictObject({ type: z.literal('cursor'), cursor: z.string().max(1_000) });
  const problem = z.looseObject({ type: z.string(), code: z.string() });
  return {
    change: draft7(changesSchema.shape.changes.element),
    verification: draft7(verificationSchema),
    postedChanges: draft7(postedChangesSchema),
    expired: draft7(expiredSchema),
    latest: draft7(latestSchema),
    cursor: draft7(cursor),
    problem: draft7(problem),
  };
}

function draft7(schema: z.ZodType): object {
  const { $schema: _draft, ...written } = z.toJSONSchema(schema, { target: 'draft-7' });
  return written;
}
