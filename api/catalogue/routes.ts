/** Every way to find the datasets, under one roof: what the routes share, and where they are. */
import type { FastifyInstance } from 'fastify';

import type { ApiContext } from '../context.ts';
import { sendElsewhere } from '../elsewhere.ts';
import { addFixedBody } from '../limits/fixed-body.ts';
import { absoluteBase } from './uris.ts';
import { createMadeOnce, type MadeOnce } from './answer-text.ts';
import { asyncApi } from './async-api.ts';
import { createCatalogue, type Catalogue } from './catalogue.ts';
import type { ChronicleSource } from './chronicle.ts';
import type { CkanPackage } from './ckan/package.ts';
import { addCkanRoutes } from './ckan/routes.ts';
import { addDatasets } from './datasets-routes.ts';
import { addDcatRoutes } from './dcat/routes.ts';
import type { FileSource } from './files.ts';
import { addWholeRoutes } from './whole-routes.ts';

export interface CatalogueRoutes {
  readonly context: ApiContext;
  /** Files of months are made here; they are parts of the descriptions. */
  readonly isPublishing: boolean;
  readonly catalogue: Catalogue;
  /** Whole texts. */
  readonly texts: MadeOnce<string>;
  /** Every package of a viewer, for actions that look through all of them. */
  readonly packages: MadeOnce<readonly CkanPackage[]>;
}

/** Entries kept for those who ask next, beside the bound of their bytes. */
const textsMax = 1_000;
const packageListsMax = 4;
/** Descriptions of what is pushed, one for each name that this server is asked by. */
const descriptionsMax = 16;
/** Packages that are measured to tell how great a list of them is. */
const measuredMax = 10;

export function createCatalogueRoutes(
  context: ApiContext,
  source: ChronicleSource,
  { files, isPublishing }: { readonly files: FileSource; readonly isPublishing: boolean },
): CatalogueRoutes {
  const { clock, config } = context;
  const kept = {
    clock,
    keptMs: config.cacheSecondsMax * 1_000,
    bytesMax: config.catalogueBytesMax,
  };
  return {
    context,
    isPublishing,
    catalogue: createCatalogue(context, source, files),
    texts: createMadeOnce({
      ...kept,
      entriesMax: textsMax,
      bytesOf: (text: string) => 2 * text.length,
    }),
    packages: createMadeOnce({ ...kept, entriesMax: packageListsMax, bytesOf: bytesOfPackages }),
  };
}

/** About: as the first of them, and twice for what objects take beside their texts. */
function bytesOfPackages(packages: readonly CkanPackage[]): number {
  const first = packages.slice(0, measuredMax);
  const characters = JSON.stringify(first).length;
  return 4 * characters * (packages.length / Math.max(1, first.length));
}

/** At the root, where portals look. */
export function addCatalogueRoot(app: FastifyInstance, routes: CatalogueRoutes): void {
  atPublisher(app, routes, (scope) => {
    addDcatRoutes(scope, routes);
    addWholeRoutes(scope, routes);
    addCkanRoutes(scope, routes);
  });
  addDescriptions(app, routes, '');
}

/** Below `/api/v1`. */
export function addCatalogueLists(app: FastifyInstance, routes: CatalogueRoutes): void {
  atPublisher(app, routes, (scope) => addDatasets(scope, routes));
  addDescriptions(app, routes, '/api/v1');
}

/**
 * Which files there are is known where they are made. Another node would describe the same dataset
 * otherwise, and a portal behind a balancer would find it changed each time.
 */
function atPublisher(
  app: FastifyInstance,
  { context, isPublishing }: CatalogueRoutes,
  add: (scope: FastifyInstance) => void,
): void {
  void app.register((scope, _none, done) => {
    if (!isPublishing) {
      scope.addHook('onRequest', async (request, reply) => sendElsewhere(context, request, reply));
    }
    add(scope);
    done();
  });
}

/** Documents for programs: what is pushed, and at the root what is answered too. */
function addDescriptions(
  app: FastifyInstance,
  { context }: CatalogueRoutes,
  prefix: '' | '/api/v1',
): void {
  const made = new Map<string, string>();
  app.get('/asyncapi.json', { schema: { hide: true } }, (request, reply) => {
    const base = absoluteBase(context, request);
    let text = made.get(base);
    if (text === undefined) {
      text = JSON.stringify(asyncApi(base));
      if (made.size >= descriptionsMax) made.clear();
      made.set(base, text);
    }
    return reply
      .header('cache-control', 'public, max-age=300')
      .header('content-type', 'application/json; charset=utf-8')
      .send(text);
  });
  if (prefix !== '') return;
  const type = 'application/json; charset=utf-8';
  addFixedBody(app, { path: '/openapi.json', type, make: () => app.swagger() });
}
