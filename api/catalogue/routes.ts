/** Every way to find the datasets, under one roof: what the routes share, and where they are. */
import type { FastifyInstance } from 'fastify';

import type { ApiContext } from '../context.ts';
import { createMadeTexts, type MadeTexts } from './answer-text.ts';
import { createCatalogue, type Catalogue } from './catalogue.ts';
import type { ChronicleSource } from './chronicle.ts';
import { addDcatRoutes } from './dcat/routes.ts';
import { noFiles, type FileSource } from './files.ts';

export interface CatalogueRoutes {
  readonly context: ApiContext;
  readonly catalogue: Catalogue;
  readonly texts: MadeTexts;
}

/** Texts kept for those who ask next; each at most a page of the catalogue. */
const textsMax = 16;

export function createCatalogueRoutes(
  context: ApiContext,
  source: ChronicleSource,
  files: FileSource = noFiles,
): CatalogueRoutes {
  return {
    context,
    catalogue: createCatalogue(context, source, files),
    texts: createMadeTexts({
      clock: context.clock,
      keptMs: context.config.cacheSecondsMax * 1_000,
      entriesMax: textsMax,
    }),
  };
}

/** At the root, where portals look. */
export function addCatalogueRoot(app: FastifyInstance, routes: CatalogueRoutes): void {
  addDcatRoutes(app, routes);
}
