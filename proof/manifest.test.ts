import fc from 'fast-check';
import { expect, test } from 'vitest';

import { canonicalJson } from './canonical-json.ts';
import { makeSigningKey } from './key.ts';
import {
  manifestFormat,
  manifestText,
  problemInChain,
  readManifest,
  sha256Of,
  signedBytes,
  type Manifest,
} from './manifest.ts';
import { emptyRoot } from './tree.ts';

const documentOf = ({ changed, ...rest }: Manifest): Buffer =>
  Buffer.from(
    manifestText(
      rest,
      changed.map((each) => canonicalJson(each)),
    ),
  );

const key = makeSigningKey(new Uint8Array(32).fill(7));
const keys = [key.publicKey];

async function signed(sequence: number, previous: string | null): Promise<Manifest> {
  const unsigned = {
    format: manifestFormat,
    storeId: 'store',
    sequence,
    previous,
    day: '2024-06-01',
    cursor: 'MTpz',
    madeAt: '2024-06-02T00:05:00.000Z',
    root: emptyRoot,
    datastreams: 1,
    rows: 2,
    changed: [['a', '2024-06-01', 2, emptyRoot] as const, ['b', null, 0, null] as const],
    files: [['a/b.parquet', 9, emptyRoot] as const],
    key: key.publicKey.kid,
  } as const;
  return { ...unsigned, signature: await key.sign(signedBytes(unsigned)) };
}

test('any changed byte of a document is found', async () => {
  const document = documentOf(await signed(1, null));
  expect(readManifest(document)).toHaveProperty('manifest');
  fc.assert(
    fc.property(fc.nat(document.length - 1), fc.integer({ min: 0, max: 7 }), (at, bit) => {
      const changed = Buffer.from(document);
      changed[at] = document[at]! ^ (1 << bit);
      const read = readManifest(changed);
      const problem =
        'problem' in read
          ? read.problem
          : problemInChain(read.manifest, { keys, before: undefined });
      expect(problem).toBeTypeOf('string');
    }),
    { numRuns: 3_000 },
  );
});

test('a manifest that was left out or exchanged is found, though it is signed', async () => {
  const first = documentOf(await signed(1, null));
  const before = { sequence: 1, sha256: sha256Of(first), key: key.publicKey };
  const second = await signed(2, before.sha256);
  expect(problemInChain(second, { keys, before })).toBeUndefined();
  expect(problemInChain(await signed(3, before.sha256), { keys, before })).toMatch(
    /number 3, not 2/,
  );
  expect(problemInChain(await signed(2, emptyRoot), { keys, before })).toMatch(/by its hash/);
});
