/** What exists once in a network, and the one server that publishes makes: files and citations. */
import type { FastifyInstance } from 'fastify';

import type { Telemetry } from '../devices/telemetry.ts';
import type { FileSystem } from '../ingest/log/file-system.ts';
import { openBulk, type Bulk } from './bulk/bulk.ts';
import { addDownloads } from './bulk/download.ts';
import { addFileLists } from './bulk/index-list.ts';
import type { OpenMaker } from './bulk/maker.ts';
import { openCitations, type Citations } from './citations/citations.ts';
import { addCitations } from './citations/routes.ts';
import type { ApiContext } from './context.ts';
import type { CopyOptions } from './past/past.ts';

export interface PublishingOptions {
  readonly telemetry: Telemetry;
  /** File system of what the API makes. */
  readonly fileSystem: FileSystem;
  /** Folder of the bytes of citations; made when it is needed. */
  readonly citationsFolder: string;
  /** Database of the store: the thread that makes files opens it by itself. */
  readonly viewPath: string;
  /** Begins the thread that makes files. */
  readonly openMaker: OpenMaker;
  readonly copy?: CopyOptions;
}

export interface Publishing {
  readonly bulk: Bulk;
  readonly citations: Citations;
}

export function openPublishing(options: PublishingOptions, context: ApiContext): Publishing {
  const { copy, viewPath, fileSystem } = options;
  const citations = openCitations({ context, fileSystem, folder: options.citationsFolder });
  const bulk = openBulk({
    ...options,
    context,
    viewPath: copy?.past === undefined ? viewPath : null,
    isPublishing: context.config.publishing ?? copy === undefined,
    erasures: citations.erasures,
  });
  return { bulk, citations };
}

export function addPublishing(
  app: FastifyInstance,
  context: ApiContext,
  publishing: Publishing,
): void {
  addFileLists(app, context, publishing.bulk);
  addDownloads(app, context, publishing.bulk);
  addCitations(app, context, publishing);
}
