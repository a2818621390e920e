/**
 * The thread that makes files: it reads the view by itself, read-only and as far as the database
 * holds it, or asks the API's thread for rows where the view does not hold them all.
 */
import { workerData, type MessagePort } from 'node:worker_threads';

import { openNodeFileSystem } from '../../ingest/log/file-system-node.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import { storeConfigSchema } from '../../ingest/store/config.ts';
import { openStoreFollower } from '../../ingest/store/follower.ts';
import type { RangeQuery } from '../../ingest/store/store.ts';
import { createCaller, serveCalls } from '../../thread-call.ts';
import { makeMonth } from './make.ts';
import type { MonthTask } from './task.ts';

export interface MakerData {
  readonly port: MessagePort;
  /** Null: rows are asked for. */
  readonly viewPath: string | null;
  readonly filesFolder: string;
}

const { port, viewPath, filesFolder } = workerData as MakerData;
const fileSystem = openNodeFileSystem();
const ask = createCaller(port);
const store =
  viewPath === null
    ? null
    : openStoreFollower({
        path: viewPath,
        config: storeConfigSchema.parse({}),
        isCircular: () => false,
      });

function range(query: RangeQuery) {
  return store === null
    ? (ask('range', query) as Promise<readonly ObservationRow[]>)
    : store.range(query);
}

serveCalls(port, {
  position() {
    store?.refresh();
    return store?.position ?? null;
  },
  make: (task: MonthTask) => makeMonth(task, { fileSystem, folder: filesFolder, range }),
  close() {
    store?.close();
    port.close();
  },
});
