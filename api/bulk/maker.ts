/** The thread that makes files, as the API's thread has it: begun when there is work, ended after it. */
import { scriptUrl } from '../../devices/script-url.ts';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';

import type { Position } from '../../ingest/log/log.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import type { RangeQuery } from '../../ingest/store/store.ts';
import type { NewFile } from './records.ts';
import type { MonthTask } from './task.ts';
import type { MakerData } from './worker.ts';

export interface MonthMaker {
  /** Where its rows stand from now on; null where they are asked for. Never ahead of what is durable. */
  position(): Promise<Position | null>;
  /** Rejects with the disk's error, or because the thread has ended. */
  make(task: MonthTask): Promise<readonly NewFile[]>;
  close(): Promise<void>;
}

export interface MakerOptions {
  readonly filesFolder: string;
  /** Null: rows come by `range`. */
  readonly viewPath: string | null;
  readonly range: (query: RangeQuery) => Promise<readonly ObservationRow[]>;
}

/** How threads of this process call each other. */
export interface ThreadCalls {
  readonly createCaller: (
    port: MessagePort,
  ) => (call: string, argument?: unknown) => Promise<unknown>;
  readonly serveCalls: (
    port: MessagePort,
    handlers: Readonly<Record<string, (argument: never) => unknown>>,
  ) => void;
}

export type OpenMaker = (options: MakerOptions) => MonthMaker;

/** Memory of the thread: row groups and what the garbage collector has not seen yet. */
const heapMegabytesMax = 512;

export function makerThreads(calls: ThreadCalls): OpenMaker {
  return (options) => openMakerThread(options, calls);
}

function openMakerThread(
  { filesFolder, viewPath, range }: MakerOptions,
  { createCaller, serveCalls }: ThreadCalls,
): MonthMaker {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(scriptUrl('./worker', import.meta.url), {
    workerData: { port: port2, viewPath, filesFolder } satisfies MakerData,
    transferList: [port2],
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytesMax },
  });
  let failure: unknown = null;
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      // Calls that wait are rejected by the end of their port.
      port1.close();
      resolve();
    });
  });
  worker.once('error', (error) => (failure = error));
  const call = createCaller(port1);
  serveCalls(port1, { range });
  const ask = async <Result>(name: string, argument?: unknown): Promise<Result> => {
    try {
      return (await call(name, argument)) as Result;
    } catch (error) {
      throw failure ?? error;
    }
  };
  return {
    position: () => ask<Position | null>('position'),
    make: (task) => ask<readonly NewFile[]>('make', task),
    async close() {
      await worker.terminate();
      await ended;
    },
  };
}
