/**
 * The change feed through every door, while clients go from node to node with the cursor they have;
 * one goes from door to door as well. Each must have been told what one reader of pages is told.
 */
import { connect as connectMqtt } from 'mqtt';
import { sleep } from '../../../devices/clock.ts';
import { createChangeBook, differences, type Change, type ChangeBook } from './change-book.ts';
import { endCursor, readAll } from './followers.ts';
import { getJson, must, untilSo, type Ground } from './feeds-ground.ts';
import { readLive } from './live-events.ts';
import { apiOf } from './measures.ts';

export interface Door {
  /** Addresses that offer it. */
  readonly places: (ground: Ground) => readonly string[];
  /** Resolves or rejects when the stream ends; `take` is given a cursor and what it stands behind. */
  read(place: string, after: string, signal: AbortSignal, take: Take): Promise<void>;
}

type Take = (cursor: string, change: Change | undefined) => void;

const apisOf = ({ apis }: Ground): readonly string[] => apis.map(apiOf);
const pageLimit = 2_000;

export const doors: Readonly<Record<string, Door>> = {
  pages: {
    places: apisOf,
    async read(place, after, signal, take) {
      const query = `after=${after}&limit=${pageLimit}`;
      const answer = await fetch(`${place}/api/v1/changes?${query}`, { signal });
      const page = (await answer.json()) as { changes: Change[]; next: string };
      for (const change of page.changes) take(change.cursor, change);
      take(page.next, undefined);
    },
  },
  events: {
    places: apisOf,
    read: (place, after, signal, take) =>
      readLive(place, { after, signal }, ({ id, data }) =>
        take(id, data === '' ? undefined : (JSON.parse(data) as Change)),
      ),
  },
  messages: { places: apisOf, read: readSocket },
  mqtt: {
    places: ({ brokers }) => brokers.map(({ ports }) => `mqtt://127.0.0.1:${ports.mqttPort}`),
    read: readMqtt,
  },
};

function takeText(text: string, take: Take): void {
  const told = JSON.parse(text) as Change & { readonly code?: string };
  if (told.type === 'problem') throw new Error(text);
  take(told.cursor, told.type === 'cursor' ? undefined : told);
}

function readSocket(place: string, after: string, signal: AbortSignal, take: Take): Promise<void> {
  return new Promise((resolve, reject) => {
    const address = `${place.replace('http', 'ws')}/api/v1/live?after=${after}`;
    const socket = new WebSocket(address, 'quantrac.changes.v1');
    signal.addEventListener('abort', () => socket.close());
    socket.addEventListener('message', ({ data }) => takeText(String(data), take));
    socket.addEventListener('close', () => resolve());
    socket.addEventListener('error', () => reject(new Error('the WebSocket was refused')));
  });
}

function readMqtt(place: string, after: string, signal: AbortSignal, take: Take): Promise<void> {
  return new Promise((resolve, reject) => {
    const client = connectMqtt(place, { reconnectPeriod: 0 });
    signal.addEventListener('abort', () => client.end(true));
    client.on('message', (_topic, payload) => {
      try {
        takeText(payload.toString(), take);
      } catch (error) {
        reject(error as Error);
        client.end(true);
      }
    });
    client.on('close', () => resolve());
    client.on('error', reject);
    client.subscribeAsync(`open/v1/_changes/after/${after}/+/+`, { qos: 1 }).catch(reject);
  });
}

export interface DoorFollower {
  readonly name: string;
  readonly book: ChangeBook;
  /** Of each change, as they came. */
  readonly cursors: readonly string[];
  readonly hops: number;
  readonly failures: readonly string[];
  stop(): Promise<void>;
}

const hopMsMin = 150;
const hopMsSpread = 2_500;

/** Goes on behind the last cursor at any of the places of any of the doors. */
export function followDoors(ground: Ground, names: readonly string[], after: string): DoorFollower {
  const { clock, random } = ground;
  const book = createChangeBook();
  const cursors: string[] = [];
  const failures: string[] = [];
  const stopping = new AbortController();
  let cursor = after;
  let hops = 0;
  const oneOf = <Item>(items: readonly Item[]): Item =>
    items[Math.floor(random.next() * items.length)] as Item;
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const name = oneOf(names);
      const door = doors[name] as Door;
      const place = oneOf(door.places(ground));
      const signal = AbortSignal.any([
        stopping.signal,
        AbortSignal.timeout(hopMsMin + Math.floor(random.next() * hopMsSpread)),
      ]);
      hops += 1;
      const take: Take = (next, change) => {
        // What is still on its way when the follower leaves is not taken: it comes again.
        if (signal.aborted) return;
        cursor = next;
        if (change === undefined) return;
        book.take(change);
        cursors.push(next);
      };
      await door.read(place, cursor, signal, take).catch((error: unknown) => {
        if (!signal.aborted) failures.push(`${name}: ${String(error)}`);
      });
      if (!stopping.signal.aborted) await sleep(clock, 20);
    }
  };
  const ended = run();
  return {
    name: names.join(' and '),
    book,
    cursors,
    get hops() {
      return hops;
    },
    failures,
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}

