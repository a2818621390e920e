import { describe, expect, it } from 'vitest';
import { createSeededRandom } from '../../../devices/random.ts';
import { sealed, type RegistryChangeset } from '../../../devices/registry/changeset.ts';
import type { KafkaRecord, OutgoingRecord } from '../../log/kafka/kafka.ts';
import { changesetRecords, noteRecord, partBytesMax } from './records.ts';
import { createStepMaker } from './steps.ts';

const place = { topic: 'registry', node: 3 };

/** Bytes that cannot be made smaller, so that a version has as many parts as it seems. */
function changesetOf(version: number, size: number): RegistryChangeset {
  return sealed({
    version,
    tables: 1,
    previous: version === 1 ? '' : 'before',
    id: 'id',
    ends: { history: version, series: -1, credential: -1 },
    bytes: createSeededRandom(version).bytes(size),
  });
}

function received(records: readonly OutgoingRecord[], from = 0): KafkaRecord[] {
  return records.map(({ key, value, headers = {} }, at) => ({
    offset: from + at,
    key: Buffer.from(key ?? ''),
    value,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]),
    ),
  }));
}

describe('a step', () => {
  it('gives every version back as it was, and the newest of each note', async () => {
    const [one, two] = [changesetOf(1, 10), changesetOf(2, 100_000)];
    const records = received([
      ...(await changesetRecords(one, place)),
      noteRecord('registry', 'node/1', { at: 1 }),
      ...(await changesetRecords(two, place)),
      noteRecord('registry', 'node/1', { at: 2 }),
    ]);
    const { changesets, notes, next } = await createStepMaker().make(records, 9);
    expect(changesets.map(plain)).toEqual([one, two].map(plain));
    expect([...notes]).toEqual([['node/1', '{"at":2}']]);
    expect(next).toBe(9);
  });

  it('keeps a version back until its last part is read, and begins at its first till then', async () => {
    const large = changesetOf(1, partBytesMax * 2 + 1);
    const records = received(await changesetRecords(large, place), 5);
    expect(records).toHaveLength(3);
    const maker = createStepMaker();
    const read = (from: number, to: number) => maker.make(records.slice(from, to), 5 + to);
    expect(await read(0, 1)).toMatchObject({ changesets: [], next: 5 });
    expect(await read(1, 2)).toMatchObject({ changesets: [], next: 5 });
    const whole = await read(2, 3);
    expect(whole.next).toBe(8);
    expect(whole.changesets.map(plain)).toEqual([plain(large)]);
    expect(await read(0, 2)).toMatchObject({ changesets: [], next: 5 });
    maker.reset();
    expect((await read(0, 3)).changesets).toHaveLength(1);
  });

  it('ends before a record that cannot be read, and says why', async () => {
    const records = received([
      ...(await changesetRecords(changesetOf(1, 10), place)),
      { topic: 'registry', partition: 0, key: 'x', value: Buffer.from('y') },
    ]);
    const { changesets, next, error } = await createStepMaker().make(records, 2);
    expect(changesets).toHaveLength(1);
    expect(next).toBe(1);
    expect(error).toMatchObject({ code: 'CLUSTER_REGISTRY_BROKEN', fields: { offset: 1 } });
  });

  it('makes room for no more than the head says', async () => {
    const records = received(await changesetRecords(changesetOf(1, 1_000), place));
    const head = JSON.parse(String(records[0]?.headers['head'])) as object;
    const small = {
      ...records[0]!,
      headers: { head: Buffer.from(JSON.stringify({ ...head, bytes: 9 })) },
    };
    const { error } = await createStepMaker().make([small], 1);
    expect(error).toMatchObject({ code: 'CLUSTER_REGISTRY_BROKEN', fields: { version: 1 } });
  });
});

function plain({ bytes, ...chain }: RegistryChangeset): object {
  return { ...chain, bytes: Buffer.from(bytes).toString('base64') };
}
