import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { encodeObservationId } from '../../ingest/observations/observation-id.ts';
import { createOpenFeed } from '../../ingest/store/open-feed.ts';
import { storeConfigSchema } from '../../ingest/store/config.ts';
import { openStoreFollower } from '../../ingest/store/follower.ts';
import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';
import { openEvents } from '../live/event-reader.fixture.ts';
import {
  canaries,
  canaryText,
  principals,
  type PrincipalName,
  type Thing,
} from './canaries.fixture.ts';
import { addressOf, routesOf, unasked, type Route } from './matrix.fixture.ts';

const { things, results } = canaries;
const dayMs = 86_400_000;
/** When what is hidden was open. */
const beforeAt = new Date(startAt + 120_000).toISOString();

let rig: TestApi;
let routes: Route[];
const keys = new Map<PrincipalName, string>();
/** Ids and canaries that come with publishing and granting. */
const more: Thing[] = [];

beforeAll(async () => {
  rig = await openTestApi({ config: { rowsPerPageDefault: 5 } });
  rig.setNow(startAt + 60_000);
  await rig.publish([rig.row('ha-noi-temperature', startAt)]);
  await rig.api.registryAdmin.importRegistry(canaries.networkBefore, 'test');
  rig.setNow(startAt + 180_000);
  await rig.api.registryAdmin.importRegistry(canaries.network, 'test');
  more.push(...canaries.earlier);
  await grantAll();
  const keyOf = (of: object) =>
    rig.registry.createToken({ role: 'reader', actor: 'test', ...of }).secret;
  keys.set('reader', rig.reader);
  keys.set('recipient', keyOf({ recipient: canaries.reading }));
  keys.set('other recipient', keyOf({ recipient: canaries.other }));
  keys.set('owner', keyOf({ owner: canaries.firm }));
  keys.set('operator', rig.operator);
  const text = JSON.stringify({ version: rig.registry.current().version, previous: 1 });
  const marker = { position: 1, receivedAt: startAt, device: '', kind: 'registry', text } as const;
  await rig.publish(
    [...results.keys()].map((id) => rowOf(id)),
    { control: [marker] },
  );
  const document = await rig.json('/api/v1/openapi.json');
  routes = routesOf(document, beforeAt);
});
afterAll(() => rig.close());

function rowOf(datastream: string, at = startAt) {
  const { result, sent } = results.get(datastream) ?? { result: 0, sent: '' };
  const row = rig.row(datastream, at, {
    result,
    device: sent,
    raw: { name: sent, value: String(result), unit: null, time: null },
  });
  const thing = things.find(({ ids }) => ids.datastream === datastream);
  const id = encodeObservationId(datastream, row);
  if (thing !== undefined) more.push({ ...thing, canaries: [id], ids: { grant: id } });
  return row;
}

async function grantAll(): Promise<void> {
  for (const { to, scope, end } of canaries.grants) {
    const purpose = canaryText();
    const reason = canaryText();
    const wish = { recipient: to, scope, purpose };
    const { grant } = await rig.api.access.request(wish, 'test');
    const by: PrincipalName = to === canaries.reading ? 'recipient' : 'other recipient';
    const seenBy = new Set<PrincipalName>([by, 'operator']);
    more.push({
      what: 'a grant',
      seenBy,
      canaries: [grant.id, purpose, reason],
      ids: { grant: grant.id },
    });
    if (end === 'requested') continue;
    const from = end === 'to come' ? { fromAt: rig.now() + dayMs } : {};
    const { id } = grant;
    await rig.api.access.decide({ id, decision: 'grant', reason, actor: 'test', ...from });
    if (end === 'withdrawn') await rig.api.access.withdraw(id, reason, 'test');
  }
}

const everything = (): readonly Thing[] => [...things, ...more];

function headersOf(principal: PrincipalName): Record<string, string> {
  const key = keys.get(principal);
  return key === undefined ? {} : { authorization: `Bearer ${key}` };
}

interface Said {
  readonly status: number;
  /** Headers and body, as bytes came. */
  readonly text: string;
  readonly next: string | null;
}