const levelMsMax = 60_000;

/** Until each has come as far as the pages, which then are compared with what it was told. */
export async function compareDoors(
  ground: Ground,
  zero: string,
  followers: readonly DoorFollower[],
): Promise<{ readonly changes: number; readonly followers: object }> {
  const [first, second] = ground.apis.map(apiOf) as [string, string];
  const whole = await readAll(first, zero);
  const other = await readAll(second, zero);
  must(ground, 'pages of both nodes tell the same', differences(whole, other) === 0);
  const { changes } = whole.figures;
  await untilSo(ground, levelMsMax, () =>
    followers.every(({ book }) => book.figures.changes >= changes),
  );
  const told: Record<string, unknown> = {};
  for (const follower of followers) {
    await follower.stop();
    const { name, book, hops, failures } = follower;
    const { repeated, gaps } = book.figures;
    const different = differences(book, whole);
    must(
      ground,
      `${name}: ${repeated} repeated, ${gaps} gaps, ${different} different, ${failures[0]}`,
      repeated + gaps + different + failures.length === 0,
    );
    told[name] = { changes: book.figures.changes, hops };
  }
  return { changes, followers: told };
}

interface Page {
  readonly changes: readonly Change[];
  readonly next: string;
  readonly atEnd: boolean;
}

const keyOf = ({ observation, type }: Change): string =>
  type === 'datastream' ? '' : `${observation.id} ${observation.revision}`;

/** Changes between two cursors, each page from the next node. */
export async function readUntil(
  places: readonly string[],
  after: string,
  until: string | undefined,
): Promise<{ readonly keys: readonly string[]; readonly end: string }> {
  const keys: string[] = [];
  const bound = until === undefined ? '' : `&until=${until}`;
  let next = after;
  for (let turn = 0; ; turn += 1) {
    const address = `${places[turn % places.length]}/api/v1/changes`;
    const page = await getJson<Page>(`${address}?after=${next}&limit=${pageLimit}${bound}`);
    for (const change of page.changes) keys.push(keyOf(change));
    next = page.next;
    if (page.atEnd) return { keys, end: next };
  }
}

/** One door of one node from zero, as text: its cursors are those of the pages of that node. */
export async function compareCursors(
  ground: Ground,
  zero: string,
): Promise<Readonly<Record<string, number>>> {
  const told: Record<string, number> = {};
  for (const node of ground.apis) {
    const place = apiOf(node);
    const texts = new Map<string, string[]>();
    const ends = await readUntil([place], zero, undefined);
    for (const name of ['pages', 'events', 'messages'] as const) {
      texts.set(name, await textsOf(doors[name] as Door, { place, zero, count: ends.keys.length }));
    }
    const [pages = '', ...others] = [...texts.values()].map((each) => each.join('\n'));
    must(
      ground,
      `${node.name}: each door has the same cursors`,
      others.every((one) => one === pages),
    );
    told[node.name] = texts.get('pages')?.length ?? 0;
  }
  return told;
}

/** The first changes of a door of one node. */
async function textsOf(
  door: Door,
  { place, zero, count }: { readonly place: string; readonly zero: string; readonly count: number },
): Promise<string[]> {
  const texts: string[] = [];
  const done = new AbortController();
  let cursor = zero;
  while (texts.length < count && !done.signal.aborted) {
    await door
      .read(place, cursor, done.signal, (next, change) => {
        cursor = next;
        if (change !== undefined && texts.length < count) texts.push(JSON.stringify(change));
        if (texts.length >= count) done.abort();
      })
      .catch((error: unknown) => {
        if (!done.signal.aborted) throw error;
      });
  }
  return texts;
}

/** From the middle of what a door told, at a node that did not tell it. */
export async function resumeElsewhere(
  ground: Ground,
  zero: string,
  followers: readonly DoorFollower[],
): Promise<number> {
  const places = ground.apis.map(apiOf);
  const end = await endCursor(places[0] ?? '');
  const whole = await readUntil(places, zero, end);
  const all = new Set(whole.keys);
  must(ground, 'until= ends where it says', whole.end === end);
  let resumed = 0;
  for (const { name, cursors } of followers) {
    const middle = cursors[Math.floor(ground.random.next() * cursors.length)] ?? zero;
    const [one, other] = [places[resumed % 2] ?? '', places[(resumed + 1) % 2] ?? ''];
    const before = await readUntil([one], zero, middle);
    const behind = await readUntil([other], middle, end);
    const keys = new Set([...before.keys, ...behind.keys]);
    const isSame =
      before.keys.length + behind.keys.length === whole.keys.length &&
      keys.size === all.size &&
      before.end === middle &&
      behind.end === end;
    must(
      ground,
      `${name}: ${before.keys.length} up to a cursor and ${behind.keys.length} behind it are not ${whole.keys.length}`,
      isSame,
    );
    resumed += 1;
  }
  return resumed;
}
