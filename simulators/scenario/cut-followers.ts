/**
 * Followers of the change feed as strangers would write them, one for each door. Each notes the
 * cursors of the changes it was given, in order, and can be told to come again behind the last one.
 */
import { createServer, get, type ClientRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect as connectMqtt } from 'mqtt';
import type { ServerPorts } from './server-process.ts';

export interface Follower {
  readonly name: string;
  /** Cursors of all changes, as they came. */
  readonly cursors: string[];
  /** Times that its stream broke. */
  readonly breaks: number;
  /** Goes on behind the last change; the stream may break at any time. */
  open(): Promise<void>;
  close(): void;
}

/** Of a change or a message about the stream, without reading all of it. */
function cursorOf(text: string): string {
  return /^\{"cursor":"([^"]+)"/.exec(text)?.[1] ?? '';
}

function isChange(text: string): boolean {
  return !text.endsWith('"type":"cursor"}');
}

interface Opened {
  readonly opened: Promise<void>;
  close(): void;
}

/** `begin` opens one stream and calls `broken` at its end. */
function createFollower(
  name: string,
  zero: string,
  begin: (after: string, take: (text: string) => void, broken: () => void) => Opened,
): Follower {
  const cursors: string[] = [];
  let breaks = 0;
  let current: Opened | undefined;
  let generation = 0;
  return {
    name,
    cursors,
    get breaks() {
      return breaks;
    },
    async open() {
      generation += 1;
      const mine = generation;
      current = begin(
        cursors.at(-1) ?? zero,
        (text) => {
          if (mine === generation && isChange(text)) cursors.push(cursorOf(text));
        },
        () => {
          if (mine === generation) breaks += 1;
        },
      );
      await current.opened;
    },
    close() {
      generation += 1;
      current?.close();
    },
  };
}

export function followEvents(ports: ServerPorts, zero: string): Follower {
  return createFollower('sse', zero, (after, take, broken) => {
    let request: ClientRequest | undefined;
    const opened = new Promise<void>((resolve, reject) => {
      const path = `/api/v1/live?after=${after}`;
      request = get({ host: '127.0.0.1', port: ports.httpPort, path }, (answer) => {
        if (answer.statusCode !== 200) reject(new Error(`events: ${answer.statusCode}`));
        readLines(answer, (line) => {
          if (line.startsWith('data: ')) take(line.slice(6));
        });
        answer.on('close', broken);
        resolve();
      });
      request.on('error', reject);
    });
    return { opened, close: () => request?.destroy() };
  });
}

function readLines(answer: IncomingMessage, take: (line: string) => void): void {
  let rest = '';
  answer.setEncoding('utf8');
  answer.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
  answer.on('error', () => undefined);
}

export function followMessages(ports: ServerPorts, zero: string): Follower {
  return createFollower('websocket', zero, (after, take, broken) => {
    const socket = new WebSocket(
      `ws://127.0.0.1:${ports.httpPort}/api/v1/live?after=${after}`,
      'quantrac.changes.v1',
    );
    socket.addEventListener('message', ({ data }) => take(String(data)));
    socket.addEventListener('close', broken);
    const opened = new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('error', () => reject(new Error('the WebSocket was refused')));
    });
    return { opened, close: () => socket.close() };
  });
}

export function followMqtt(ports: ServerPorts, zero: string): Follower {
  return createFollower('mqtt', zero, (after, take, broken) => {
    const client = connectMqtt(`mqtt://127.0.0.1:${ports.mqttPort}`, { reconnectPeriod: 0 });
    client.on('message', (_topic, payload) => take(payload.toString()));
    client.on('close', broken);
    client.on('error', () => undefined);
    const opened = client
      .subscribeAsync(`open/v1/_changes/after/${after}/+/+`, { qos: 1 })
      .then((granted) => {
        if (granted[0]?.qos !== 1) throw new Error('the subscription was refused');
      });
    return { opened, close: () => client.end(true) };
  });
}

/** Polls; `open` starts one loop of pages, which ends where a page cannot be had. */
export function followPages(ports: ServerPorts, zero: string, limit = 500): Follower {
  return createFollower('pages', zero, (after, take, broken) => {
    let isClosed = false;
    const run = async (): Promise<void> => {
      let place = after;
      while (!isClosed) {
        const url = `http://127.0.0.1:${ports.httpPort}/api/v1/changes?after=${place}&limit=${limit}`;
        const answer = await fetch(url);
        // A page that was cut is no JSON: none of it counts.
        const page = (await answer.json()) as { changes: unknown[]; next: string; atEnd: boolean };
        for (const change of page.changes) take(JSON.stringify(change));
        place = page.next;
        if (page.atEnd) await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    run().catch(broken);
    return { opened: Promise.resolve(), close: () => void (isClosed = true) };
  });
}

export interface HookReceiver extends Follower {
  readonly url: string;
  /** Changes that were sent again: at least once is what is promised. */
  readonly repeats: number;
}

/** Takes deliveries on a port of this machine; the server comes to it by itself. */
export async function receiveHooks(): Promise<HookReceiver> {
  const cursors: string[] = [];
  const seen = new Set<string>();
  let repeats = 0;
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const { type, data } = JSON.parse(body) as {
        readonly type: string;
        readonly data: { readonly challenge?: string; readonly changes?: { cursor: string }[] };
      };
      for (const { cursor } of data.changes ?? []) {
        if (seen.has(cursor)) repeats += 1;
        else {
          seen.add(cursor);
          cursors.push(cursor);
        }
      }
      response.end(type === 'webhook.verification' ? data.challenge : '');
    });
    request.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    name: 'webhook',
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    cursors,
    breaks: 0,
    get repeats() {
      return repeats;
    },
    open: async () => {},
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
