/** The HTTP server with what all its routes share: limits, errors, headers, CORS, compression. */
import type { Socket } from 'node:net';

import compress from '@fastify/compress';
import cors from '@fastify/cors';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';

import type { Clock } from '../devices/clock.ts';
import { tlsMinVersion, type Pair } from './certificate.ts';
import type { ApiConfig } from './config.ts';
import { apiError, type ApiErrorCode } from './errors.ts';
import type { ApiEvents } from './events.ts';
import { isUpgrade } from './live/upgrades.ts';
import { compressedInTurnBytesMax, compressWhole } from './limits/compressing.ts';
import { brotliParameters } from './limits/encoding.ts';
import { createMethods, type Methods } from './methods.ts';
import { instanceOf, problemOf, problemType, sendProblem } from './problem.ts';
import { boundConnections, securityHeaders } from './security.ts';
import { tagWithEncoding } from './validator.ts';

export interface ServerOptions {
  readonly config: ApiConfig;
  readonly clock: Clock;
  readonly events: ApiEvents;
  /** Serves HTTPS with it. */
  readonly pair: Pair | null;
}

const idCharactersMax = 200;
/** How often the server looks for requests that take too long to arrive. */
const checkMs = 1_000;

/** A server without routes; the caller adds them and listens. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { config, events, pair } = options;
  const methods = createMethods();
  const app = createInstance(options);
  app.server.headersTimeout = config.headersTimeoutMs;
  boundConnections(app.server, config, events);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.addHook('onRoute', ({ url, routePath, method }) => {
    methods.add(url, [method].flat());
    // The root of a prefix is answered with a slash behind it too, of which nobody is told.
    if (routePath === '') methods.add(`${url}/`, [method].flat());
  });
  addHeaders(app, pair !== null);
  requireOneHost(app);
  // An expectation that nobody here can meet may be passed over (RFC 9110 §10.1.1).
  app.server.on('checkExpectation', (request, response) => app.routing(request, response));
  addMeasures(app, options);
  app.setErrorHandler((error, request, reply) => answerError(events, error, request, reply));
  app.setNotFoundHandler((request, reply) => answerUnknown(methods, events, request, reply));
  await app.register(cors, corsOptions);
  compressWhole(app, config.streamsMax);
  await app.register(compress, {
    globalDecompression: false,
    encodings: ['br', 'gzip'],
    syncThreshold: compressedInTurnBytesMax,
    brotliOptions: { params: brotliParameters },
  });
  addEncodedTags(app);
  return app;
}

function createInstance({ config, pair, events }: ServerOptions): FastifyInstance {
  const shared = {
    logger: false,
    bodyLimit: config.bodyBytesMax,
    connectionTimeout: config.connectionTimeoutMs,
    requestTimeout: config.requestTimeoutMs,
    keepAliveTimeout: config.keepAliveTimeoutMs,
    maxRequestsPerSocket: config.requestsPerSocketMax,
    trustProxy: config.trustedProxies.length === 0 ? false : [...config.trustedProxies],
    routerOptions: { maxParamLength: idCharactersMax, ignoreTrailingSlash: false },
    return503OnClosing: true,
    forceCloseConnections: true,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      reply.headers(securityHeaders(pair !== null));
      answerError(events, error, request, reply);
    },
    clientErrorHandler: (error: Error & { code?: string }, socket: Socket) =>
      answerBroken(events, error, socket),
  } as const;
  const checked = {
    connectionsCheckingInterval: checkMs,
    shouldUpgradeCallback: isUpgrade,
    // `requireOneHost` does, and says so as a problem.
    requireHostHeader: false,
  };
  return pair === null
    ? (fastify({ ...shared, http: checked }) as unknown as FastifyInstance)
    : (fastify({
        ...shared,
        https: { ...pair, ...checked, minVersion: tlsMinVersion },
      }) as unknown as FastifyInstance);
}

/** Open data may be read from any page, but never with a visitor's credentials, and only read. */
const corsOptions = {
  delegator: (
    request: FastifyRequest,
    callback: (error: Error | null, options?: object) => void,
  ): void => {
    const isPublic = !isClosed(request.url.split('?', 1)[0] ?? '');
    callback(null, {
      origin: isPublic ? '*' : false,
      methods: 'GET, HEAD, OPTIONS',
      allowedHeaders: 'Accept, Cache-Control, If-None-Match, If-Range, Last-Event-ID, Range',
      exposedHeaders:
        'Accept-Ranges, Content-Disposition, Content-Range, ETag, Link, Quantrac-Cursor, RateLimit, RateLimit-Policy, Repr-Digest, Retry-After',
      credentials: false,
      maxAge: 86_400,
      strictPreflight: false,
    });
  },
};