async function ask(principal: PrincipalName, address: string, accept?: string): Promise<Said> {
  const headers = { ...headersOf(principal), ...(accept === undefined ? {} : { accept }) };
  const answer = await rig.get(address, headers);
  const body = Buffer.from(await answer.arrayBuffer()).toString('latin1');
  const head = [...answer.headers]
    .filter(([name]) => name !== 'date')
    .map(([name, value]) => `${name}: ${value}`);
  const next = /"next":"([^"]+)"/.exec(body)?.[1] ?? null;
  return { status: answer.status, text: [...head, body].join('\n'), next };
}

/** Who leaked what: canaries of hidden things in an answer, but for those that the question named. */
function leaksIn(principal: PrincipalName, address: string, { text }: Said): string[] {
  const asked = decodeURIComponent(address) + ownWords(principal, address);
  return everything()
    .filter(({ seenBy }) => !seenBy.has(principal))
    .flatMap(({ what, canaries: marks }) =>
      marks
        .filter((mark) => !asked.includes(mark) && text.includes(mark))
        .map((mark) => `${address} shows ${what} to ${principal}: ${mark}`),
    );
}

/** Who asks for access is shown what they asked for themselves. */
function ownWords(principal: PrincipalName, address: string): string {
  const own = more.find(
    ({ ids, seenBy }) =>
      ids.grant !== undefined && seenBy.has(principal) && address.includes(ids.grant),
  );
  const grant = rig.registry.current().access.grants.get(own?.ids.grant ?? '');
  return JSON.stringify([grant?.scope, grant?.recipient]);
}

/** Every id of one kind or of all, whose thing is hidden from the principal. */
function hiddenIds(principal: PrincipalName, kind?: keyof Thing['ids']): string[] {
  const idsOf = (isSeen: boolean) =>
    everything()
      .filter(({ seenBy }) => seenBy.has(principal) === isSeen)
      .flatMap(({ ids: of }) => (kind === undefined ? Object.values(of) : [of[kind] ?? []].flat()));
  // A hidden datastream names its station and a dataset, which may be seen for another's sake.
  return [...new Set(idsOf(false)).difference(new Set(idsOf(true)))];
}

/** What is left of a refusal when the id asked for, and what differs each time, is taken out. */
function withoutId({ status, text }: Said, id: string): string {
  const same = text
    .replaceAll(encodeURIComponent(id), 'ID')
    // As forms encode it, in links.
    .replaceAll(id.replace('~', '%7E'), 'ID')
    .replaceAll(id, 'ID')
    .replace(/"requestId":"[^"]*"/, '')
    // Of the question, a request id that grows longer, the last request of a socket, what is left.
    .replace(/^(etag|content-length|connection|keep-alive|ratelimit): .*\n/gm, '');
  return `${status}\n${same}`;
}

/** Ids of the same length and form that name nothing. */
function unknownLike(id: string): string {
  const [name = '', ...rest] = id.split('~');
  return [`Nothing${'0123456789abcdef'.repeat(20)}`.slice(0, name.length), ...rest].join('~');
}

test('every address that can be read is asked', () => {
  expect(rig.api.addresses.length).toBeGreaterThan(100);
  expect(unasked(rig.api.addresses, routes)).toEqual([]);
});

test('the canaries are seen by those who may see them', async () => {
  for (const principal of principals) {
    let text = '';
    for (const list of ['owners', 'stations', 'datastreams', 'observations', 'latest']) {
      text += (await ask(principal, `/api/v1/${list}.ndjson`)).text;
    }
    const missing = things
      .filter(({ seenBy, ids }) => seenBy.has(principal) && ids.recipient === undefined)
      .filter(({ canaries: marks }) => !marks.some((mark) => text.includes(mark)));
    expect([principal, missing.map(({ what }) => what)]).toEqual([principal, []]);
  }
});

