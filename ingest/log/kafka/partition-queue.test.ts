import { describe, expect, it } from 'vitest';
import { kafkaError } from './errors.ts';
import type { KafkaRecord } from './kafka.ts';
import { createPartitionQueue, type LogEnds, type PartitionQueue } from './partition-queue.ts';

function record(offset: number, bytes = 10): KafkaRecord {
  return { offset, key: null, value: Buffer.alloc(bytes), headers: {} };
}

function openQueue(offset = 0, bytesMax = 1_000): { queue: PartitionQueue; stirred: () => number } {
  let stirs = 0;
  const queue = createPartitionQueue({
    topic: 't',
    partition: 0,
    offset,
    bytesMax,
    stir: () => void stirs++,
    closed: () => undefined,
  });
  return { queue, stirred: () => stirs };
}

function take(
  queue: PartitionQueue,
  records: readonly KafkaRecord[],
  next: number,
  ends: LogEnds,
): void {
  queue.take({ records, next, ends, askedAt: 5 });
}

/** Nothing is open: all that is there is committed. */
const all = (end: number) => ({ stable: end, high: end });

describe('what was fetched of a partition', () => {
  it('is read in order, and once', async () => {
    const { queue } = openQueue(3);
    take(queue, [record(3), record(4), record(6)], 7, all(9));
    expect((await queue.reader.read(1)).map(({ offset }) => offset)).toEqual([3]);
    expect(queue.reader.next).toBe(4);
    expect((await queue.reader.read(1_000)).map(({ offset }) => offset)).toEqual([4, 6]);
    expect(queue.reader.next).toBe(7);
    expect(queue.reader.end).toBe(9);
    expect(await queue.reader.read(1_000)).toEqual([]);
  });

  it('wakes who waits for the end, even where only markers or aborted records lie before it', async () => {
    const { queue } = openQueue();
    const waiting = queue.reader.wait();
    take(queue, [], 4, all(4));
    await waiting;
    expect(queue.reader.next).toBe(4);
    expect(queue.reader.levelAt).toBe(5);
  });

  it('is level only where no transaction is open', () => {
    const { queue } = openQueue();
    take(queue, [], 4, { stable: 4, high: 6 });
    expect(queue.reader.levelAt).toBe(Number.NEGATIVE_INFINITY);
    take(queue, [], 6, all(6));
    expect(queue.reader.levelAt).toBe(5);
  });

  it('leaves who waits alone where nothing came', async () => {
    const { queue } = openQueue(4);
    let isAwake = false;
    const waiting = queue.reader.wait().then(() => (isAwake = true));
    take(queue, [], 4, all(4));
    await Promise.resolve();
    expect(isAwake).toBe(false);
    queue.reader.close();
    await waiting;
  });

  it('forgets who waited once their signal has aborted', async () => {
    const { queue } = openQueue(4);
    const stopping = new AbortController();
    let removals = 0;
    const signal = Object.assign(stopping.signal, { removeEventListener: () => void removals++ });
    const waiting = queue.reader.wait(signal);
    stopping.abort();
    await waiting;
    take(queue, [record(4)], 5, all(5));
    expect(removals).toBe(1);
    await queue.reader.wait(signal);
  });

  it('is bounded: at the bound no more is asked for until some is read', async () => {
    const { queue, stirred } = openQueue(0, 300);
    take(queue, [record(0, 200)], 1, all(9));
    expect(queue.wantsMore).toBe(false);
    expect(queue.isFull).toBe(true);
    const before = stirred();
    await queue.reader.read(1);
    expect(queue.wantsMore).toBe(true);
    expect(stirred()).toBe(before + 1);
  });

  it('comes before the problem that followed it; the problem is told once, or until it is mended', async () => {
    const { queue } = openQueue();
    take(queue, [record(0)], 1, all(9));
    queue.fail(kafkaError('KAFKA_UNREACHABLE'));
    expect(await queue.reader.read(1)).toHaveLength(1);
    await expect(queue.reader.read(1)).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' });
    expect(await queue.reader.read(1)).toEqual([]);
    queue.fail(kafkaError('KAFKA_OFFSET_GONE'), true);
    expect(queue.wantsMore).toBe(false);
    for (let again = 0; again < 2; again++) {
      await expect(queue.reader.read(1)).rejects.toMatchObject({ code: 'KAFKA_OFFSET_GONE' });
    }
    queue.reader.seek(5);
    expect(queue.wantsMore).toBe(true);
    expect(await queue.reader.read(1)).toEqual([]);
    expect(queue.reader.next).toBe(5);
  });

  it('is nothing any more once its reader is closed', async () => {
    const { queue } = openQueue();
    take(queue, [record(0)], 1, all(9));
    queue.reader.close();
    await queue.reader.wait();
    await expect(queue.reader.read(1)).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' });
    expect(queue.wantsMore).toBe(false);
  });
});
