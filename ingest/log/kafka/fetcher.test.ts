import { beforeEach, describe, expect, it } from 'vitest';
import { createManualClock, type ManualClock } from '../../../devices/clock-manual.ts';
import { createFetcher, type Fetcher } from './fetcher.ts';
import { FakeKafka } from './fetcher.fixture.ts';
import type { PartitionReader } from './kafka.ts';

const config = { fetchWaitMs: 200, readAheadBytesMax: 12_000, requestTimeoutMs: 5_000 };

let clock: ManualClock;
let kafka: FakeKafka;
let fetcher: Fetcher;

beforeEach(() => {
  clock = createManualClock(1_700_000_000_000);
  kafka = new FakeKafka(clock);
  fetcher = createFetcher({ clock, config, openCluster: kafka.openCluster });
});

/** Lets everything happen that needs no time. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 10; turns++) await new Promise(setImmediate);
}

async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 50) {
    await settle();
    clock.advance(Math.min(50, left));
  }
  await settle();
}

async function textsOf(reader: PartitionReader): Promise<string[]> {
  await settle();
  const records = await reader.read(1_000_000);
  return records.map(({ value }) => String(value).trimEnd());
}

const codeOf = (reader: PartitionReader): Promise<unknown> =>
  reader.read(1).then(
    () => undefined,
    (error: { readonly code?: unknown }) => error.code,
  );

function lastAsked(): string[] {
  return kafka.requests.at(-1)!.asked.map(({ topic, partition }) => `${topic}-${partition}`);
}

describe('reading partitions', () => {
  it('asks each server once for all that it leads, and opens nothing before that', async () => {
    for (const [place, leader] of [
      ['t-0', '1'],
      ['t-1', '2'],
      ['u-0', '1'],
    ] as const) {
      kafka.partition(place, leader);
      kafka.append(place, `of ${place}`);
    }
    expect(kafka.counts.opened).toBe(0);
    const readers = [
      fetcher.openReader('t', 0, 0),
      fetcher.openReader('t', 1, 0),
      fetcher.openReader('u', 0, 0),
    ];
    await settle();
    for (const [at, place] of ['t-0', 't-1', 'u-0'].entries()) {
      expect(await textsOf(readers[at]!)).toEqual([`of ${place}`]);
    }
    await pass(200);
    expect(lastAsked()).toHaveLength(2);
    expect(kafka.counts.opened).toBe(1);
    await fetcher.close();
    expect(kafka.counts.open).toBe(0);
  });

  it('waits at the server for what comes, and says when it was level', async () => {
    kafka.partition('t-0', '1');
    const reader = fetcher.openReader('t', 0, 0);
    await settle();
    expect(reader.levelAt).toBe(-Infinity);
    await pass(200);
    // Of when it was asked: what came while the answer was on its way is not in it.
    expect(reader.levelAt).toBe(1_700_000_000_000);
    const before = kafka.requests.length;
    const waiting = reader.wait();
    kafka.append('t-0', 'a');
    await waiting;
    expect(await textsOf(reader)).toEqual(['a']);
    expect(kafka.requests.length - before).toBeLessThanOrEqual(2);
    await fetcher.close();
  });

  it('gives every partition its turn where the bound of an answer is met', async () => {
    for (const place of ['t-0', 't-1', 't-2']) {
      kafka.partition(place, '1');
      kafka.append(place, 'a');
      fetcher.openReader('t', Number(place.at(-1)), 0);
    }
    await settle();
    expect(lastAsked()).toEqual(['t-0', 't-1', 't-2']);
    kafka.append('t-0', 'b');
    await settle();
    expect(lastAsked()).toEqual(['t-1', 't-2', 't-0']);
    await fetcher.close();
  });

  it('gives every reader of a partition all of it, whichever of them stands where', async () => {
    kafka.partition('t-0', '1');
    kafka.append('t-0', 'a', 'b', 'c');
    const readers = [0, 1, 1, 3].map((offset) => fetcher.openReader('t', 0, offset));
    await pass(20);
    for (const { asked } of kafka.requests) expect(asked).toHaveLength(1);
    const texts = await Promise.all(readers.map(textsOf));
    expect(texts).toEqual([['a', 'b', 'c'], ['b', 'c'], ['b', 'c'], []]);
    kafka.append('t-0', 'd');
    await pass(20);
    for (const reader of readers) expect(await textsOf(reader)).toEqual(['d']);
    await fetcher.close();
  });

  it('lets a reader that is far behind keep no other of the partition waiting', async () => {
    kafka.partition('t-0', '1');
    kafka.append('t-0', ...Array.from({ length: 500 }, (_none, at) => `old ${at}`));
    const behind = fetcher.openReader('t', 0, 0);
    const level = fetcher.openReader('t', 0, 500);
    let count = 0;
    const readBehind = async (): Promise<void> => {
      await pass(5);
      count += (await textsOf(behind)).length;
    };
    while (count < 100) await readBehind();
    kafka.append('t-0', 'new');
    while (level.next < 501) {
      await readBehind();
      await level.read(1);
    }
    expect(count).toBeLessThan(200);
    await fetcher.close();
  });

  it('lets a server hold a request only shortly while a partition there waits for its reader', async () => {
    kafka.partition('t-0', '1').bytesMin = 20_000;
    kafka.partition('t-1', '1');
    kafka.append('t-0', 'large');
    const full = fetcher.openReader('t', 0, 0);
    fetcher.openReader('t', 1, 0);
    await settle();
    expect(kafka.requests.at(-1)).toMatchObject({ waitMs: 20, asked: [{ partition: 1 }] });
    expect(await textsOf(full)).toEqual(['large']);
    await pass(20);
    expect(kafka.requests.at(-1)).toMatchObject({ waitMs: 200 });
    expect(lastAsked()).toHaveLength(2);
    await fetcher.close();
  });
});

describe('a reader that is moved or closed while it is asked for', () => {
  it('gets nothing of what it does not want any more', async () => {
    kafka.partition('t-0', '1');
    kafka.append('t-0', 'a', 'b', 'c');
    const reader = fetcher.openReader('t', 0, 3);
    await settle();
    reader.seek(1);
    kafka.append('t-0', 'd');
    expect(await textsOf(reader)).toEqual(['b', 'c', 'd']);
    expect(reader.next).toBe(4);
    await fetcher.close();
  });

  it('is asked for at its new place at once where it moves when it was given something', async () => {
    for (const place of ['t-0', 't-1']) kafka.partition(place, '1');
    kafka.append('t-0', 'a', 'b', 'c', 'd');
    fetcher.openReader('t', 1, 0);
    const reader = fetcher.openReader('t', 0, 3);
    const found: number[] = [];
    for (let offset = 3; offset >= 0; offset--) {
      reader.seek(offset);
      await reader.wait();
      found.push((await reader.read(1))[0]!.offset);
    }
    expect(found).toEqual([3, 2, 1, 0]);
    await fetcher.close();
  });

  it('is not told of the old place that it is gone', async () => {
    kafka.partition('t-0', '1').start = 10;
    kafka.append('t-0', 'a');
    kafka.states.set('1', 'hung');
    const reader = fetcher.openReader('t', 0, 0);
    await settle();
    reader.seek(10);
    kafka.states.set('1', 'up');
    kafka.look();
    expect(await textsOf(reader)).toEqual(['a']);
    await fetcher.close();
  });

  it('leaves the others as they are', async () => {
    kafka.partition('t-0', '1');
    kafka.partition('t-1', '1');
    const [closed, other] = [fetcher.openReader('t', 0, 0), fetcher.openReader('t', 1, 0)];
    await settle();
    closed.close();
    kafka.append('t-0', 'a');
    kafka.append('t-1', 'b');
    expect(await textsOf(other)).toEqual(['b']);
    expect(await codeOf(closed)).toBe('KAFKA_UNREACHABLE');
    await pass(200);
    expect(lastAsked()).toEqual(['t-1']);
    await fetcher.close();
  });
});

describe('closing', () => {
  it.each(['up', 'hung'] as const)(
    'ends what is under way at a server that is %s',
    async (state) => {
      kafka.partition('t-0', '1');
      kafka.states.set('1', state);
      const reader = fetcher.openReader('t', 0, 0);
      await settle();
      const waiting = reader.wait();
      await fetcher.close();
      await waiting;
      expect(kafka.counts.open).toBe(0);
      expect(await codeOf(reader)).toBe('KAFKA_UNREACHABLE');
    },
  );

  it('leaves no connection that was being opened', async () => {
    kafka.partition('t-0', '1');
    fetcher.openReader('t', 0, 0);
    await fetcher.close();
    await settle();
    expect(kafka.counts.open).toBe(0);
    expect(kafka.requests).toEqual([]);
  });

  it('does not wait for what rests, and gives readers opened later as closed', async () => {
    kafka.states.set('1', 'down').set('2', 'down');
    fetcher.openReader('t', 0, 0);
    await settle();
    await fetcher.close();
    const late = fetcher.openReader('t', 0, 0);
    await late.wait();
    expect(await codeOf(late)).toBe('KAFKA_UNREACHABLE');
    expect(kafka.counts.opened).toBe(1);
  });
});

describe('a partition that fails', () => {
  let ill: PartitionReader;
  let well: PartitionReader;
  beforeEach(async () => {
    for (const place of ['t-0', 't-1']) {
      kafka.partition(place, '1');
      kafka.append(place, 'a');
    }
    ill = fetcher.openReader('t', 0, 0);
    well = fetcher.openReader('t', 1, 0);
    await settle();
    for (const reader of [ill, well]) await reader.read(1_000);
  });

  it('is told of by its reader alone, and tried again after longer and longer pauses', async () => {
    const storageError = 56;
    kafka.partitions.get('t-0')!.errorCode = storageError;
    await pass(200);
    expect(await codeOf(ill)).toBe('KAFKA_UNREACHABLE');
    kafka.append('t-1', 'b');
    expect(await textsOf(well)).toEqual(['b']);
    await pass(10_000);
    const ofIll = kafka.requests.filter(({ asked }) =>
      asked.some(({ partition }) => partition === 0),
    );
    expect(ofIll.length).toBeLessThan(15);
    expect(kafka.counts.opened).toBe(1);
    kafka.partitions.get('t-0')!.errorCode = 0;
    kafka.append('t-0', 'b');
    await pass(2_000);
    expect(await textsOf(ill)).toEqual(['b']);
    await fetcher.close();
  });

  it('whose records are gone is told so until it is moved, while the others go on at once', async () => {
    ill.seek(50);
    kafka.append('t-1', 'b');
    expect(await textsOf(well)).toEqual(['b']);
    await pass(200);
    for (let again = 0; again < 2; again++) expect(await codeOf(ill)).toBe('KAFKA_OFFSET_GONE');
    kafka.append('t-1', 'c');
    expect(await textsOf(well)).toEqual(['c']);
    ill.seek(0);
    kafka.append('t-1', 'd');
    expect(await textsOf(ill)).toEqual(['a']);
    expect(kafka.counts).toMatchObject({ opened: 1, refreshes: 0 });
    expect(kafka.requests.length).toBeLessThan(20);
    await fetcher.close();
  });

  it('is asked for again where a server does not know its records yet', async () => {
    const outOfRange = 1;
    kafka.partitions.get('t-0')!.errorCode = outOfRange;
    kafka.look();
    await pass(200);
    expect(await codeOf(ill)).toBe('KAFKA_UNREACHABLE');
    kafka.partitions.get('t-0')!.errorCode = 0;
    kafka.append('t-0', 'b');
    await pass(500);
    expect(await textsOf(ill)).toEqual(['b']);
    await fetcher.close();
  });

  it('is read from whoever leads it next', async () => {
    kafka.partitions.get('t-0')!.leader = '2';
    kafka.look();
    kafka.append('t-0', 'b');
    kafka.append('t-1', 'b');
    expect(await textsOf(well)).toEqual(['b']);
    await pass(200);
    expect(await codeOf(ill)).toBeUndefined();
    expect(kafka.requests.some(({ server }) => server === '2')).toBe(true);
    expect(kafka.counts).toMatchObject({ opened: 1, refreshes: 1 });
    await fetcher.close();
  });

  it('waits while nobody leads it, and the others do not', async () => {
    kafka.partitions.get('t-0')!.leader = undefined;
    kafka.look();
    await pass(500);
    expect(await codeOf(ill)).toBe('KAFKA_UNREACHABLE');
    kafka.append('t-1', 'b');
    expect(await textsOf(well)).toEqual(['b']);
    kafka.partitions.get('t-0')!.leader = '2';
    kafka.append('t-0', 'b');
    await pass(2_000);
    expect(await textsOf(ill)).toEqual(['b']);
    await fetcher.close();
  });
});

describe('a server that fails', () => {
  let onOne: PartitionReader;
  let onTwo: PartitionReader;
  beforeEach(async () => {
    kafka.partition('t-0', '1');
    kafka.partition('t-1', '2');
    onOne = fetcher.openReader('t', 0, 0);
    onTwo = fetcher.openReader('t', 1, 0);
    await pass(200);
  });

  it.each(['down', 'hung'] as const)('by being %s holds up what it leads alone', async (state) => {
    kafka.states.set('1', state);
    kafka.look();
    await pass(300);
    kafka.append('t-1', 'b');
    expect(await textsOf(onTwo)).toEqual(['b']);
    kafka.partitions.get('t-0')!.leader = '2';
    kafka.append('t-0', 'b');
    await pass(10_000);
    expect(await textsOf(onOne)).toEqual(['b']);
    expect(kafka.counts.opened).toBe(1);
    await fetcher.close();
  });

  it('with all others is reached again, over new connections, from where each partition was', async () => {
    kafka.append('t-0', 'a');
    expect(await textsOf(onOne)).toEqual(['a']);
    kafka.states.set('1', 'down').set('2', 'down');
    kafka.look();
    const waiting = Promise.all([onOne.wait(), onTwo.wait()]);
    await pass(200);
    await waiting;
    for (const reader of [onOne, onTwo]) expect(await codeOf(reader)).toBe('KAFKA_UNREACHABLE');
    await pass(10_000);
    const tries = kafka.counts.opened;
    expect(tries).toBeGreaterThan(3);
    expect(tries).toBeLessThan(20);
    expect(kafka.counts.open).toBe(0);
    kafka.states.set('1', 'up').set('2', 'up');
    kafka.append('t-0', 'b');
    kafka.append('t-1', 'b');
    await pass(2_000);
    for (const reader of [onOne, onTwo]) expect(await textsOf(reader)).toEqual(['b']);
    expect(kafka.counts.open).toBe(1);
    await fetcher.close();
  });
});
