import type { Registry } from '../devices/registry.ts';
import type { ApiContext } from './context.ts';
import { createEarlierNetworks } from './earlier/networks.ts';
import { editionOf } from './edition.ts';
import { type ApiEvents } from './events.ts';
import { openFeed, type Feed } from '../ingest/feed/feed.ts';
import { Hub } from '../ingest/feed/hub.ts';
import { createReaderPool } from '../ingest/feed/reader-pool.ts';
import { openKept } from './kept/kept.ts';
import { createExtents } from './limits/extents.ts';
import { createGate } from './limits/gate.ts';
import { createIntervalBook } from './windows/intervals.ts';
import { createReadyBodies } from './limits/ready-bodies.ts';
import { createSelections } from './limits/selections.ts';
import { createShares } from './limits/shares.ts';
import { createTurns } from './limits/turns.ts';
import { createManifestEvents } from './manifests/events.ts';
import { openManifests } from './manifests/manifests.ts';
import { createNetworks } from './network.ts';
import { createPast, type Past } from './past/past.ts';
import { askViewAndPast } from './past/questions.ts';
import { createCopyPlaces } from '../ingest/feed/places/copy-places.ts';
import { createLogPlaces } from '../ingest/feed/places/log-places.ts';
import type { Places } from '../ingest/feed/places/places.ts';
import { askView } from './questions.ts';
import { isUnchanged } from './routes/unchanged.ts';
import { isPublishing, type ApiOptions } from './options.ts';

const keptBusyTimeoutMs = 5_000;

/** Opens what the routes work with. Throws API_KEPT_NEWER. */
export function createContext(options: ApiOptions, events: ApiEvents): ApiContext {
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
    questions: createQuestions({ feed, store }, past),
    registry,
    registryAt,
    networks: createNetworks(registry),
    earlier: createEarlierNetworks(registry.past, {
      clock,
      viewsMax: config.earlierViewsMax,
      settleMs: options.copy?.settleMs ?? 0,
    }),
    intervals: createIntervalBook(registry),
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
    gate: createGate({ ...options, events }),
    ...openBounded(options),
    extents: createExtents(options),
    select: createSelections(config.valuesPerParameterMax),
    kept,
    manifests,
    filesFolder: options.filesFolder,
  };
  return context;
}

/** What all who ask share, and nobody may have too much of. */
function openBounded({
  config,
  clock,
}: ApiOptions): Pick<ApiContext, 'streams' | 'streamTurns' | 'charts' | 'listeners' | 'bodies'> {
  return {
    streams: createShares({
      ...config,
      placesMax: config.streamsMax,
      code: 'API_TOO_MANY_STREAMS',
    }),
    charts: createShares({
      ...config,
      placesMax: config.chartsQueueMax,
      code: 'API_TOO_MANY_CHARTS',
    }),
    listeners: createShares({
      ...config,
      placesMax: config.liveClientsMax,
      code: 'API_TOO_MANY_LISTENERS',
    }),
    streamTurns: createTurns((run) => void setImmediate(run)),
    bodies: createReadyBodies({
      clock,
      bytesMax: config.readyBytesMax,
      entriesMax: config.readyEntriesMax,
      idleMs: config.readyIdleMs,
    }),
  };
}

/** Undefined where the view holds everything. */
function createNodePast({ copy, store, registry, clock }: ApiOptions): Past | undefined {
  if (copy?.past === undefined) return undefined;
  const { partitions, past } = copy;
  return createPast({ ...past, partitions, registry, clock, horizon: () => store.horizon });
}

function createQuestions(held: Pick<ApiContext, 'feed' | 'store'>, past: Past | undefined) {
  const { feed, store } = held;
  if (past === undefined) return askView(store);
  return askViewAndPast({
    store,
    past,
    lastChangeOf: (series) => feed.lastChangeOf(series),
    hasChanged: (series, pins) => !isUnchanged(held, series, pins),
  });
}

function createPlaces(options: ApiOptions, feed: Feed, past: Past | undefined): Places {
  const { store, clock, config, registry, observations: source, storeIdentity: identity } = options;
  const { copy } = options;
  const parts = { feed, store, source, clock, config };
  return copy === undefined
    ? createLogPlaces({ ...parts, identity })
    : createCopyPlaces({ ...parts, copy, past, registry, storeId: identity.storeId });
}