test('what was hidden earlier is shown, as of then, to those who saw it', async () => {
  for (const principal of principals) {
    let text = '';
    for (const list of ['stations', 'datastreams'])
      text += (await ask(principal, `/api/v1/${list}.jsonld?asOf=${beforeAt}`)).text;
    for (const list of ['stations', 'datastreams'])
      text += (await ask(principal, `/api/v1/${list}.csv?asOf=${beforeAt}`)).text;
    const told = canaries.earlier.filter(({ canaries: marks }) =>
      marks.some((mark) => text.includes(mark)),
    );
    const seen = canaries.earlier.filter(({ seenBy }) => seenBy.has(principal));
    expect([principal, told.length]).toEqual([principal, seen.length]);
  }
  expect(canaries.earlier).toHaveLength(2);
});

describe.each(principals)('%s', (principal) => {
  test('is told nothing of what is hidden, at any address, in any format, on any page', async () => {
    const leaks: string[] = [];
    let asked = 0;
    const look = async (address: string, accept?: string): Promise<Said> => {
      const said = await ask(principal, address, accept);
      asked += 1;
      leaks.push(...leaksIn(principal, address, said));
      expect([address, said.status >= 500]).toEqual([address, false]);
      return said;
    };
    for (const route of routes) {
      const ids = route.hasId ? [...hiddenIds(principal), ...seenIds(principal)] : [''];
      for (const id of ids) {
        for (const query of [...route.queries, ...route.earlier])
          await look(addressOf(route, id, query));
        for (const type of route.types)
          await look(addressOf(route, id, route.queries[0] ?? ''), type);
      }
      if (route.isPaged) {
        for (const query of [route.queries[0] ?? '', ...route.earlier])
          await readPages(addressOf(route, '', query), look);
      }
    }
    expect(leaks).toEqual([]);
    expect(asked).toBeGreaterThan(routes.length);
  });

  test('is refused what is hidden exactly as what does not exist', async () => {
    const differing: string[] = [];
    // Ids have few lengths, and what does not exist is answered the same each time.
    const refusals = new Map<string, string>();
    const compare = async (hidden: string, address: (id: string) => string) => {
      const unknown = unknownLike(hidden);
      const other = address(unknown);
      const refusal = refusals.get(other) ?? withoutId(await ask(principal, other), unknown);
      refusals.set(other, refusal);
      const said = withoutId(await ask(principal, address(hidden)), hidden);
      if (said !== refusal) differing.push(address(hidden));
    };
    const asked = routes.flatMap((route) =>
      [route.queries[0] ?? '', ...route.earlier].map((query) => ({ route, query })),
    );
    for (const { route, query } of asked) {
      if (route.hasId) {
        for (const id of hiddenIds(principal))
          await compare(id, (of) => addressOf(route, of, query));
      }
      for (const filter of route.filters) {
        // The same list under another extension has the same filter: one id is enough there.
        const idsMax = /\.\w+$/.test(route.path) ? 1 : Infinity;
        for (const id of hiddenIds(principal, filter).slice(0, idsMax)) {
          const given = query === '' ? '' : `${query}&`;
          await compare(id, (of) => addressOf(route, '', `${given}${filter}=${of}`));
        }
      }
    }
    expect(differing).toEqual([]);
  });

  test('is told counts of what it sees alone', async () => {
    const seen = things.filter(({ seenBy }) => seenBy.has(principal));
    const own = { stations: 4, datastreams: 6 };
    const lines = async (list: string) =>
      (await ask(principal, `/api/v1/${list}.ndjson`)).text
        .split('\n')
        .filter((line) => line.startsWith('{"id"'));
    const stations = seen.filter(
      ({ ids }) => ids.station !== undefined && ids.datastream === undefined,
    );
    const datastreams = seen.filter(({ ids }) => ids.datastream !== undefined);
    const isAll = principal === 'operator';
    const extra = isAll ? { stations: 6, datastreams: 8 } : own;
    expect(await lines('stations')).toHaveLength(stations.length + extra.stations);
    expect(await lines('datastreams')).toHaveLength(datastreams.length + extra.datastreams);
    const counted = (await lines('properties')).reduce(
      (sum, line) => sum + (JSON.parse(line) as { datastreams: number }).datastreams,
      0,
    );
    expect(counted).toBe(datastreams.length + extra.datastreams);
    const ofOwners = (await lines('owners')).reduce(
      (sum, line) => sum + (JSON.parse(line) as { stations: number }).stations,
      0,
    );
    expect(ofOwners).toBe(stations.length + extra.stations);
  });

  test('hears nothing of what is hidden on the live stream, from the beginning and as it happens', async () => {
    const follower = await openEvents(`${rig.url}/api/v1/live?after=`, headersOf(principal));
    expect(follower.status).toBe(400);
    const first = Buffer.from('1:store-1:1:0').toString('base64url');
    const live = await openEvents(`${rig.url}/api/v1/live?after=${first}`, headersOf(principal));
    const at = startAt + 600_000 * (1 + principals.indexOf(principal));
    await rig.publish([...results.keys()].map((id) => rowOf(id, at)));
    await rig.publish([rig.row('hue-rain', at, { result: 17.125 })]);
    const isEnd = () =>
      live.events.some(({ data }) => data.includes('17.125') && data.includes(idOf(at)));
    while (!isEnd()) await live.wait(live.events.length + 1);
    const text = live.events.map(({ data, id }) => `${id} ${data}`).join('\n');
    live.close();
    expect(leaksIn(principal, '/api/v1/live', { status: 200, text, next: null })).toEqual([]);
    const told = things.filter(
      ({ ids }) => ids.datastream !== undefined && text.includes(ids.datastream),
    );
    const seen = things.filter(
      ({ ids, seenBy }) => ids.datastream !== undefined && seenBy.has(principal),
    );
    expect(told.map(({ what }) => what)).toEqual(seen.map(({ what }) => what));
  });
});

