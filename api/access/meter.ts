/**
 * What a request made with a key has taken, gathered while it is answered and told to the access log
 * when its connection has taken the last byte or has gone. A request without a key is never looked at:
 * nothing about anonymous readers is noted here.
 */
import type { Socket } from 'node:net';

import type { FastifyReply, FastifyRequest } from 'fastify';

import type { FilterQuery } from '../filter.ts';
import type { NetworkView } from '../network.ts';

/** One request made with a key. */
export interface Metered {
  readonly at: number;
  /** Id of the token. */
  readonly key: string;
  /** Template of the path, `unknown` where there is no such route. */
  readonly path: string;
  readonly status: number;
  readonly rows: number;
  /** Sent on the connection for it, with headers, as they went out (compressed). */
  readonly bytes: number;
  /** What was asked for; null where the route does not say. */
  readonly selection: Selection | null;
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
  begun: Pick<Metered, 'at' | 'key'>,
  ended: (metered: Metered) => void,
): void {
  const taking: Taking = { rows: 0, selection: null };
  takings.set(request, taking);
  const { socket } = request;
  const startBytes = socket.bytesWritten;
  reply.raw.once('close', () => {
    // Answers on one connection follow each other, so each accounts for what came since the last.
    const bytes = socket.bytesWritten - Math.max(startBytes, accounted.get(socket) ?? 0);
    accounted.set(socket, socket.bytesWritten);
    takings.delete(request);
    ended({
      ...begun,
      path: request.routeOptions.url ?? 'unknown',
      status: reply.raw.statusCode,
      rows: taking.rows,
      bytes: Math.max(0, bytes),
      selection: taking.selection,
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
