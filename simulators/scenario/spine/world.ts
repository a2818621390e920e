/** Everything outside the process that survives its lives, and the one seed that drives it all. */
import { createManualClock, type ManualClock } from '../../../devices/clock-manual.ts';
import { createSeededRandom, type Random } from '../../../devices/random.ts';
import {
  createFaultyFileSystem,
  type FaultyFileSystem,
} from '../../../ingest/log/file-system-faults.ts';
import {
  createMemoryFileSystem,
  type MemoryFileSystem,
} from '../../../ingest/log/file-system-memory.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { spineStartAt, type SpineNetwork } from './network.ts';
import { createTrace, type Trace } from './trace.ts';
import { openViewHistory, type ViewHistory } from './view-history.ts';

/** Streams of random numbers, so that one more draw in one place moves nothing elsewhere. */
export interface Streams {
  readonly stations: Random;
  readonly outbox: Random;
  readonly faults: Random;
  readonly disk: Random;
  readonly steps: Random;
  readonly process: Random;
}

export interface World {
  readonly seed: number;
  readonly network: SpineNetwork;
  readonly clock: ManualClock;
  readonly streams: Streams;
  readonly disk: MemoryFileSystem;
  /** The disk as every life sees it, with the faults that are planned. */
  readonly faultyDisk: FaultyFileSystem;
  readonly ledger: Ledger;
  readonly trace: Trace;
  readonly view: ViewHistory;
  /** Simulated true time; the server's wall clock may be off. */
  trueAt(): number;
  close(): void;
}

export interface WorldOptions {
  readonly seed: number;
  readonly network: SpineNetwork;
  readonly onTrace?: (line: string) => void;
}

export function openWorld({ seed, network, onTrace }: WorldOptions): World {
  const clock = createManualClock(spineStartAt);
  const disk = createMemoryFileSystem();
  const trace = createTrace(onTrace);
  const stream = (place: number): Random => createSeededRandom(seed * 64 + place);
  const view = openViewHistory(trace);
  return {
    seed,
    network,
    clock,
    disk,
    trace,
    view,
    streams: {
      stations: stream(1),
      outbox: stream(2),
      faults: stream(3),
      disk: stream(4),
      steps: stream(5),
      process: stream(6),
    },
    faultyDisk: createFaultyFileSystem(disk),
    ledger: createLedger(),
    trueAt: () => spineStartAt + clock.monotonicMs(),
    close: () => view.close(),
  };
}