function idOf(at: number): string {
  return encodeObservationId('hue-rain', rig.row('hue-rain', at));
}

/** One of each kind that the principal sees, by which answers are long. */
function seenIds(principal: PrincipalName): string[] {
  const seen = everything().filter(({ seenBy }) => seenBy.has(principal));
  const kinds = ['owner', 'station', 'datastream', 'dataset', 'grant'] as const;
  return kinds.flatMap((kind) => seen.find(({ ids }) => ids[kind] !== undefined)?.ids[kind] ?? []);
}

async function readPages(first: string, look: (address: string) => Promise<Said>): Promise<void> {
  let address = `${first}${first.includes('?') ? '&' : '?'}limit=7`;
  for (let page = 0; page < 20; page += 1) {
    const { next } = await look(address);
    if (next === null) return;
    address = next.slice(rig.url.length);
  }
}

test('topics under open/ are of what all see', async () => {
  rig.flush();
  const { registry, observations } = rig;
  const feed = createOpenFeed({
    registry,
    clock: { now: () => rig.now(), monotonicMs: () => 0, schedule: () => ({ cancel() {} }) },
    openStore: () =>
      openStoreFollower({
        path: rig.viewPath,
        config: storeConfigSchema.parse({}),
        isCircular: () => false,
      }),
    openReader: async () => observations.openReader(1),
    durableEnd: observations.durableEnd,
    failed: (error) => {
      throw error;
    },
  });
  const heard: string[] = [];
  const tell = (messages: readonly { topic: string; payload: Uint8Array }[]) => {
    for (const { topic, payload } of messages) {
      heard.push(`${topic} ${Buffer.from(payload).toString()}`);
    }
  };
  const following = feed.follow({ wants: () => true, changed: tell });
  for await (const page of feed.latest({})) tell(page);
  const shown = heard.length;
  const at = startAt + dayMs;
  await rig.publish([...results.keys()].map((id) => rowOf(id, at)));
  await expect.poll(() => heard.length).toBeGreaterThan(shown);
  following.stop();
  const said = { status: 200, text: heard.join('\n'), next: null };
  expect(leaksIn('anonymous', 'open/v1/#', said)).toEqual([]);
  const open = things.filter(
    ({ ids, seenBy }) => ids.datastream !== undefined && seenBy.has('anonymous'),
  );
  for (const {
    canaries: [mark = ''],
  } of open)
    expect(said.text).toContain(mark);
});
