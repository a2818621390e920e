import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { at, openRoom, sendSteps, settled, type Life, type Room } from '../room.fixture.ts';
import { storeConfigSchema } from './config.ts';
import { openStoreFollower } from './follower.ts';
import { createOpenFeed, type FeedMessage, type StoreOpenFeed } from './open-feed.ts';

let room: Room;
let life: Life;
let feed: StoreOpenFeed;
let failures: unknown[];
let stop: (() => void)[];

beforeEach(async () => {
  room = await openRoom();
  life = await room.open();
  failures = [];
  stop = [];
  feed = createOpenFeed({
    ...room.following,
    registry: room.registry,
    openStore: () =>
      openStoreFollower({
        path: join(room.directory, 'view.db'),
        config: storeConfigSchema.parse({}),
        isCircular: () => false,
      }),
    failed: (error) => failures.push(error),
  });
});

afterEach(async () => {
  for (const each of stop) each();
  await life.close();
  await room.remove();
  if (failures.length > 0) throw failures[0];
});

interface Told {
  readonly topic: string;
  readonly result: number | null | undefined;
  readonly end: unknown;
}

function told({ topic, payload }: FeedMessage): Told {
  if (payload.length === 0) return { topic, result: undefined, end: undefined };
  const row = JSON.parse(Buffer.from(payload).toString()) as Record<string, unknown>;
  return { topic, result: row['result'] as number | null, end: row['phenomenonTime'] };
}

function follow(wants: (slug: string) => boolean = () => true): Told[] {
  const heard: Told[] = [];
  const following = feed.follow({
    wants: (_station, slug) => wants(slug),
    changed: (messages) => void heard.push(...messages.map(told)),
  });
  stop.push(() => following.stop());
  return heard;
}

async function latest(query = {}): Promise<Told[]> {
  const found: Told[] = [];
  for await (const page of feed.latest(query)) found.push(...page.map(told));
  return found;
}

/** Local time of the station: seven hours before the day of the tests begins. */
function local(minutes: number): string {
  return new Date(at(minutes) + 7 * 3_600_000).toISOString().replace('Z', '+07:00');
}

function erase(fromAt: number, toAt: number): Promise<number> {
  const series = room.registry.current().datastreams.get('t')?.series;
  const upTo = room.ends().readings;
  const order = { decision: 'erase', device: 'logger', owner: null, series, fromAt, toAt, upTo };
  return room.append({
    kind: 'decision',
    door: 'internal',
    topic: '',
    payload: Buffer.from(JSON.stringify({ ...order, reason: 'asked for', actor: 'test' })),
  });
}

const topic = 'open/v1/ha-noi/t';

describe('the public feed', () => {
  it('tells each row that becomes the newest of its series, where it is wanted', async () => {
    const heard = follow((slug) => slug === 't');
    await settled(life, await sendSteps(room, 2));
    await expect.poll(() => heard.length).toBe(2);
    await settled(life, await room.send({ ts: at(5), ta: 20.05 }));
    await settled(life, await room.send({ ts: at(40), ta: 26 }, { kind: 'backfill' }));
    await settled(life, await room.send({ ts: at(10), ta: 20.4, resultTime: Date.now() + 1_000 }));
    await expect.poll(() => heard.length).toBe(3);
    expect(heard).toEqual([
      { topic, result: 20, end: expect.stringContaining(local(0).slice(0, 19)) as string },
      { topic, result: 20.1, end: expect.stringContaining(local(10).slice(0, 19)) as string },
      { topic, result: 20.4, end: expect.stringContaining(local(10).slice(0, 19)) as string },
    ]);
  });

  it('shows whoever comes the latest of all, of a station, of a slug', async () => {
    await settled(life, await sendSteps(room, 3));
    follow();
    const topics = async (query: object) => (await latest(query)).map((each) => each.topic);
    expect(await topics({})).toEqual([topic, 'open/v1/ha-noi/rh']);
    expect(await topics({ slug: 'rh' })).toEqual(['open/v1/ha-noi/rh']);
    expect(await topics({ station: 'elsewhere' })).toEqual([]);
    expect((await latest({ slug: 't' }))[0]?.result).toBe(20.2);
  });

  it('says what is the latest when that was deleted: the one before, then none, in no bytes', async () => {
    const last = await sendSteps(room, 3);
    await settled(life, last);
    const heard = follow((slug) => slug === 't');
    expect(await latest({ slug: 't' })).toHaveLength(1);
    await settled(life, await erase(at(0), at(5)));
    await settled(life, await erase(at(15), at(60)));
    await expect.poll(() => heard.map(({ result }) => result)).toEqual([20.1]);
    await settled(life, await erase(at(0), at(60)));
    await expect.poll(() => heard.map(({ result }) => result)).toEqual([20.1, undefined]);
    expect(await latest({ slug: 't' })).toEqual([]);
  });

  it('is silent about what is not open to everybody, from the version that closes it on', async () => {
    await settled(life, await sendSteps(room, 2));
    const heard = follow();
    expect(await latest()).toHaveLength(2);
    const closed = { id: 'agency', name: { vi: 'Sở', en: 'Agency' }, kind: 'state' };
    const owners = [{ ...closed, visibility: 'internal' }];
    expect(room.registry.importFile({ format: 'quantrac-registry/1', owners }, 'test').ok).toBe(
      true,
    );
    await settled(life, await sendSteps(room, 1, 2));
    expect([await latest(), heard]).toEqual([[], []]);
  });
});
