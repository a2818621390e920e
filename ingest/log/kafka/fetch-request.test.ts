import type { NodeConnection } from 'kafkajs/src/cluster/index.js';
import { describe, expect, it } from 'vitest';
import {
  readRequest,
  writeAnswer,
  writeBatch,
  type ReadRequest,
  type WrittenPartition,
} from './fetch-answer.fixture.ts';
import { createFetchRecords, type PartitionAnswer } from './fetch-request.ts';

const fetchRecords = createFetchRecords();

/** A server that gives one answer to whatever it is asked. */
function serverOf(partitions: readonly WrittenPartition[]) {
  const requests: ReadRequest[] = [];
  const connectionPool: NodeConnection['connectionPool'] = {
    host: 'h',
    port: 1,
    async send({ request, response }) {
      requests.push(readRequest((await request.encode()).buffer));
      return response.parse(await response.decode(writeAnswer(partitions)));
    },
  };
  return { requests, node: { connectionPool } as NodeConnection };
}

async function fetchOne(written: Partial<WrittenPartition>, offset = 0): Promise<PartitionAnswer> {
  const { node } = serverOf([{ topic: 't', partition: 3, ...written }]);
  const [answer] = await fetchRecords(node, [{ topic: 't', partition: 3, offset }], 200);
  return answer!;
}

function textsOf({ records }: Pick<PartitionAnswer & { error?: undefined }, 'records'>): string[] {
  return records.map(({ value }) => String(value));
}

async function textsFrom(offset: number, written: Partial<WrittenPartition>): Promise<string[]> {
  const answer = await fetchOne(written, offset);
  if (answer.error !== undefined) throw answer.error;
  return textsOf(answer);
}

describe('a request for records', () => {
  it('asks for each partition from its offset, and says how long it may be held', async () => {
    const { node, requests } = serverOf([]);
    const asked = [
      { topic: 'réadings', partition: 7, offset: 2 ** 40 },
      { topic: 'other', partition: 0, offset: 0 },
    ];
    await fetchRecords(node, asked, 150);
    expect(requests).toEqual([{ waitMs: 150, asked }]);
  });

  it('gives records with key, value and headers from the offset on, and where to go on', async () => {
    const batches = [
      writeBatch({ offset: 5, texts: ['a', 'b', 'c'] }),
      writeBatch({ offset: 8, texts: ['d'] }),
    ];
    const answer = await fetchOne({ end: 20, high: 22, batches, aborted: null }, 6);
    expect(answer).toMatchObject({ next: 9, ends: { stable: 20, high: 22 } });
    expect(answer).toHaveProperty('records.0', {
      offset: 6,
      key: null,
      value: Buffer.from('b'),
      headers: {},
    });
    expect(await textsFrom(6, { batches })).toEqual(['b', 'c', 'd']);
  });

  it('stays where it is when nothing is there', async () => {
    expect(await fetchOne({ end: 6 }, 6)).toMatchObject({ records: [], next: 6 });
  });

  it('leaves what the bound of the answer has cut for the next request', async () => {
    const whole = writeBatch({ offset: 0, texts: ['a'] });
    const cut = writeBatch({ offset: 1, texts: ['b'] });
    for (const bytes of [0, 5, 30, cut.length - 1]) {
      const batches = [whole, cut.subarray(0, bytes)];
      const answer = await fetchOne({ batches });
      expect(answer).toMatchObject({ next: 1 });
      expect(await textsFrom(0, { batches })).toEqual(['a']);
    }
  });

  it('gets past what compaction has taken: the end of a batch, and all of it', async () => {
    const batches = [writeBatch({ offset: 0, texts: ['a'], written: 10 })];
    expect(await fetchOne({ batches })).toMatchObject({ next: 10 });
    expect(await fetchOne({ batches }, 4)).toMatchObject({ records: [], next: 10 });
    const emptied = [writeBatch({ offset: 0, texts: [], producer: 1, written: 1_000 })];
    expect(await fetchOne({ batches: emptied })).toMatchObject({ records: [], next: 1_000 });
  });

  it('gives what lies before a damaged batch, and fails at it alone', async () => {
    const damaged = writeBatch({ offset: 1, texts: ['b'] });
    damaged[damaged.length - 2]! ^= 1;
    const batches = [writeBatch({ offset: 0, texts: ['a'] }), damaged];
    const { node } = serverOf([
      { topic: 't', partition: 0, batches },
      { topic: 't', partition: 1, batches: [damaged] },
      { topic: 't', partition: 2, batches: [writeBatch({ offset: 0, texts: ['c'] })] },
    ]);
    const asked = [0, 1, 2].map((partition) => ({ topic: 't', partition, offset: 0 }));
    const [before, at, other] = await fetchRecords(node, asked, 1);
    expect(before).toMatchObject({ next: 1, records: [{ offset: 0 }] });
    expect(at?.error).toMatchObject({ code: 'KAFKA_BATCH_DAMAGED', fields: { offset: 1 } });
    expect(other).toMatchObject({ next: 1, records: [{ offset: 0 }] });
  });

  it('says of one partition that it failed, and gives the records of the others', async () => {
    const notLeader = 6;
    const { node } = serverOf([
      { topic: 't', partition: 0, errorCode: notLeader, end: -1 },
      { topic: 't', partition: 1, batches: [writeBatch({ offset: 0, texts: ['a'] })] },
    ]);
    const asked = [0, 1, 2].map((partition) => ({ topic: 't', partition, offset: 0 }));
    const [failed, given, forgotten] = await fetchRecords(node, asked, 1);
    expect(failed?.error).toMatchObject({ type: 'NOT_LEADER_FOR_PARTITION' });
    expect(given?.error).toBeUndefined();
    expect(forgotten?.error).toMatchObject({ type: 'UNKNOWN' });
  });
});

