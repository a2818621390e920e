/**
 * The doors out. `openApi` follows `observations`, answers over HTTP and offers the operators' work
 * as plain functions. Everything from outside comes in through the options; nothing runs at import.
 */
import type { FastifyInstance } from 'fastify';

import type { Clock } from '../devices/clock.ts';
import type { Random } from '../devices/random.ts';
import type { RegistryChanges } from '../devices/registry/changes.ts';
import type { Registry } from '../devices/registry.ts';
import type { StoreFollower } from '../ingest/store/store.ts';
import { createAccessAdmin, type AccessAdmin } from './access/admin.ts';
import { openAccessLog, type AccessLog } from './access/log.ts';
import { addAccessMeter } from './access/meter-hook.ts';
import { addAccessRequests } from './access/routes.ts';
import { createTimeRule, type TimeRule } from './access/time-rule.ts';
import { createQuarantineAdmin, type QuarantineAdmin } from './admin/quarantine.ts';
import type { AppendReading } from './admin/marker.ts';
import {
  createRegistryAdmin,
  type Marking,
  type ReadRegistry,
  type RegistryAdmin,
} from './admin/registry.ts';
import { balanceOf, balanceText, type Balance } from './balance.ts';
import { openFileSource } from './bulk/distributed.ts';
import { addCatalogueLists, addCatalogueRoot, createCatalogueRoutes } from './catalogue/routes.ts';
import { readPair, watchPair, type Pair, type ReadFile } from './certificate.ts';
import type { ApiConfig } from './config.ts';
import type { ApiContext } from './context.ts';
import { editionOf } from './edition.ts';
import { addCharts } from './charts/routes.ts';
import type { StoreIdentity } from '../ingest/feed/cursor.ts';
import { createApiEvents, type ApiEvents } from './events.ts';
import { readReadiness, type ReadConnections, type ReadHealth, type Readiness } from './health.ts';
import { openFeed, type Feed, type LogSource } from '../ingest/feed/feed.ts';
import { Hub } from '../ingest/feed/hub.ts';
import { createReaderPool } from '../ingest/feed/reader-pool.ts';
import { createSlots } from '../ingest/feed/slots.ts';
import { openHooks, type HookPorts, type Hooks } from './hooks/open.ts';
import { openKept } from './kept/kept.ts';
import { addDictionary } from './search/dictionary-routes.ts';
import { addSearch } from './search/routes.ts';
import { openOutbox } from './outbox/outbox.ts';
import { addOutbox } from './outbox/routes.ts';
import { addIds } from './ids/routes.ts';
import { addMaps } from './maps/map-routes.ts';
import { listen } from './limits/acceptors.ts';
import { createExtents } from './limits/extents.ts';
import { createGate } from './limits/gate.ts';
import { createReadyBodies } from './limits/ready-bodies.ts';
import { createSelections } from './limits/selections.ts';
import { createManifestEvents } from './manifests/events.ts';
import { openManifests, type Manifests } from './manifests/manifests.ts';
import type { SecretFile } from './manifests/secret-file.ts';
import { createNetworks } from './network.ts';
import { createPast, type CopyOptions, type Past } from './past/past.ts';
import { askViewAndPast } from './past/questions.ts';
import { createCopyPlaces } from '../ingest/feed/places/copy-places.ts';
import { createLogPlaces } from '../ingest/feed/places/log-places.ts';
import type { Places } from '../ingest/feed/places/places.ts';
import {
  addPublishing,
  openPublishing,
  type Publishing,
  type PublishingOptions,
} from './publishing.ts';
import { askView } from './questions.ts';
import { addAdmin } from './routes/admin.ts';
import { addAggregates } from './routes/aggregates.ts';
import { addChanges } from './routes/changes.ts';
import { addDocument, addIndex } from './routes/document.ts';
import { addHooks } from './routes/hooks.ts';
import { addEvents } from './routes/events.ts';
import { addHealth, addPublicMetrics, type HealthRoutes } from './routes/health.ts';
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
import { createServer } from './server.ts';
import { addUsage } from './usage/routes.ts';
import { openUsage, type Usage } from './usage/usage.ts';

