/**
 * What a request has taken, gathered while it is answered and told when its connection has taken the
 * last byte or has gone: to the access log where it was made with a key, and to the figures of usage
 * without anything of who asked. A stream is told in parts while it goes on. No address, key, user
 * agent or cookie is looked at here.
 */
import type { Socket } from 'node:net';

import type { FastifyReply, FastifyRequest } from 'fastify';

import type { FilterQuery } from '../filter.ts';
import type { NetworkView } from '../network.ts';
import { dayOf } from './log-store.ts';

export type AccessDoor = 'http' | 'sse' | 'websocket' | 'mqtt' | 'webhook';

/** One request, whoever made it, or a part of one that goes on. */
export interface Taken {
  /** When it came, or when the part began. */
  readonly at: number;
  readonly door: AccessDoor;
  /** Template of the path, `unknown` where there is no such route. */
  readonly path: string;
  readonly status: number;
  /** 1; 0 for a further part on the same UTC day, so that sums are of requests. */
  readonly requests: number;
  readonly rows: number;
  /** Sent on the connection for it, with headers, as they went out (compressed). */
  readonly bytes: number;
  /** Media type of the answer; undefined where it has no body. */
  readonly contentType: string | undefined;
  /** What was asked for; null where the route does not say. */
  readonly selection: Selection | null;
  /** Of the path. */
  readonly parameters: Readonly<Record<string, string | undefined>>;
}

/** One request made with a key. */
export interface Metered extends Taken {
  /** Id of the token. */
  readonly key: string;
}

export interface Selection {
  readonly view: NetworkView;
  readonly query: FilterQuery;
  /** Of datastreams, where the door knows them by it; any without it. */
  readonly slug?: string;
}

/** Streams that go on: each tells what it was given since it last did. */
export type OpenStreams = Set<() => void>;

interface Taking {
  rows: number;
  selection: Selection | null;
  door: AccessDoor;
  readonly goOn: () => void;
}

const takings = new WeakMap<FastifyRequest, Taking>();
/** Bytes of a connection that earlier answers on it account for. */
const accounted = new WeakMap<Socket, number>();

export interface Metering {
  readonly now: () => number;
  readonly streams: OpenStreams;
  /** Called once for a request, and for each part of a stream. */
  readonly told: (taken: Taken) => void;
}

/** Begins to meter a request. */
export function meterRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  { now, streams, told }: Metering,
): void {
  const taking: Taking = {
    rows: 0,
    selection: null,
    door: 'http',
    goOn: () => void streams.add(tell),
  };
  takings.set(request, taking);
  const bytesSince = countBytes(request.socket);
  let at = now();
  let countedDay: string | undefined;

  function tell(): void {
    const { rows, selection, door } = taking;
    const bytes = bytesSince();
    if (countedDay !== undefined && rows === 0 && bytes === 0) return;
    const day = dayOf(at);
    told({
      at,
      door,
      path: request.routeOptions.url ?? 'unknown',
      status: reply.raw.statusCode,
      requests: day === countedDay ? 0 : 1,
      rows,
      bytes,
      contentType: contentTypeOf(reply, door),
      selection,
      parameters: request.params as Taken['parameters'],
    });
    countedDay = day;
    at = now();
    taking.rows = 0;
  }

  reply.raw.once('close', () => {
    streams.delete(tell);
    tell();
    takings.delete(request);
  });
}

/** Answers on one connection follow each other, so each accounts for what came since the last. */
function countBytes(socket: Socket): () => number {
  // A question of this server to itself goes over no connection.
  const writtenBytes = (): number => (socket.bytesWritten as number | undefined) ?? 0;
  const startBytes = writtenBytes();
  return () => {
    const bytes = writtenBytes() - Math.max(startBytes, accounted.get(socket) ?? 0);
    accounted.set(socket, writtenBytes());
    return Math.max(0, bytes);
  };
}

/** Streams write past the reply, which knows nothing of what they write. */
function contentTypeOf(reply: FastifyReply, door: AccessDoor): string | undefined {
  if (door === 'sse') return 'text/event-stream';
  if (door === 'websocket') return 'application/json';
  const contentType = reply.getHeader('content-type');
  return typeof contentType === 'string' ? contentType : undefined;
}

/** From here on the request is a stream: it is told of while it goes on. */
export function meterStream(request: FastifyRequest, door: 'sse' | 'websocket'): void {
  const taking = takings.get(request);
  if (taking === undefined) return;
  taking.door = door;
  taking.goOn();
}

/** Rows that are given to the client. */
export function countRows(request: FastifyRequest, rows: number): void {
  const taking = takings.get(request);
  if (taking !== undefined) taking.rows += rows;
}

/**
 * The request is about what this filter lets through: from it the access log finds the datasets
 * later, off the way of the answer.
 */
export function touchSelection(request: FastifyRequest, view: NetworkView, query: object): void {
  const taking = takings.get(request);
  if (taking !== undefined) taking.selection = { view, query };
}
