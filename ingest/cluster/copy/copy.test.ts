import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kafkaError } from '../../log/kafka/errors.ts';
import { openCopyWorld, type CopyWorld, type History } from './world.fixture.ts';
import type { CopyNode } from './node.fixture.ts';
import type { Past } from '../past.ts';

const partitions = 3;
let world: CopyWorld;
let nodes: CopyNode[] = [];

beforeEach(async () => {
  world = await openCopyWorld(partitions);
});

afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close();
  await world.close();
  if (world.failures.length > 0) throw world.failures[0];
});

async function open(folder?: string, past?: Past): Promise<CopyNode> {
  const node = await world.open(folder, past);
  nodes.push(node);
  return node;
}

async function close(node: CopyNode): Promise<void> {
  nodes = nodes.filter((each) => each !== node);
  await node.close();
}

async function publishAll(history: History, from: number, to: number): Promise<void> {
  for (let position = from; position <= to; position++) {
    for (let partition = 0; partition < partitions; partition++) {
      await history.publish(partition, position);
    }
  }
}

const held = (): number => world.telemetry.value('quantrac_copy_partitions_held');
const errors = (): unknown[] =>
  world.telemetry.lines.filter(({ level }) => level === 'error').map(({ fields }) => fields);

describe('a partition in which something is wrong', () => {
  const unreadable = (byte: number) => (to: History) =>
    to.write(0, Buffer.from([byte]), { position: '3' });
  const wrongs: readonly (readonly [string, string, (history: History) => Promise<void>])[] = [
    ['a hole', 'INGEST_OBSERVATIONS_MISSING', (to) => to.publish(0, 4)],
    ['a batch that cannot be read', 'INGEST_BATCH_UNREADABLE', unreadable(1)],
    ['a batch of a newer version', 'INGEST_BATCH_VERSION', unreadable(99)],
    ['what no worker wrote', 'INGEST_RECORD_FOREIGN', (to) => to.write(0, Buffer.from('x'))],
  ];

  it.each(wrongs)('is held alone before %s', async (_what, code, spoil) => {
    await publishAll(world.history, 1, 2);
    await spoil(world.history);
    const node = await open();
    await world.until(() => held() === 1 && node.copy.isSettled);
    for (let position = 3; position <= 5; position++) {
      for (const partition of [1, 2]) await world.history.publish(partition, position);
    }
    await world.until(() => node.copy.positions.join() === '2,5,5');
    expect(errors()).toEqual([{ partition: 0, error: expect.objectContaining({ code }) }]);
    expect(node.copy.problem).toMatch(/ \(0\)$/);
    // Not one moment of it counts as level: of what was published since nothing is known here.
    expect([0, 1, 2].map((each) => node.levels.get(each) > 0)).toEqual([false, true, true]);
    await close(node);
    const again = await open(node.folder);
    await world.until(() => held() === 1 && again.copy.isSettled);
    expect(again.copy.positions).toEqual([2, 5, 5]);
  });

  it('goes on behind what no worker wrote as soon as a batch stands there', async () => {
    await publishAll(world.history, 1, 2);
    await world.history.write(0, Buffer.from('x'));
    const node = await open();
    await world.until(() => held() === 1);
    await publishAll(world.history, 3, 3);
    await node.until([3, 3, 3], () => world.failures[0]);
    await world.until(() => held() === 0);
  });

  it('is copied as far as it can be where the others begin at their horizon', async () => {
    await publishAll(world.history, 1, 2);
    await unreadable(1)(world.history);
    const noted = async () => new Map([0, 1, 2].map((partition) => [partition, 1]));
    const past = { noted, close: () => undefined } as unknown as Past;
    const node = await open(undefined, past);
    await world.until(() => held() === 1 && node.copy.isSettled);
    expect(node.view.horizon.floors).toEqual([0, 1, 1]);
    expect(node.copy.positions).toEqual([2, 2, 2]);
  });

  it('goes on once it was mended, without a start', async () => {
    await publishAll(world.history, 1, 2);
    await world.history.publish(0, 4);
    const node = await open();
    await world.until(() => held() === 1);
    await world.begin((history) => publishAll(history, 1, 6));
    await node.until([6, 6, 6], () => world.failures[0]);
    await world.until(() => held() === 0 && node.copy.problem === null);
    await world.until(() => [0, 1, 2].every((each) => node.levels.get(each) > 0));
  });

  it('is read again from its place where an offset was gone', async () => {
    await publishAll(world.history, 1, 2);
    const node = await open();
    await node.until([2, 2, 2], () => world.failures[0]);
    world.breakRead(1, kafkaError('KAFKA_OFFSET_GONE', { partition: 1 }));
    await publishAll(world.history, 3, 4);
    await node.until([4, 4, 4], () => world.failures[0]);
    await world.until(() => held() === 0);
    expect(errors()).toHaveLength(1);
  });
});

it('says once that Kafka does not answer, and not that somebody must mend a partition', async () => {
  await publishAll(world.history, 1, 2);
  const node = await open();
  await node.until([2, 2, 2], () => world.failures[0]);
  for (let partition = 0; partition < partitions; partition++) {
    world.breakRead(partition, kafkaError('KAFKA_UNREACHABLE', { partition }));
  }
  await publishAll(world.history, 3, 3);
  await world.until(() => world.telemetry.value('quantrac_copy_failures_total') === partitions);
  expect(node.copy.problem).toMatch(/\(0, 1, 2\)$/);
  expect(held()).toBe(partitions);
  await node.until([3, 3, 3], () => world.failures[0]);
  await world.until(() => node.copy.problem === null);
  expect([held(), errors()]).toEqual([0, []]);
  const told = world.telemetry.lines.filter(({ level }) => level === 'warn');
  expect(told).toHaveLength(1);
});

