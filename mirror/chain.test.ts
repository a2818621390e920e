import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';

import { makeSigningKey, type SigningKey } from '../proof/key.ts';
import { manifestFormat, manifestText, sha256Of } from '../proof/manifest.ts';
import { emptyRoot } from '../proof/tree.ts';
import { openChain, type ChainNow } from './chain.ts';
import { openMirrorFiles } from './files-node.ts';
import type { Server } from './http.ts';
import type { Waiting } from './waiting.ts';

const [first, second] = [1, 2].map((seed) => makeSigningKey(new Uint8Array(32).fill(seed))) as [
  SigningKey,
  SigningKey,
];

interface Made {
  readonly sequence: number;
  readonly document: Buffer;
}

interface Wish {
  readonly storeId?: string;
  readonly key?: SigningKey;
  /** Names this one as the next. */
  readonly nextKey?: SigningKey;
  /** Of January 2026. */
  readonly dayOfMonth?: number;
}

async function behind(before: Made | undefined, wish: Wish = {}): Promise<Made> {
  const { storeId = 'store-1', key = first, nextKey } = wish;
  const sequence = (before?.sequence ?? 0) + 1;
  const day = String(wish.dayOfMonth ?? sequence).padStart(2, '0');
  const unsigned = {
    format: manifestFormat,
    storeId,
    sequence,
    previous: before === undefined ? null : sha256Of(before.document),
    day: `2026-01-${day}`,
    cursor: `${storeId}-${sequence}`,
    madeAt: `2026-01-${day}T12:00:00.000Z`,
    root: emptyRoot,
    datastreams: 0,
    rows: 0,
    files: [],
    key: key.publicKey.kid,
    ...(nextKey === undefined ? {} : { nextKey: nextKey.publicKey }),
  } as const;
  const signature = await key.sign(Buffer.from(manifestText(unsigned, [])));
  return { sequence, document: Buffer.from(manifestText({ ...unsigned, signature }, [])) };
}

/** Each manifest behind the one before, from the first or from `before` on. */
async function chainOf(wishes: readonly Wish[], before: readonly Made[] = []): Promise<Made[]> {
  const made = [...before];
  for (const wish of wishes) made.push(await behind(made.at(-1), wish));
  return made;
}

function serverOf(served: () => readonly Made[]): Server {
  return {
    async ask(path, { etag = '' } = {}) {
      const answer = (status: number, body: Buffer = Buffer.alloc(0)) => ({
        status,
        etag: '',
        body,
        path,
      });
      if (path === '/manifests/keys') {
        const keys = [first, second].map(({ publicKey }) => publicKey);
        return answer(200, Buffer.from(JSON.stringify({ keys })));
      }
      const which = path.slice('/manifests/'.length);
      const found =
        which === 'latest'
          ? served().at(-1)
          : served().find(({ sequence }) => sequence === Number(which));
      if (found === undefined) return answer(404);
      return etag.includes(sha256Of(found.document)) ? answer(304) : answer(200, found.document);
    },
    // oxlint-disable-next-line require-yield -- no list is asked for
    async *lines() {
      throw new Error('no list is asked for');
    },
  };
}

function openRig(beginning: readonly Made[]) {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-chain-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  let served = beginning;
  const left: ChainNow[] = [];
  /** What happens while it is waited, and how that ends. */
  const waited: (() => Awaited<ReturnType<Waiting>>)[] = [];
  const chain = openChain({
    files: openMirrorFiles(folder),
    server: serverOf(() => served),
    state: { chain: null, keys: [], forks: [] },
    key: undefined,
    onManifest: () => undefined,
    onLeft: (now) => left.push(now),
    wait: () => async () => waited.shift()?.() ?? 'over',
  });
  return {
    chain,
    left,
    waited,
    serve: (now: readonly Made[]): void => {
      served = now;
    },
  };
}