/** What is for operators alone, as the router reads it, so with nothing encoded. */
function isClosed(path: string): boolean {
  try {
    return /^\/+(api\/v1\/admin|metrics|livez|readyz)(\/|$)/i.test(decodeURIComponent(path));
  } catch {
    return true;
  }
}

function addHeaders(app: FastifyInstance, isSecure: boolean): void {
  const headers = securityHeaders(isSecure);
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
}

/** RFC 9112 §3.2: one Host, which only HTTP/1.0 may leave out; of two, each proxy believes another. */
function requireOneHost(app: FastifyInstance): void {
  app.addHook('onRequest', ({ raw: { httpVersion, rawHeaders } }, _reply, done) => {
    const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && /^host$/i.test(name)).length;
    const isRight = hosts === 1 || (hosts === 0 && httpVersion === '1.0');
    done(isRight ? undefined : apiError('API_REQUEST_MALFORMED'));
  });
}

function addMeasures(app: FastifyInstance, { events }: ServerOptions): void {
  app.addHook('onResponse', (_request, reply, done) => {
    events.requestAnswered(reply.statusCode, reply.elapsedTime / 1000);
    done();
  });
}

/** Behind the compressor of each route, so that a tag names the bytes that are really sent. */
function addEncodedTags(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    const hooks = route.onSend === undefined ? [] : [route.onSend].flat();
    route.onSend = [
      ...hooks,
      (_request, reply, payload, done) => {
        const tag = reply.getHeader('etag');
        const encoding = reply.getHeader('content-encoding');
        if (typeof tag === 'string' && typeof encoding === 'string') {
          reply.header('etag', tagWithEncoding(tag, encoding));
        }
        done(null, payload);
      },
    ];
  });
}

function answerError(
  events: ApiEvents,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const problem = problemOf(error);
  if (problem.isFault) {
    events.requestFailed(error, { requestId: request.id, route: request.routeOptions.url ?? '' });
  } else events.requestRefused(problem.code);
  const body = { ...problem.body, instance: instanceOf(request), requestId: request.id };
  return sendProblem(reply, { ...problem, body });
}

function answerUnknown(
  methods: Methods,
  events: ApiEvents,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const allowed = methods.allowed(instanceOf(request));
  if (allowed.length === 0) return answerError(events, apiError('API_NOT_FOUND'), request, reply);
  reply.header('allow', [...allowed, 'OPTIONS'].join(', '));
  return answerError(events, apiError('API_METHOD_NOT_ALLOWED', { allowed }), request, reply);
}

const brokenCodes: Readonly<Record<string, ApiErrorCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'API_REQUEST_TIMEOUT',
  HPE_HEADER_OVERFLOW: 'API_HEADERS_TOO_LARGE',
};

/** Bytes that are no HTTP: one answer, then the connection ends. */
function answerBroken(events: ApiEvents, error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(apiError(brokenCodes[error.code ?? ''] ?? 'API_REQUEST_MALFORMED'));
  events.requestRefused(problem.code);
  const body = JSON.stringify(problem.body);
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.code}`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
