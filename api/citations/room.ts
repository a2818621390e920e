/** How much of the disk citations take: their rows, the blocks of their bytes, the files they keep. */
import type { ApiContext } from '../context.ts';
import { apiError } from '../errors.ts';
import type { Blobs } from './blobs.ts';
import type { CitationRecords } from './records.ts';

export interface Room {
  /** What is on the disk is known, and nothing of it is removed any more. */
  ready(): Promise<void>;
  /** Throws API_CITATIONS_FULL where so many bytes more would be too many. Once it is ready. */
  require(bytes: number): void;
  /** Less than 0 where they are free again. */
  add(bytes: number): void;
}

/** Counted once from the disk, where what no citation holds is removed; then as it grows. */
export function createRoom(context: ApiContext, blobs: Blobs, records: CitationRecords): Room {
  let counting: Promise<void> | undefined;
  let used = 0;

  async function count(): Promise<void> {
    const bytes = await blobs.sweep((sha256) => records.holds(sha256));
    used += bytes + records.bytes();
  }

  return {
    async ready() {
      counting ??= count();
      try {
        await counting;
      } catch (error) {
        counting = undefined;
        throw error;
      }
    },
    require(bytes) {
      const { citationsBytesMax: bytesMax } = context.config;
      if (used + bytes > bytesMax) throw apiError('API_CITATIONS_FULL', { bytesMax });
    },
    add(bytes) {
      // What was freed before it was counted is not there to be counted.
      if (counting !== undefined) used += bytes;
    },
  };
}
