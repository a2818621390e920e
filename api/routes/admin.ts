/** `/api/v1/admin/…`: what operators see and do. The work itself is in `admin/`. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';

import type { QuarantineEntry } from '../../ingest/observations/batch.ts';
import type { AccessAdmin } from '../access/admin.ts';
import type { AccessLog } from '../access/log.ts';
import { addAccessLog } from '../access/log-routes.ts';
import { addAccessAdmin } from '../access/admin-routes.ts';
import type { QuarantineAdmin } from '../admin/quarantine.ts';
import type { RegistryAdmin } from '../admin/registry.ts';
import type { ApiContext } from '../context.ts';
import { requireOperator, viewerOf, type Viewer } from '../viewer.ts';
import { anything, described, id, instantText, limit, position } from './admin-route.ts';
import { adminAnswers } from '../description/admin-schemas.ts';
import { addState, type StateRoutes } from './admin-state.ts';

export interface AdminRoutes extends StateRoutes {
  readonly access: AccessAdmin;
  readonly accessLog: AccessLog;
  readonly registryAdmin: RegistryAdmin;
  readonly quarantine: QuarantineAdmin;
}

export function addAdmin(app: FastifyInstance, context: ApiContext, admin: AdminRoutes): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('cache-control', 'no-store');
    requireOperator(viewerOf(context.registry, request.headers.authorization));
    done();
  });
  addRegistry(app, context, admin);
  addSecrets(app, context, admin);
  addQuarantine(app, context, admin);
  addState(app, context, admin);
  addAccessAdmin(app, context, admin.access);
  addAccessLog(app, admin.accessLog);
}

function operatorOf(context: ApiContext, request: FastifyRequest): Viewer {
  return viewerOf(context.registry, request.headers.authorization);
}

function addRegistry(app: FastifyInstance, context: ApiContext, admin: AdminRoutes): void {
  const { registryAdmin } = admin;
  app.get('/registry', { schema: described('The registry file.', {}) }, () =>
    registryAdmin.exportRegistry(),
  );
  app.put(
    '/registry',
    {
      bodyLimit: context.config.importBytesMax,
      schema: described('Imports a registry file: all or nothing.', {
        body: anything,
        answer: adminAnswers.imported,
      }),
    },
    (request) => registryAdmin.importRegistry(request.body, operatorOf(context, request).actor),
  );
  const historyQuery = z.strictObject({
    afterVersion: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
    limit,
  });
  app.get(
    '/registry/history',
    {
      schema: described('Who changed what, and when.', {
        querystring: historyQuery,
        answer: adminAnswers.history,
      }),
    },
    (request) => {
      const query = request.query as z.infer<typeof historyQuery>;
      const rows = registryAdmin.history(query);
      return { items: rows.map((row) => ({ ...row, at: instantText(row.at) })) };
    },
  );
}

function addSecrets(app: FastifyInstance, context: ApiContext, admin: AdminRoutes): void {
  const { registryAdmin } = admin;
  const provisionBody = z.strictObject({
    devices: z.array(id).min(1).max(100_000).optional().describe('Without it: all devices.'),
    rotate: z.boolean().default(false).describe('A new secret also for those that have one.'),
  });
  app.post(
    '/provision',
    {
      schema: described('Gives devices their secrets, shown this once.', {
        body: provisionBody,
        answer: adminAnswers.provisioned,
      }),
    },
    (request) => {
      const { devices, rotate } = request.body as z.infer<typeof provisionBody>;
      const { actor } = operatorOf(context, request);
      return registryAdmin.provision({ devices, rotate, actor });
    },
  );
  const tokenBody = z.strictObject({
    role: z.enum(['operator', 'reader']),
    owner: id.optional(),
    recipient: id.optional().describe('By whose grants a reader reads.'),
  });
  app.post(
    '/tokens',
    {
      schema: described('Creates a token, shown this once.', {
        body: tokenBody,
        answer: adminAnswers.token,
        status: 201,
      }),
    },
    async (request, reply) => {
      const wanted = request.body as z.infer<typeof tokenBody>;
      const { actor } = operatorOf(context, request);
      reply.code(201);
      return registryAdmin.createToken({ ...wanted, actor });
    },
  );
  addCertificates(app, context, admin);
  const subject = z.strictObject({ subject: id });
  app.delete(
    '/secrets/:subject',
    {
      schema: described('Ends a token, or every secret of a device, at once.', {
        params: subject,
        answer: adminAnswers.changed,
      }),
    },
    (request) =>
      registryAdmin.revoke(
        (request.params as z.infer<typeof subject>).subject,
        operatorOf(context, request).actor,
      ),
  );
}

function addCertificates(app: FastifyInstance, context: ApiContext, admin: AdminRoutes): void {
  const { registryAdmin } = admin;
  const pinBody = z.strictObject({
    device: id,
    certificate: z
      .string()
      .min(1)
      .max(65_536)
      .describe('PEM text of the client certificate, or its SHA-256 fingerprint.'),
  });
  app.post(
    '/certificates',
    {
      schema: described('Lets a client certificate stand for a device.', {
        body: pinBody,
        answer: adminAnswers.changed,
        status: 201,
      }),
    },
    async (request, reply) => {
      const { actor } = operatorOf(context, request);
      reply.code(201);
      return registryAdmin.pinCertificate({
        ...(request.body as z.infer<typeof pinBody>),
        actor,
      });
    },
  );
  const params = z.strictObject({ fingerprint256: z.string().min(64).max(95) });
  app.delete(
    '/certificates/:fingerprint256',
    {
      schema: described('Ends one certificate at once.', { params, answer: adminAnswers.changed }),
    },
    (request) =>
      registryAdmin.unpinCertificate(
        (request.params as z.infer<typeof params>).fingerprint256,
        operatorOf(context, request).actor,
      ),
  );
}

function addQuarantine(app: FastifyInstance, context: ApiContext, admin: AdminRoutes): void {
  const { quarantine } = admin;
  const listQuery = z.strictObject({
    state: z.enum(['open', 'replayed', 'dismissed']).optional(),
    device: id.optional(),
    before: position.optional().describe('Readings before this place in the log.'),
    limit,
  });
  app.get(
    '/quarantine',
    {
      schema: described('Readings in quarantine, newest first.', {
        querystring: listQuery,
        answer: adminAnswers.quarantine,
      }),
    },
    (request) => {
      const { before, ...query } = request.query as z.infer<typeof listQuery>;
      const { entries, nextBeforePosition } = quarantine.list({ ...query, beforePosition: before });
      return {
        items: entries.map((entry) => summaryOf(entry)),
        nextBefore: nextBeforePosition,
        complete: nextBeforePosition === null,
      };
    },
  );
  const params = z.strictObject({ position });
  app.get(
    '/quarantine/:position',
    {
      schema: described('One reading, with its bytes as base64 and as text.', {
        params,
        answer: adminAnswers.quarantined,
      }),
    },
    (request) => {
      const entries = quarantine.detail((request.params as z.infer<typeof params>).position);
      const payload = entries.find((entry) => entry.payload !== null)?.payload ?? null;
      return { entries: entries.map((entry) => summaryOf(entry)), ...payloadOf(payload) };
    },
  );
  addDecisions(app, context, admin);
}

function addDecisions(app: FastifyInstance, context: ApiContext, admin: AdminRoutes): void {
  const { quarantine } = admin;
  const params = z.strictObject({ position });
  const reason = z.string().max(500).optional();
  const bodies = {
    replay: z.strictObject({ reason }).nullish(),
    dismiss: z.strictObject({ channel: z.string().max(1_000).nullish(), reason }).nullish(),
  };
  for (const decision of ['replay', 'dismiss'] as const) {
    app.post(
      `/quarantine/:position/${decision}`,
      {
        schema: described(
          decision === 'replay' ? 'Offers the reading again.' : 'Ends it without observations.',
          { params, body: bodies[decision], answer: adminAnswers.decided, status: 202 },
        ),
      },
      async (request, reply) => {
        const { position: decidedPosition } = request.params as z.infer<typeof params>;
        const body = request.body as z.infer<typeof bodies.dismiss>;
        const { actor } = operatorOf(context, request);
        const readingPosition = await quarantine[decision]({
          position: decidedPosition,
          channel: body?.channel,
          reason: body?.reason,
          actor,
        });
        reply.code(202);
        return { readingPosition };
      },
    );
  }
}

function summaryOf({ payload, receivedAt, ...entry }: QuarantineEntry): object {
  return {
    ...entry,
    receivedAt: instantText(receivedAt),
    payloadBytes: payload?.length ?? null,
  };
}

function payloadOf(payload: Uint8Array | null): object {
  if (payload === null) return { base64: null, text: null };
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  return { base64: bytes.toString('base64'), text: bytes.toString('utf8') };
}
