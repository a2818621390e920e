/**
 * What a request has taken, gathered while it is answered and told when its connection has taken the
 * last byte or has gone: to the access log where it was made with a key, and to the figures of usage
 * without anything of who asked. No address, key, user agent or cookie is looked at here.
 */
import type { Socket } from 'node:net';

import type { FastifyReply, FastifyRequest } from 'fastify';

import type { FilterQuery } from '../filter.ts';
import type { NetworkView } from '../network.ts';

/** One request, whoever made it. */
export interface Taken {
  /** Template of the path, `unknown` where there is no such route. */
  readonly path: string;
  readonly status: number;
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
  readonly at: number;
  /** Id of the token. */
  readonly key: string;
}

export interface Selection {
  readonly view: NetworkView;
  readonly query: FilterQuery;
}

interface Taking {
  rows: number;
  selection: Selection | null;
}

const takings = new WeakMap<FastifyRequest, Taking>();
/** Bytes of a connection that earlier answers on it account for. */
const accounted = new WeakMap<Socket, number>();

/** Begins to meter a request; `ended` is called once. */
export function meterRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  ended: (taken: Taken) => void,
): void {
  const taking: Taking = { rows: 0, selection: null };
  takings.set(request, taking);
  const { socket } = request;
  // A question of this server to itself goes over no connection.
  const writtenBytes = (): number => (socket.bytesWritten as number | undefined) ?? 0;
  const startBytes = writtenBytes();
  reply.raw.once('close', () => {
    // Answers on one connection follow each other, so each accounts for what came since the last.
    const bytes = writtenBytes() - Math.max(startBytes, accounted.get(socket) ?? 0);
    accounted.set(socket, writtenBytes());
    takings.delete(request);
    const contentType = reply.getHeader('content-type');
    ended({
      path: request.routeOptions.url ?? 'unknown',
      status: reply.raw.statusCode,
      rows: taking.rows,
      bytes: Math.max(0, bytes),
      contentType: typeof contentType === 'string' ? contentType : undefined,
      selection: taking.selection,
      parameters: request.params as Taken['parameters'],
    });
  });
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
