/** Reads the change feed over a WebSocket, which a test can stop reading. */
import { WebSocket } from 'ws';

export type SocketMessage = Readonly<Record<string, unknown>>;

export interface SocketReader {
  readonly protocol: string;
  readonly messages: SocketMessage[];
  /** Without the messages about the stream itself. */
  changes(): SocketMessage[];
  readonly socket: WebSocket;
  /** Resolves when so many changes came, or the stream was closed. */
  wait(changes: number): Promise<void>;
  /** Resolves to the code of the close. */
  closed(): Promise<number>;
}

export interface SocketRequest {
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
}

/** Rejects with the status where the handshake is answered as a request. */
export function openSocketReader(url: string, request: SocketRequest = {}): Promise<SocketReader> {
  const { headers = {}, protocols = ['quantrac.changes.v1'] } = request;
  const socket = new WebSocket(url.replace(/^http/, 'ws'), [...protocols], { headers });
  const messages: SocketMessage[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => waiting.forEach((look) => look());
  const changes = () => messages.filter(({ type }) => type !== 'cursor' && type !== 'problem');
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  socket.on('message', (data: Buffer) => {
    messages.push(JSON.parse(data.toString()) as SocketMessage);
    wake();
  });
  socket.on('close', wake);
  const reader: SocketReader = {
    get protocol() {
      return socket.protocol;
    },
    messages,
    changes,
    socket,
    wait: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (changes().length < count && socket.readyState !== WebSocket.CLOSED) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    closed: () => closed,
  };
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(reader));
    socket.on('unexpected-response', (_request, { statusCode }) => {
      reject(new Error(String(statusCode)));
      socket.terminate();
    });
    socket.on('error', reject);
  });
}