describe('a copy that is ahead of Kafka', () => {
  const losses = (): number => world.telemetry.value('quantrac_copy_losses_total');
  const pasts: readonly (readonly [string, Past | undefined])[] = [
    ['held', undefined],
    ['asked elsewhere', { noted: async () => new Map(), close: () => undefined } as never],
  ];

  it.each(pasts)('begins anew when it starts, the past being %s', async (_where, past) => {
    await publishAll(world.history, 1, 5);
    const node = await open(undefined, past);
    await node.until([5, 5, 5], () => world.failures[0]);
    await close(node);
    // Of partition 1 the last two are lost, and not decided again yet.
    await world.begin(async (history) => {
      await publishAll(history, 1, 3);
      for (const partition of [0, 2]) {
        for (const position of [4, 5]) await history.publish(partition, position);
      }
    });
    const short = await open(node.folder, past);
    await short.until([5, 3, 5], () => world.failures[0]);
    expect(errors()).toEqual([{ error: expect.objectContaining({ code: 'INGEST_COPY_DIFFERS' }) }]);
    expect(losses()).toBe(1);
    await close(short);
    // Decided again: to as many, and to more.
    for (const last of [5, 7]) {
      await world.begin(async (history) => {
        await publishAll(history, 1, 3);
        for (let position = 4; position <= last; position++) {
          for (const partition of [0, 1, 2]) await history.publish(partition, position, last);
        }
      });
      const again = await open(node.folder, past);
      await again.until([last, last, last], () => world.failures[0]);
      await expect.poll(() => again.consumed(1)).toEqual([2, 4, 6, ...consumedOf(4, last, last)]);
      await close(again);
    }
    expect(losses()).toBe(3);
    const same = await open(node.folder, past);
    await same.until([7, 7, 7], () => world.failures[0]);
    expect(losses()).toBe(3);
  });

  it('holds what Kafka lost while it ran, and takes no batch behind it for the next', async () => {
    await publishAll(world.history, 1, 5);
    const node = await open();
    await node.until([5, 5, 5], () => world.failures[0]);
    await world.begin(async (history) => {
      await publishAll(history, 1, 3);
      for (let position = 4; position <= 8; position++) {
        for (const partition of [0, 1, 2]) {
          await history.publish(partition, position, partition === 1 ? 1 : 0);
        }
      }
    });
    await world.until(() => held() === 1);
    await node.until([8, 5, 8], () => world.failures[0]);
    expect(node.copy.problem).toMatch(/ \(1\)$/);
    await close(node);
    const again = await open(node.folder);
    await again.until([8, 8, 8], () => world.failures[0]);
    await expect.poll(() => again.consumed(1)).toEqual([2, 4, 6, ...consumedOf(4, 8, 1)]);
    await world.until(() => held() === 0);
    expect(losses()).toBe(1);
  });

  it('finds it later where Kafka is away when it starts', async () => {
    await publishAll(world.history, 1, 5);
    const node = await open();
    await node.until([5, 5, 5], () => world.failures[0]);
    await close(node);
    const stop = world.leave();
    const again = await open(node.folder);
    await again.until([5, 5, 5], () => world.failures[0]);
    await world.begin((history) => publishAll(history, 1, 4));
    stop();
    await world.until(() => held() === partitions);
    expect(again.copy.positions).toEqual([5, 5, 5]);
    expect(losses()).toBe(0);
  });

  it('keeps what it has where Kafka lost everything: nobody else may hold it', async () => {
    await publishAll(world.history, 1, 5);
    const node = await open();
    await node.until([5, 5, 5], () => world.failures[0]);
    await close(node);
    await world.begin(async () => undefined);
    const empty = await open(node.folder);
    await world.until(() => held() === partitions);
    await close(empty);
    // Another network, or the same one begun anew: not even the first batches are the same.
    await world.begin(async (history) => {
      for (let position = 1; position <= 6; position++) {
        for (const partition of [0, 1]) await history.publish(partition, position, 1);
        await history.publish(2, position);
      }
    });
    const other = await open(node.folder);
    await other.until([5, 5, 6], () => world.failures[0]);
    await world.until(() => held() === 2);
    expect(losses()).toBe(0);
    expect(await other.consumed(0)).toEqual(consumedOf(1, 5, 0));
  });

  it('tells a batch that comes twice from another one under its number', async () => {
    await publishAll(world.history, 1, 3);
    const node = await open();
    await node.until([3, 3, 3], () => world.failures[0]);
    await world.history.publish(0, 2);
    await world.history.publish(1, 2, 1);
    await world.history.publish(0, 4);
    await world.until(() => held() === 1 && node.copy.positions.join() === '4,3,3');
    expect(errors()).toEqual([
      { partition: 1, error: expect.objectContaining({ code: 'INGEST_COPY_DIFFERS' }) },
    ]);
  });
});

function consumedOf(from: number, to: number, mark: number): number[] {
  return Array.from({ length: to - from + 1 }, (_none, at) => 2 * (from + at) + mark);
}