describe('what was aborted', () => {
  const aborted = (...firsts: [producer: number, offset: number][]) =>
    firsts.map(([producer, offset]) => ({ producer, offset }));

  it('is left out, with the markers; what others committed meanwhile is not', async () => {
    const batches = [
      writeBatch({ offset: 0, texts: ['no'], producer: 1 }),
      writeBatch({ offset: 1, texts: ['yes'], producer: 2 }),
      writeBatch({ offset: 2, texts: ['plain'] }),
      writeBatch({ offset: 3, texts: [], producer: 1, marker: 'abort' }),
      writeBatch({ offset: 4, texts: [], producer: 2, marker: 'commit' }),
      writeBatch({ offset: 5, texts: ['later'], producer: 1 }),
      writeBatch({ offset: 6, texts: [], producer: 1, marker: 'commit' }),
    ];
    const written = { batches, aborted: aborted([1, 0]) };
    expect(await textsFrom(0, written)).toEqual(['yes', 'plain', 'later']);
    expect(await fetchOne(written)).toMatchObject({ next: 7 });
  });

  it('is left out where aborted transactions overlap, from whichever offset it is read', async () => {
    const batches = [
      writeBatch({ offset: 0, texts: ['no 1'], producer: 1 }),
      writeBatch({ offset: 1, texts: ['no 2'], producer: 2 }),
      writeBatch({ offset: 2, texts: [], producer: 2, marker: 'abort' }),
      writeBatch({ offset: 3, texts: ['no 3'], producer: 1 }),
      writeBatch({ offset: 4, texts: [], producer: 1, marker: 'abort' }),
      writeBatch({ offset: 5, texts: ['yes'], producer: 2 }),
      writeBatch({ offset: 6, texts: [], producer: 2, marker: 'commit' }),
    ];
    for (const offset of [0, 1, 2, 3, 4, 5]) {
      // In the order of the markers, those whose marker is not passed: so a server names them.
      const named = aborted([2, 1], [1, 0]).slice(offset > 4 ? 2 : offset > 2 ? 1 : 0);
      const texts = await textsFrom(offset, { batches: batches.slice(offset), aborted: named });
      expect(texts).toEqual(['yes']);
    }
  });

  it('is left out once for each time that a producer aborted', async () => {
    const batches = [
      writeBatch({ offset: 0, texts: ['no'], producer: 1 }),
      writeBatch({ offset: 1, texts: [], producer: 1, marker: 'abort' }),
      writeBatch({ offset: 2, texts: ['yes'], producer: 1 }),
      writeBatch({ offset: 3, texts: [], producer: 1, marker: 'commit' }),
      writeBatch({ offset: 4, texts: ['no'], producer: 1 }),
      writeBatch({ offset: 5, texts: [], producer: 1, marker: 'abort' }),
    ];
    const written = { batches, aborted: aborted([1, 0], [1, 4]) };
    expect(await textsFrom(0, written)).toEqual(['yes']);
  });
});
