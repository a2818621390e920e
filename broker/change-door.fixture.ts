/** A broker of its own that gives out the changes of a log: the door of MQTT, for tests of all doors. */
import { readFile } from 'node:fs/promises';
import { onTestFinished } from 'vitest';

import { openSystemClock } from '../devices/clock-system.ts';
import type { Clock } from '../devices/clock.ts';
import { createSeededRandom } from '../devices/random.ts';
import type { RegistryReader } from '../devices/registry.ts';
import type { Telemetry } from '../devices/telemetry.ts';
import { hubConfig } from '../ingest/feed/batch.fixture.ts';
import { createChangeFeed, type ChangeFeedOptions } from '../ingest/feed/change-feed.ts';
import { createNodePlaces } from '../ingest/feed/places/node-places.ts';
import { brokerConfigSchema, type BrokerConfig } from './config.ts';
import { createFollowerEvents } from './events.ts';
import { openBroker, type Broker } from './main.ts';
import { emptyOpenFeed, type OpenFeed } from './mqtt/open-feed.ts';
import { createMemoryLog } from './mqtt/rig.ts';

export interface ChangeDoorParts {
  readonly registry: RegistryReader;
  readonly observations: ChangeFeedOptions['source'];
  readonly openStore: ChangeFeedOptions['openStore'];
  readonly telemetry: Telemetry;
  readonly clock?: Clock;
  readonly openFeed?: OpenFeed;
  /** What followers may hold; little, unless it is told. */
  readonly hub?: ChangeFeedOptions['config'];
}

const littleRoom = { ...hubConfig, liveBufferBytesMax: 4_096, liveFrozenMs: 2_000 };

/** Closed with the test. */
export async function openChangeDoor(
  parts: ChangeDoorParts,
  config: Partial<BrokerConfig> = {},
): Promise<Broker> {
  const { registry, observations: source, openStore, telemetry } = parts;
  const { clock = openSystemClock(), openFeed = emptyOpenFeed, hub = littleRoom } = parts;
  const identity = { storeId: 'store-1', earlier: [] };
  const ports = { mqttPort: 0, mqttsPort: 0, mqttWsPort: 0 };
  const broker = await openBroker({
    config: brokerConfigSchema.parse({ host: '127.0.0.1', ...ports, ...config }),
    clock,
    random: createSeededRandom(1),
    telemetry,
    readFile: (path) => readFile(path),
    readings: createMemoryLog(),
    registry,
    openFeed,
    changeFeed: createChangeFeed({
      registry,
      clock,
      source,
      openStore,
      createPlaces: createNodePlaces({ source, clock, registry, identity, feedHorizonMs: 0 }),
      config: hub,
      events: createFollowerEvents(telemetry),
      stepBytesMax: 4_096,
    }),
    logState: () => ({ healthy: true }),
  });
  onTestFinished(() => broker.close());
  return broker;
}
