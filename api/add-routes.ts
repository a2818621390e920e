import type { FastifyInstance } from 'fastify';
import { addAccessRequests } from './access/routes.ts';
import { balanceText } from './balance.ts';
import { openFileSource } from './bulk/distributed.ts';
import { addCatalogueLists, addCatalogueRoot, createCatalogueRoutes } from './catalogue/routes.ts';
import type { ApiContext } from './context.ts';
import { addCharts } from './charts/routes.ts';
import { type Hooks } from './hooks/open.ts';
import { addDictionary } from './search/dictionary-routes.ts';
import { addSearch } from './search/routes.ts';
import { openOutbox } from './outbox/outbox.ts';
import { addOutbox } from './outbox/routes.ts';
import { addIds } from './ids/routes.ts';
import { addMaps } from './maps/map-routes.ts';
import { addPublishing, type Publishing } from './publishing.ts';
import { addAdmin } from './routes/admin.ts';
import { addAggregates } from './routes/aggregates.ts';
import { addChanges } from './routes/changes.ts';
import { addDocument, addIndex } from './routes/document.ts';
import { addHooks } from './routes/hooks.ts';
import { addEvents } from './routes/events.ts';
import { addHealth, type HealthRoutes } from './routes/health.ts';
import { addLatest } from './routes/latest.ts';
import { addLive } from './routes/live.ts';
import { addManifests } from './routes/manifests.ts';
import { addObservation } from './routes/observation.ts';
import { addObservations } from './routes/observations.ts';
import { addPageFiles } from './routes/page-files.ts';
import { addRegistryLists } from './routes/registry-lists.ts';
import { addDeprecations, deprecations } from './stability/deprecation.ts';
import { addApiChanges } from './stability/feed-routes.ts';
import { addSandbox } from './stability/sandbox-route.ts';
import { addWordLists } from './routes/word-lists.ts';
import { addUsage } from './usage/routes.ts';
import { isPublishing, type ApiOptions, type Parts } from './options.ts';

interface RouteParts {
  readonly options: ApiOptions;
  readonly parts: Parts;
  readonly publishing: Publishing;
  readonly hooks: Hooks | undefined;
}

/** Every address, and what stands behind it. */
export async function addRoutes(
  app: FastifyInstance,
  context: ApiContext,
  { options, parts, publishing, hooks }: RouteParts,
): Promise<void> {
  addDeprecations(app, deprecations);
  await addDocument(app);
  addHealth(app, healthRoutes(options, parts));
  const files = openFileSource(context, publishing.bulk);
  const catalogue = createCatalogueRoutes(context, options.registry, {
    files,
    isPublishing: publishing.bulk.isPublishing,
  });
  addCatalogueRoot(app, catalogue);
  addIds(app, catalogue);
  const outbox = isPublishing(options)
    ? openOutbox(context, { ...options, ...options.hooks, ...catalogue })
    : undefined;
  app.addHook('onClose', () => outbox?.close());
  await app.register(
    (api, _none, done) => {
      addIndex(api, context);
      addRegistryLists(api, context);
      addWordLists(api, context);
      addSearch(api, context);
      addDictionary(api, context);
      addUsage(api, context, parts.usage);
      addLatest(api, context);
      addObservations(api, context);
      addObservation(api, context);
      addAggregates(api, context);
      addCharts(api, context);
      addChanges(api, context);
      addEvents(api, context);
      addLive(api, context);
      addApiChanges(api, context);
      addSandbox(api, context);
      addAccessRequests(api, context, parts.access);
      addManifests(api, context);
      addPublishing(api, context, publishing);
      addHooks(api, context, hooks?.subscriptions);
      addCatalogueLists(api, catalogue);
      done();
    },
    { prefix: '/api/v1' },
  );
  await app.register(
    (api, _none, done) => {
      const { health: readHealth, connections: readConnections } = options;
      addAdmin(api, context, { ...parts, readHealth, readConnections });
      addOutbox(api, context, { outbox, isPublishing: isPublishing(options) });
      done();
    },
    { prefix: '/api/v1/admin' },
  );
  await app.register(
    (ogc, _none, done) => {
      addMaps(ogc, context);
      done();
    },
    { prefix: '/ogc' },
  );
  await addPageFiles(app, options.pageFolder);
}

export function healthRoutes(options: ApiOptions, parts: Parts): HealthRoutes {
  return {
    readReadiness: parts.readiness,
    async metricsText() {
      const balance = parts.balance();
      return (await options.metricsText()) + (balance === undefined ? '' : balanceText(balance));
    },
  };
}
