/** What the API needs to make files in a folder of a test. */
import { join } from 'node:path';

import { openNodeFileSystem } from '../ingest/log/file-system-node.ts';
import { createCaller, serveCalls } from '../thread-call.ts';
import { makerThreads } from './bulk/maker.ts';

export function filesOptions(folder: string) {
  return {
    filesFolder: join(folder, 'files'),
    citationsFolder: join(folder, 'citations'),
    fileSystem: openNodeFileSystem(),
    viewPath: join(folder, 'view.db'),
    openMaker: makerThreads({ createCaller, serveCalls }),
  };
}
