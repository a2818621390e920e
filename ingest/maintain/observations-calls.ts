/** What the owner of `observations` and of the view does in an erasure: called from other threads. */
import { sleep, type Clock } from '../../devices/clock.ts';
import type { Position } from '../log/log.ts';
import type { SegmentLogWriter } from '../log/segment-writer.ts';
import { decodeBatch, encodeBatch } from '../observations/batch-codec.ts';
import { erasedBatch, type ErasedPart } from '../observations/erased.ts';
import type { ViewWriter } from '../store/writer.ts';

/** An `ErasedPart` as it crosses to another thread. */
interface ErasedQuestion extends Omit<ErasedPart, 'devices'> {
  readonly devices: readonly string[];
}

interface BlankBatchesQuestion extends ErasedQuestion {
  /** Of batches that hold anything of it. */
  readonly positions: readonly Position[];
  readonly reason: string;
}

interface BlankViewQuestion extends ErasedQuestion {
  readonly days: readonly { readonly series: number; readonly day: number }[];
}

export interface ObservationsCalls {
  /** Blanks rows and entries in the log; positions, keys and hashes stay. Answers how many batches. */
  readonly blankBatches: (question: BlankBatchesQuestion) => Promise<number>;
  /** The same in the view, which is flushed before. Answers how many rows and entries. */
  readonly blankView: (question: BlankViewQuestion) => Promise<number>;
}

export interface ObservationsCallsParts {
  readonly observations: Pick<SegmentLogWriter, 'rewrite'>;
  readonly store: Pick<ViewWriter, 'flushSlice' | 'blanker'>;
  readonly clock: Clock;
  readonly flushSliceMs: number;
}

/** How often at most the write-ahead log is asked to be emptied while readers still need it. */
const checkpointTriesMax = 50;
const checkpointWaitMs = 100;

export function observationsCalls(parts: ObservationsCallsParts): ObservationsCalls {
  const { observations, store, clock, flushSliceMs } = parts;

  /** The first flush that ends may have begun before this was asked: the second holds everything. */
  async function flushWhole(): Promise<void> {
    for (let whole = 0; whole < 2;) {
      if (store.flushSlice(flushSliceMs)) whole += 1;
      await sleep(clock, 0);
    }
  }

  return {
    blankBatches({ positions, reason, ...question }) {
      const part = partOf(question);
      return observations.rewrite({
        positions: new Set(positions),
        reason,
        replace: ({ position, body }) =>
          encodeBatch(erasedBatch(part, decodeBatch(position, body))),
      });
    },
    async blankView({ days, ...question }) {
      const part = partOf(question);
      await flushWhole();
      const blanker = store.blanker();
      let count = blanker.blankEntries(part);
      for (const { series, day } of days) {
        count += blanker.blankDay(part, series, day);
        await sleep(clock, 0);
      }
      for (let tries = 0; tries < checkpointTriesMax && !blanker.finish(); tries++) {
        await sleep(clock, checkpointWaitMs);
      }
      return count;
    },
  };
}

function partOf({ devices, fromAt, toAt, upTo }: ErasedQuestion): ErasedPart {
  return { devices: new Set(devices), fromAt, toAt, upTo };
}
