/**
 * The change feed over a WebSocket, subprotocol `quantrac.changes.v1`: each text message is one
 * change exactly as `/changes` gives it. Two more kinds of message tell of the stream itself:
 *
 *   {"type":"cursor","cursor":…}     at the beginning, and when there was nothing else for a while
 *   {"type":"problem","code":…, …}   the last one, before the server closes with a code of its own
 *
 * Frames are made here and written as the hub joins them; `ws` shakes hands, reads and closes. There
 * is no compression (RFC 7692): each connection would hold a window of its own.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import { WebSocketServer, type WebSocket } from 'ws';

import type { Clock } from '../../devices/clock.ts';
import type { Sink } from '../../ingest/feed/client.ts';
import type { ListenerEnd } from '../../ingest/feed/events.ts';
import type { Framing } from '../../ingest/feed/framing.ts';
import { apiError, type ApiErrorCode } from '../errors.ts';
import { problemOf, problemType } from '../problem.ts';
import { protocolsOf } from './offered.ts';
import { createStreamSink } from './stream-sink.ts';
import type { Upgrade } from './upgrades.ts';

export const changesProtocol = 'quantrac.changes.v1';

/** Bytes of a message of a client; there is nothing to say to this stream. */
const receivedBytesMax = 1_024;
/** A client that does not answer the close for so long is cut. */
const closingMs = 1_000;

/** RFC 6455 §7.4.1, §7.4.2: 4000 and above are the application's; ours are 4000 + the HTTP status. */
const closeCodes = { restarting: 1012, readOnly: 1008, revoked: 4401, gone: 4410 } as const;

/** RFC 6455 §5.2, never masked by a server (§5.1). */
function frameOf(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.allocUnsafe(2 + lengthBytes + length);
  frame[0] = 0x80 | opcode;
  frame[1] = lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127;
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2);
  if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  payload.copy(frame, 2 + lengthBytes);
  return frame;
}

const textOpcode = 1;
const pingFrame = frameOf(9, Buffer.alloc(0));

function textFrame(text: string): Buffer {
  return frameOf(textOpcode, Buffer.from(text));
}

function cursorFrame(cursor: string): Buffer {
  return textFrame(JSON.stringify({ cursor, type: 'cursor' }));
}

export const socketFraming: Framing<Buffer> = {
  name: 'messages',
  join: (changes) => Buffer.concat(changes.map(({ text }) => textFrame(text))),
  beat: (cursor) => Buffer.concat([pingFrame, cursorFrame(cursor)]),
};

/** Throws API_PARAMETER_INVALID for a client that speaks other protocols only. */
export function requireProtocol(offered: string | undefined): void {
  const protocols = protocolsOf(offered);
  if (protocols.length === 0 || protocols.includes(changesProtocol)) return;
  throw apiError('API_PARAMETER_INVALID', {
    parameter: 'Sec-WebSocket-Protocol',
    expected: changesProtocol,
  });
}

export interface OpenedSocket {
  readonly sink: Sink;
  /** The first message: where the stream begins. */
  begin(cursor: string): void;
  /** Tells what stands in the way, and closes. */
  refuse(error: unknown): void;
  onClosed(run: () => void): void;
}

export interface SocketOpening {
  readonly opened: (socket: OpenedSocket) => void;
  /** So many changes were handed to the connection. */
  readonly given: (changes: number) => void;
}

export interface SocketDoor {
  /** Shakes hands; calls back unless the client's part was wrong, which it is then told. */
  open(request: IncomingMessage, upgrade: Upgrade, opening: SocketOpening): void;
}

export function createSocketDoor(clock: Clock): SocketDoor {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: receivedBytesMax,
    handleProtocols: (offered) => (offered.has(changesProtocol) ? changesProtocol : false),
  });
  server.on('wsClientError', (error, socket) => refuseHandshake(socket, error.message));
  return {
    open(request, upgrade, { opened, given }) {
      upgrade.takeOver();
      server.handleUpgrade(request, upgrade.socket, upgrade.head, (webSocket) => {
        webSocket.on('message', () => webSocket.close(closeCodes.readOnly, 'read only'));
        // What breaks the protocol is closed by the library; the close is what we hear.
        webSocket.on('error', () => undefined);
        opened(openSocket(clock, webSocket, upgrade.socket, given));
      });
    },
  };
}

/** What the library finds wrong with a handshake (RFC 6455 §4.2.1) is told as any other problem. */
function refuseHandshake(socket: Duplex, message: string): void {
  const parameter = /Sec-WebSocket-[A-Za-z]+/.exec(message)?.[0] ?? 'Upgrade';
  const expected = 'as RFC 6455 §4.1 says';
  const { status, body } = problemOf(apiError('API_PARAMETER_INVALID', { parameter, expected }));
  const text = JSON.stringify(body);
  const head = [
    `HTTP/1.1 ${status} Bad Request`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Sec-WebSocket-Version: 13',
    'Connection: close',
  ];
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`);
}

function openSocket(
  clock: Clock,
  webSocket: WebSocket,
  socket: Duplex,
  given: (changes: number) => void,
): OpenedSocket {
  function close(code: number, reason: string): void {
    if (webSocket.readyState === webSocket.CLOSED) return;
    webSocket.close(code, reason);
    const late = clock.schedule(closingMs, () => webSocket.terminate());
    webSocket.once('close', () => late.cancel());
  }

  function refuse(error: unknown, closeCode?: number): void {
    const { status, code, body } = problemOf(error);
    socket.write(textFrame(JSON.stringify({ ...body, type: 'problem' })));
    close(closeCode ?? 4_000 + status, code);
  }

  function end(reason: ListenerEnd): void {
    const code = endCodes[reason];
    if (code === undefined) close(closeCodes.restarting, 'the server is stopping');
    else refuse(apiError(code.error, code.fields), code.closeCode);
  }

  return {
    sink: Object.assign(createStreamSink(socket, given), {
      end,
      destroy: () => webSocket.terminate(),
    }),
    begin: (cursor) => void socket.write(cursorFrame(cursor)),
    refuse: (error) => refuse(error),
    onClosed: (run) => void webSocket.once('close', run),
  };
}

const endCodes: Readonly<
  Partial<
    Record<
      ListenerEnd,
      {
        readonly error: ApiErrorCode;
        readonly closeCode: number;
        readonly fields?: Record<string, unknown>;
      }
    >
  >
> = {
  expired: {
    error: 'API_CURSOR_EXPIRED',
    closeCode: closeCodes.gone,
    fields: { parameter: 'after' },
  },
  revoked: { error: 'API_TOKEN_INVALID', closeCode: closeCodes.revoked },
};