describe('a chain of manifests', () => {
  test('takes a manifest that it holds for met, and leaves nothing for it', async () => {
    const made = await chainOf([{}, {}, {}, {}, {}]);
    const { chain, left, serve } = openRig(made.slice(0, 2));
    await chain.advance();
    serve(made);
    await chain.advance();
    expect(chain.now.chain?.sequence).toBe(5);
    for (const sequence of [3, 4, 5]) expect(await chain.advance(sequence)).toBe(true);
    expect(chain.held(3)?.cursor).toBe('store-1-3');
    expect([chain.takeForked(), left, chain.now.chain?.sequence]).toEqual([false, [], 5]);
    expect([chain.held(1), chain.held(6), await chain.advance(6)]).toEqual([
      undefined,
      undefined,
      false,
    ]);
  });

  test('goes on from what it has with a restored server, and puts aside what that has lost', async () => {
    const made = await chainOf([{}, {}, {}, {}]);
    const restored = await chainOf(
      [
        { storeId: 'store-2', dayOfMonth: 5 },
        { storeId: 'store-2', dayOfMonth: 6 },
      ],
      made.slice(0, 2),
    );
    const { chain, left, serve } = openRig(made.slice(0, 1));
    await chain.advance();
    serve(made);
    await chain.advance();
    serve(restored);
    expect(await chain.advance()).toBe(true);
    expect([chain.takeForked(), left.length, chain.newest?.storeId]).toEqual([true, 1, 'store-2']);
    const fresh = await chainOf([{ storeId: 'store-3', dayOfMonth: 9 }]);
    serve(fresh);
    await chain.advance();
    expect([chain.takeForked(), chain.now.chain?.sequence, chain.now.forks]).toMatchObject([
      true,
      1,
      [{}, {}],
    ]);
  });

  test.each([
    ['from the first', 1],
    ['from one that the server has lost', 3],
  ])('that is held %s waits for the manifest of a restored server', async (_from, first) => {
    const made = await chainOf([{}, {}, {}]);
    const restored = await chainOf([{ storeId: 'store-2', dayOfMonth: 5 }], made.slice(0, 2));
    const { chain, left, serve, waited } = openRig(made.slice(0, first));
    await chain.advance();
    serve(made);
    await chain.advance();
    const { now } = chain;
    serve(restored.slice(0, 2));
    waited.push(() => 'again');
    await expect(chain.advance()).rejects.toMatchObject({ code: 'MIRROR_NOT_TRUSTED' });
    waited.push(() => 'stopping');
    expect(await chain.advance()).toBe(false);
    expect([chain.now, left, waited]).toEqual([now, [], []]);
    const beMade = (): 'again' => {
      serve(restored);
      return 'again';
    };
    waited.push(() => 'again', beMade);
    expect(await chain.advance()).toBe(true);
    expect([chain.takeForked(), chain.newest?.storeId]).toEqual([true, 'store-2']);
  });

  test('is taken back by nobody who has no manifest of a later store with the newest key', async () => {
    const old = await chainOf([{}, {}]);
    const made = await chainOf(
      [
        { storeId: 'store-2', dayOfMonth: 4, nextKey: second },
        { storeId: 'store-2', key: second },
      ],
      old,
    );
    const { chain, left, serve } = openRig(old.slice(0, 1));
    await chain.advance();
    serve(made);
    await chain.advance();
    const { now } = chain;
    const later = { storeId: 'store-9', dayOfMonth: 20 };
    const hostile = [
      made.slice(0, 1),
      made.slice(0, 3),
      // What the server itself had signed in a history that it has left.
      await chainOf([{}, {}], old),
      await chainOf([{ storeId: 'store-0' }]),
      await chainOf([{ ...later, storeId: 'store-2' }], old),
      // With the key that was given up.
      await chainOf([later], old),
      await chainOf([later]),
    ];
    for (const served of hostile) {
      serve(served);
      await expect(chain.advance()).rejects.toMatchObject({ code: 'MIRROR_NOT_TRUSTED' });
      expect([chain.now, chain.takeForked(), left]).toEqual([now, false, []]);
    }
    serve(made);
    expect(await chain.advance()).toBe(true);
  });
});