export interface ApiOptions extends PublishingOptions {
  readonly config: ApiConfig;
  readonly clock: Clock;
  readonly random: Random;
  /** As `process.platform`. */
  readonly platform: string;
  /** Reads certificate files. */
  readonly readFile: ReadFile;
  /** Folder of the built web page; nothing is served at `/` when it does not exist. */
  readonly pageFolder: string;
  /** Database of what the API keeps for itself; made when it does not exist. */
  readonly keptPath: string;
  /** Folder of the files that it makes; made when it is needed. */
  readonly filesFolder: string;
  /** Where the private key of manifests is. */
  readonly signingKey: SecretFile;
  /** Owned by the API from here on: it applies batches and closes it. */
  readonly store: StoreFollower;
  readonly observations: LogSource;
  /** `observations` is this node's copy of the partitions of a network. */
  readonly copy?: CopyOptions;
  /** Only its durable end is read. Absent where it is not this node's ingest that settles it. */
  readonly readings?: Pick<LogSource, 'durableEnd'>;
  readonly registry: ReadRegistry;
  /** The way to change it. */
  readonly registryChanges: RegistryChanges;
  readonly registryMarking: Marking;
  readonly appendReading: AppendReading;
  readonly storeIdentity: StoreIdentity;
  /** States of the other rooms. */
  readonly health: ReadHealth;
  readonly connections: ReadConnections;
  /** The ways of deliveries to receivers in the internet. */
  readonly hooks: HookPorts;
  /** Metrics of all rooms, this one included, in the text format of Prometheus. */
  readonly metricsText: () => string | Promise<string>;
  /** Tells the other rooms that the registry has a new version. */
  readonly registryChanged: (version: number) => void | Promise<void>;
}

export interface Api {
  readonly httpPort: number;
  readonly isSecure: boolean;
  readonly metricsPort?: number;
  /** The operators' work, for the control socket too. */
  readonly registryAdmin: RegistryAdmin;
  readonly quarantine: QuarantineAdmin;
  readonly access: AccessAdmin;
  /** Undefined where another node publishes. */
  readonly manifests: Manifests | undefined;
  /**
   * Both balance laws now, all terms of one batch. Undefined without `readings`: the batches of a
   * copy are of several partitions, and their workers tell what they have settled.
   */
  balance(): Balance | undefined;
  readiness(): Promise<Readiness>;
  /** Ends listeners and answers under way, then everything else. */
  close(): Promise<void>;
}

/** How long the start waits for what was durable before; /readyz tells what is still missing. */
const catchUpWaitMs = 10_000;

const keptBusyTimeoutMs = 5_000;

