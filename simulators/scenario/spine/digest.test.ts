import { describe, expect, it } from 'vitest';
import type { ObservationRow } from '../../../ingest/observation.ts';
import { digestOf } from '../../../ingest/store/digest.ts';
import { openSpineNetwork } from './seeds.ts';

/** A row of the one key of these tests; `resultAt` NaN: it has no result time of its own. */
function rowOf(revision: number, result: number, resultAt: number): ObservationRow {
  const at = Number.isNaN(resultAt) ? 1_000 : resultAt;
  return {
    series: 3,
    endAt: 500,
    startAt: 500,
    heightMm: Number.NaN,
    revision,
    current: revision >= 0,
    type: revision === 0 ? 'insert' : 'correction',
    cause: 'value',
    result,
    verdict: { flag: 1, tests: '1111222222222222', qualifiers: 0, reason: null, rules: '0badc0de' },
    resultAt,
    receivedAt: 1_000,
    publishedAt: 1_000,
    rank: { klass: 1, at, node: 0, position: 7 },
    device: 'd',
    raw: { name: 'c', value: String(result), unit: null, time: null },
    payloadHash: -1,
    latitude: Number.NaN,
    longitude: Number.NaN,
  };
}

/** `rows` as the store gives a key: the current one first. */
async function digest(rows: readonly ObservationRow[]): Promise<string> {
  const network = openSpineNetwork();
  const kept = (query: { readonly after?: unknown }) => (query.after === undefined ? rows : []);
  const store = { position: 1, series: () => [3], kept };
  const { digest: text } = await digestOf({ store, registry: network.registry.at(1) });
  network.close();
  return text;
}

describe('the digest of a key', () => {
  const original = (revision: number) => rowOf(revision, 25, Number.NaN);
  const corrected = (revision: number) => rowOf(revision, 26, 2_000);
  const reversed = (revision: number) => rowOf(revision, 25, 3_000);

  it('is one whether the value that a reversal repeats came before it or after', async () => {
    const inOrder = await digest([reversed(2), corrected(1), original(0)]);
    expect(inOrder).toBe(await digest([reversed(1), corrected(0)]));
  });

  it('tells a value without a result time that nothing else repeats', async () => {
    const kept = await digest([corrected(1), original(0)]);
    expect(kept).not.toBe(await digest([corrected(0)]));
    expect(kept).toBe(await digest([corrected(0), original(-1)]));
  });
});
