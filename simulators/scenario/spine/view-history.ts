/**
 * The view's file in a temporary folder, with a copy of it at each commit: so that it can be set back
 * to any of them, as a loss of power may do, or be removed.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoreWriter } from '../../../ingest/store/store.ts';
import { createCopier, type Copy } from './copier.ts';
import type { Trace } from './trace.ts';

export interface ViewHistory {
  /** A path that holds what the last life left, for the next one. */
  place(): string;
  /** The store, with a copy of its file taken at each commit. */
  recorded(path: string, store: StoreWriter): StoreWriter;
  /** The next life finds the view as it was so many commits ago, at most as many as there are. */
  setBack(commits: number): void;
  /** The next life finds no view. */
  remove(): void;
  /** Of all lives. */
  readonly commits: number;
  /** Those that it can still be set back to: the others were after a setback or a removal. */
  readonly kept: number;
  close(): void;
}

export function openViewHistory(trace: Trace): ViewHistory {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-spine-view-'));
  let copies: Copy[] = [];
  let copier = createCopier('');
  let lives = 0;
  let commits = 0;

  function keep(): void {
    commits += 1;
    copies.push(copier.copy());
  }

  return {
    get commits() {
      return commits;
    },
    get kept() {
      return copies.length;
    },
    place() {
      rmSync(join(folder, String(lives)), { recursive: true, force: true });
      lives += 1;
      const life = join(folder, String(lives));
      mkdirSync(life);
      const path = join(life, 'view.db');
      const copy = copies.at(-1);
      if (copy !== undefined) {
        writeFileSync(path, copy.generation.database);
        const log = Buffer.concat(copy.generation.log, copy.logBytes);
        writeFileSync(`${path}-wal`, log);
      }
      return path;
    },
    recorded(path, store) {
      copier = createCopier(path);
      keep();
      const flushed = <Result>(flush: () => Result): Result => {
        const hadTail = store.tailBytes > 0;
        const result = flush();
        if (hadTail) {
          trace.add(`flush ${store.position} tail ${store.tailBytes}`);
          keep();
        }
        return result;
      };
      return overlay(store, {
        flushSlice: (sliceMs) => flushed(() => store.flushSlice(sliceMs)),
        refresh: () => flushed(() => store.refresh()),
        apply(position, batch) {
          trace.add(`apply ${position} consumed ${batch.consumed} rows ${batch.rows.length}`);
          for (const row of batch.rows) {
            const { series, endAt, revision, result, verdict } = row;
            trace.add(`decide ${series} ${endAt} ${revision} ${result} ${verdict.tests}`);
          }
          store.apply(position, batch);
        },
      });
    },
    setBack(back) {
      copies = copies.slice(0, Math.max(1, copies.length - back));
    },
    remove() {
      copies = [];
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The store with some members replaced; all others are its own, its getters among them. */
function overlay(store: StoreWriter, own: Partial<StoreWriter>): StoreWriter {
  return new Proxy(store, {
    get: (target, name) => Reflect.get(name in own ? own : target, name) as unknown,
  });
}