/** Rejects with API_PORT_IN_USE, API_CERTIFICATE_INVALID or API_KEPT_NEWER; nothing stays open then. */
export async function openApi(options: ApiOptions): Promise<Api> {
  const { config, clock } = options;
  const events = createApiEvents(options.telemetry);
  const pair = await readPair(config, options.readFile);
  const startEnd = options.observations.durableEnd.get();
  const context = createContext(options, events);
  const parts = createParts(options, context, startEnd);
  const publishing = openPublishing(options, context);
  const closers: (() => unknown)[] = [];

  async function close(): Promise<void> {
    context.hub.close();
    parts.timeRule.close();
    const manifestsEnd = context.manifests?.close();
    await publishing.bulk.close();
    parts.registryAdmin.close();
    await Promise.all(closers.map((run) => run()));
    await parts.accessLog.close();
    await parts.usage.close();
    await context.readers.close();
    await context.feed.close();
    context.gate.close();
    // What is being made may have waited for the feed.
    await manifestsEnd;
    context.store.close();
    context.kept.close();
    events.closed();
  }

  try {
    const app = await createServer({ config, clock, events, pair });
    closers.push(() => app.close());
    context.gate.addTo(app);
    addAccessMeter(app, context, { log: parts.accessLog, usage: parts.usage });
    const hooks = isPublishing(options)
      ? openHooks(context, { ...options, ...options.hooks })
      : undefined;
    closers.push(() => hooks?.close());
    await addRoutes(app, context, { options, parts, publishing, hooks });
    await catchUp(context, startEnd, async () => {
      await parts.registryAdmin.markFrom(context.feed.registryVersion);
      await parts.timeRule.follow();
    });
    parts.timeRule.start();
    const isSecure = pair !== null;
    const { platform } = options;
    const doors = await listen(app, { config, port: config.httpPort, isSecure, platform });
    closers.push(() => doors.close());
    const httpPort = doors.port;
    const metrics = await listenForMetrics(options, events, parts);
    if (metrics !== null) closers.push(() => metrics.app.close());
    if (pair !== null) {
      const replace = (next: Pair) => setPair(app, next);
      const watching = watchPair({ ...options, events, initial: pair, replace });
      closers.push(() => watching.stop());
    }
    publishing.bulk.start();
    events.listening(httpPort, pair !== null);
    void context.manifests?.start();
    const ports = { httpPort, ...(metrics === null ? {} : { metricsPort: metrics.port }) };
    const { manifests } = context;
    return { ...parts, ...ports, manifests, isSecure: pair !== null, close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Parts = Pick<Api, 'registryAdmin' | 'quarantine' | 'access' | 'balance' | 'readiness'> & {
  readonly timeRule: TimeRule;
  readonly accessLog: AccessLog;
  readonly usage: Usage;
};

function createParts(options: ApiOptions, context: ApiContext, startEnd: number): Parts {
  const { events, feed, store } = context;
  const registryAdmin = createRegistryAdmin({
    ...options,
    changes: options.registryChanges,
    marking: options.registryMarking,
    events,
  });
  return {
    registryAdmin,
    access: createAccessAdmin({ ...options, registryAdmin }),
    accessLog: openAccessLog({ ...options, events }),
    usage: openUsage(context, options.keptPath),
    timeRule: createTimeRule({ ...options, change: registryAdmin.change, events }),
    quarantine: createQuarantineAdmin({ ...options, events }),
    balance: () =>
      options.readings === undefined
        ? undefined
        : balanceOf({
            totals: store.totals,
            consumed: feed.consumed,
            readingsEnd: options.readings.durableEnd,
          }),
    readiness: () => readReadiness(context, startEnd, options.health),
  };
}

/**
 * Waits until what was durable at the start is followed, then has the registry's version marked, so
 * that what is received from now on is judged by it.
 */
async function catchUp(
  { feed, clock }: ApiContext,
  startEnd: number,
  mark: () => Promise<unknown>,
): Promise<void> {
  let giveUp = (): void => undefined;
  const waited = new Promise<void>((resolve) => {
    giveUp = resolve;
  });
  const scheduled = clock.schedule(catchUpWaitMs, giveUp);
  await Promise.race([feed.waitFor(startEnd).then(mark), waited]);
  scheduled.cancel();
}

function createContext(options: ApiOptions, events: ApiEvents): ApiContext {
  const { config, clock, store, registry, observations } = options;
  // First: nothing else is open yet where it is refused.
  const kept = openKept(options.keptPath, keptBusyTimeoutMs);
  const registryAt = (version: number): Registry | undefined => {
    try {
      return registry.at(version);
    } catch (error) {
      events.registryUnreadable(error, version);
      return undefined;
    }
  };
  const feed = openFeed({
    source: observations,
    store,
    clock,
    events,
    stepBytesMax: config.followBytesMax,
    ...(options.copy === undefined ? {} : { registryVersion: () => registry.current().version }),
  });
  const past = createNodePast(options);
  const places = createPlaces(options, feed, past);
  const hub = new Hub({ feed, source: observations, places, registryAt, clock, events, config });
  const { random, signingKey: secrets } = options;
  const manifests = isPublishing(options)
    ? openManifests({
        context: () => context,
        kept,
        secrets,
        random,
        events: createManifestEvents(options.telemetry),
        delayMs: config.manifestDelayMs,
      })
    : undefined;
  const context: ApiContext = {
    config,
    clock,
    events,
    store,
    questions:
      past === undefined
        ? askView(store)
        : askViewAndPast({ store, past, lastChangeOf: (series) => feed.lastChangeOf(series) }),
    registry,
    registryAt,
    networks: createNetworks(registry),
    storeId: options.storeIdentity.storeId,
    edition: editionOf(options.storeIdentity.storeId, config),
    places,
    observations,
    feed,
    hub,
    readers: createReaderPool({
      source: observations,
      places,
      clock,
      readersMax: config.changeReadersMax,
    }),
    streams: createSlots(config.streamsMax),
    gate: createGate({ ...options, events }),
    extents: createExtents(options),
    charts: createSlots(config.chartsQueueMax),
    select: createSelections(config.valuesPerParameterMax),
    bodies: createReadyBodies({ clock, bytesMax: config.readyBytesMax }),
    kept,
    manifests,
    filesFolder: options.filesFolder,
  };
  return context;
}

/** Undefined where the view holds everything. */
function createNodePast({ copy, store, registry, clock }: ApiOptions): Past | undefined {
  if (copy?.past === undefined) return undefined;
  const { partitions, past } = copy;
  return createPast({ ...past, partitions, registry, clock, horizon: () => store.horizon });
}

function createPlaces(options: ApiOptions, feed: Feed, past: Past | undefined): Places {
  const { store, clock, config, registry, observations: source, storeIdentity: identity } = options;
  const { copy } = options;
  const parts = { feed, store, source, clock, config };
  return copy === undefined
    ? createLogPlaces({ ...parts, identity })
    : createCopyPlaces({ ...parts, copy, past, registry, storeId: identity.storeId });
}

interface RouteParts {
  readonly options: ApiOptions;
  readonly parts: Parts;
  readonly publishing: Publishing;
  readonly hooks: Hooks | undefined;
}

/** What must be done once is done by one node of a cluster: the one that is told to. */
function isPublishing({ config, copy }: ApiOptions): boolean {
  return config.publishing ?? copy === undefined;
}
async function addRoutes(
  app: FastifyInstance,
  context: ApiContext,
  { options, parts, publishing, hooks }: RouteParts,
): Promise<void> {
  addDeprecations(app, deprecations);
  await addDocument(app);
  addHealth(app, healthRoutes(options, parts));
  const files = openFileSource(context, publishing.bulk);
  const catalogue = createCatalogueRoutes(context, options.registry, files);
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

function healthRoutes(options: ApiOptions, parts: Parts): HealthRoutes {
  return {
    readReadiness: parts.readiness,
    async metricsText() {
      const balance = parts.balance();
      return (await options.metricsText()) + (balance === undefined ? '' : balanceText(balance));
    },
  };
}

async function listenForMetrics(
  options: ApiOptions,
  events: ApiEvents,
  parts: Parts,
): Promise<{ readonly app: FastifyInstance; readonly port: number } | null> {
  const { config, clock } = options;
  if (config.metricsPort === undefined) return null;
  const app = await createServer({ config, clock, events, pair: null });
  addPublicMetrics(app, healthRoutes(options, parts));
  const one = { ...config, doors: 1 };
  const listening = await listen(app, {
    config: one,
    port: config.metricsPort,
    isSecure: false,
    platform: options.platform,
  });
  return { app, port: listening.port };
}

function setPair(
  app: FastifyInstance,
  pair: { readonly cert: Buffer; readonly key: Buffer },
): void {
  const { server } = app as unknown as {
    readonly server: { setSecureContext(context: object): void };
  };
  server.setSecureContext(pair);
}
