/** Reads a stream of server-sent events over a socket of its own, which a test can stop reading. */
import { request, type IncomingMessage } from 'node:http';

interface LiveEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

export interface EventReader {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly events: LiveEvent[];
  /** Also of blocks without data. */
  readonly lastId: () => string;
  readonly isClosed: () => boolean;
  /** Resolves when so many events came, or the stream was closed. */
  wait(events: number): Promise<void>;
  closed(): Promise<void>;
  /** Stops taking bytes from the socket. */
  freeze(): void;
  thaw(): void;
  close(): void;
}

export function openEvents(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<EventReader> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers: { ...headers, accept: 'text/event-stream' } });
    sent.on('error', reject);
    sent.on('response', (answer) => {
      sent.removeListener('error', reject);
      // From here on an error is the end of the stream, which `closed` tells.
      sent.on('error', () => answer.destroy());
      resolve(readEvents(answer));
    });
    sent.end();
  });
}

function readEvents(answer: IncomingMessage): EventReader {
  const events: LiveEvent[] = [];
  const waiting = new Set<() => void>();
  let isClosed = false;
  let rest = '';
  let lastId = '';
  const wake = () => {
    for (const run of waiting) run();
  };
  answer.setEncoding('utf8');
  answer.on('data', (chunk: string) => {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = fieldsOf(block);
      lastId = fields.get('id') ?? lastId;
      const data = fields.get('data');
      if (data !== undefined) events.push({ id: lastId, event: fields.get('event') ?? '', data });
    }
    wake();
  });
  answer.on('error', () => undefined);
  answer.on('close', () => {
    isClosed = true;
    wake();
  });
  const until = (isDone: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = () => {
        if (!isDone() && !isClosed) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    events,
    lastId: () => lastId,
    isClosed: () => isClosed,
    wait: (count) => until(() => events.length >= count),
    closed: () => until(() => false),
    freeze: () => void answer.pause(),
    thaw: () => void answer.resume(),
    close: () => void answer.destroy(),
  };
}

function fieldsOf(block: string): Map<string, string> {
  return new Map(
    block.split('\n').flatMap((line) => {
      const colon = line.indexOf(':');
      return colon < 1 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trimStart()] as const];
    }),
  );
}
