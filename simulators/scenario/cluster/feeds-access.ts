/** A recipient's key and the end of embargoes, on nodes that each look for themselves. */
import { sleep } from '../../../devices/clock.ts';
import type { Change } from './change-book.ts';
import { endCursor } from './followers.ts';
import { get, getJson, must, run, untilSo, type Ground } from './feeds-ground.ts';
import { compareLists } from './feeds-lists.ts';
import { forRecipients, importNetwork, recipient } from './feeds-readings.ts';
import { apiOf } from './measures.ts';

const withinMs = 30_000;
const channels = 7;
const atRestMs = 300;

export async function tryGrant(ground: Ground): Promise<Readonly<Record<string, unknown>>> {
  const { publisher, apis } = ground;
  const places = apis.map(apiOf);
  const words = ['token', 'create', '--role', 'reader', '--recipient', recipient];
  const { secret: key } = JSON.parse(await run(publisher, words)) as { readonly secret: string };
  const path = `/api/v1/observations.ndjson?station=${forRecipients}`;
  const statuses = async (asked?: string): Promise<number[]> =>
    Promise.all(places.map(async (place) => (await get(place + path, { key: asked })).status));
  const untilAll = (status: number): Promise<number | undefined> =>
    untilSo(ground, withinMs, async () => (await statuses(key)).every((one) => one === status));
  must(ground, 'a key without a grant sees nothing', (await untilAll(404)) !== undefined);
  const zero = await endCursor(places[0] ?? '');
  const given = await run(publisher, [
    'grant',
    'give',
    recipient,
    '--stations',
    forRecipients,
    '--purpose',
    'to try it',
    '--reason',
    'it is a trial',
  ]);
  const openedMs = await untilAll(200);
  must(ground, 'a grant opens on each node', openedMs !== undefined);
  const stranger = await statuses();
  must(
    ground,
    'a grant opens to nobody else',
    stranger.every((status) => status === 404),
  );
  // The grant is a version of the registry, told in each partition: a node's moment goes on until all
  // of them have come.
  const isAtRest = await untilSo(ground, withinMs, async () => {
    const [one, ...others] = await Promise.all(places.map(endCursor));
    await sleep(ground.clock, atRestMs);
    const later = await Promise.all(places.map(endCursor));
    return [...others, ...later].every((cursor) => cursor === one);
  });
  must(ground, 'nodes come to one moment behind a grant', isAtRest !== undefined);
  const seen = await compareLists(ground, 'granted', [path], key);
  const id = idOf(given);
  await run(publisher, ['grant', 'withdraw', id, '--reason', 'it was a trial']);
  const closedMs = await untilAll(404);
  must(ground, 'a grant that is withdrawn is closed on each node', closedMs !== undefined);
  const told = await untilTold(ground, { zero, key, count: channels });
  return { openedMs, closedMs, told, bytes: seen.bytes };
}

function idOf(answer: string): string {
  const found = /"id":"([^"]+)"/.exec(answer)?.[1];
  if (found === undefined) throw new Error(`a grant without id: ${answer}`);
  return found;
}

/** A version is in force a moment before the feed tells of it; then each series once that opens, and that closes. */
async function untilTold(
  ground: Ground,
  { zero, key, count }: { readonly zero: string; readonly key?: string; readonly count: number },
): Promise<readonly string[]> {
  const places = ground.apis.map(apiOf);
  let told: readonly string[] = [];
  const isTold = async (): Promise<boolean> => {
    const counts = await Promise.all(places.map((place) => openings(place, zero, key)));
    told = counts.map(([opened, closed]) => `${opened} opened, ${closed} closed`);
    return counts.every(([opened, closed]) => opened >= count && closed >= count);
  };
  await untilSo(ground, withinMs, isTold);
  // What would be told twice is told by then.
  await sleep(ground.clock, 1_000);
  await isTold();
  const expected = `${count} opened, ${count} closed`;
  must(
    ground,
    `each node tells once: ${told.join(' and ')}, not ${expected}`,
    told.every((text) => text === expected),
  );
  return told;
}

interface Opening extends Change {
  readonly datastream: string;
  readonly visible: boolean;
}

/** How often it was told that a series opened, and that one closed. */
async function openings(
  place: string,
  after: string,
  key?: string,
): Promise<readonly [number, number]> {
  const changes: Opening[] = [];
  for (let next = after; ;) {
    const page = await getJson<{ changes: Opening[]; next: string; atEnd: boolean }>(
      `${place}/api/v1/changes?after=${next}&limit=10000`,
      { key },
    );
    changes.push(...page.changes.filter(({ type }) => type === 'datastream'));
    next = page.next;
    if (page.atEnd) break;
  }
  const opened = changes.filter(({ visible }) => visible).length;
  return [opened, changes.length - opened];
}

const embargoed = ['load-00004', 'load-00005', 'load-00006'];
/** The first ends so long after the import, and the others one behind another. */
const firstEndMs = 15_000;
const apartMs = 3_000;

interface History {
  readonly items: readonly {
    readonly version: number;
    readonly author?: string;
    readonly actor?: string;
  }[];
}

/** Embargoes that end while both apis look: one version each, and one change of each series. */
export async function tryEmbargo(
  ground: Ground,
  devices: number,
): Promise<Readonly<Record<string, unknown>>> {
  const { publisher, apis, clock } = ground;
  const places = apis.map(apiOf);
  const words = ['token', 'create', '--role', 'operator'];
  const { secret } = JSON.parse(await run(publisher, words)) as { readonly secret: string };
  const zero = await endCursor(places[0] ?? '');
  const beginAt = clock.now() + firstEndMs;
  const endAt = (place: number): number => beginAt + place * apartMs;
  const embargoes = Object.fromEntries(
    embargoed.map((station, place) => [station, new Date(endAt(place)).toISOString()]),
  );
  // At the node that does not publish: the registry is everybody's.
  await importNetwork(ground, apis[1]!, { devices, embargoes });
  const statusesOf = async (station: string): Promise<number[]> =>
    Promise.all(
      places.map(async (place) => (await get(`${place}/api/v1/stations/${station}`)).status),
    );
  const latest = embargoed.at(-1) ?? '';
  const closed = await untilSo(ground, withinMs, async () =>
    (await statusesOf(latest)).every((status) => status === 404),
  );
  must(ground, 'an embargo closes on each node', closed !== undefined);
  const opened = await untilSo(
    ground,
    firstEndMs + embargoed.length * apartMs + withinMs,
    async () => (await statusesOf(latest)).every((status) => status === 200),
  );
  must(ground, 'the end of an embargo opens on each node', opened !== undefined);
  const lateMs = Math.round(clock.now() - endAt(embargoed.length - 1));
  const told = await untilTold(ground, { zero, count: embargoed.length * channels });
  const versions = await Promise.all(places.map((place) => ruled(place, secret)));
  must(
    ground,
    `each moment is one version by the rule on each node: ${versions.join(' and ')}`,
    versions.every((count) => count === embargoed.length),
  );
  return { told, lateMs, versionsByRule: versions };
}

/** Versions that the rule of time has made. */
async function ruled(place: string, key: string): Promise<number> {
  const { items } = await getJson<History>(
    `${place}/api/v1/admin/registry/history?afterVersion=0&limit=10000`,
    { key },
  );
  const byRule = items.filter(({ author, actor }) => (author ?? actor) === 'rule');
  return new Set(byRule.map(({ version }) => version)).size;
}
