/**
 * For tests: a broker on free ports of this machine with a log in memory and a registry by hand.
 * Nothing of it is used outside tests.
 */
import { readFile } from 'node:fs/promises';
import { noAccess } from '../../devices/access.ts';
import type { Clock } from '../../devices/clock.ts';
import { openSystemClock } from '../../devices/clock-system.ts';
import type { Datastream, Device } from '../../devices/model.ts';
import { createSeededRandom } from '../../devices/random.ts';
import type { Credential, Registry, RegistryReader } from '../../devices/registry.ts';
import { createRecordedTelemetry, type RecordedTelemetry } from '../../devices/telemetry-silent.ts';
import type { DurableEnd, LogWriter } from '../../ingest/log/log.ts';
import { decodeReading, type LoggedReading } from '../../ingest/reading-codec.ts';
import { brokerConfigSchema, type BrokerConfig } from '../config.ts';
import { openBroker, type Broker } from '../main.ts';
import { emptyChangeFeed, type ChangeFeed } from './change-feed.ts';
import type { LogState } from './context.ts';
import { emptyOpenFeed, type OpenFeed } from './open-feed.ts';

/** A log in memory that keeps, holds back or fails what it is given, as it is told. */
export interface MemoryLog extends LogWriter {
  readonly readings: readonly LoggedReading[];
  /** What waits for `release` or `fail`. */
  readonly held: number;
  /** kept: done in the next turn; held: waits; failing: done with an error. */
  mode: 'keep' | 'hold' | 'fail';
  saturated: boolean;
  release(count?: number): void;
  /** Settles all that is held with an error. */
  fail(): void;
}

export function createMemoryLog(): MemoryLog {
  const readings: LoggedReading[] = [];
  let position = 0;
  let waiting: (() => void)[] = [];
  const failing: ((error: Error) => void)[] = [];
  const durableEnd: DurableEnd = {
    get: () => readings.length,
    waitBeyond: () => Promise.reject(new Error('not of this log')),
  };
  const log: MemoryLog = {
    durableEnd,
    readings,
    mode: 'keep',
    saturated: false,
    get held() {
      return waiting.length;
    },
    append(sizeBytes, fill, done) {
      const body = Buffer.alloc(sizeBytes);
      fill(body, 0);
      if (log.mode === 'fail') {
        process.nextTick(() => done(new Error('the log cannot be written'), 0));
        return;
      }
      const keep = (): void => {
        readings.push(decodeReading((position += 1), body));
        done(null, position);
      };
      waiting.push(keep);
      failing.push((error) => done(error, 0));
      if (log.mode === 'keep') process.nextTick(() => log.release());
    },
    release(count = Infinity) {
      const settled = waiting.splice(0, count);
      failing.splice(0, settled.length);
      for (const keep of settled) keep();
    },
    fail() {
      waiting = [];
      const error = new Error('the log cannot be written');
      for (const refuse of failing.splice(0)) refuse(error);
    },
    trimBefore: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  return log;
}

/** A registry whose devices and secrets a test sets by hand. */
export interface HandRegistry extends RegistryReader {
  readonly devices: Map<string, Device>;
  readonly secrets: Map<string, { secret: string; credential: Credential }>;
  readonly certificates: Map<string, Credential>;
  addDevice(device: Partial<Device> & { readonly id: string }, secret?: string): void;
  addToken(id: string, secret: string, role: 'operator' | 'reader'): void;
}

/** The one series that everybody sees. */
const open = { id: 's1~ph', series: 0, station: 's1', property: 'ph', slug: 'ph' } as Datastream;

export function createHandRegistry(): HandRegistry {
  const devices = new Map<string, Device>();
  const secrets = new Map<string, { secret: string; credential: Credential }>();
  const certificates = new Map<string, Credential>();
  let version = 1;
  const current = (): Registry => ({
    version,
    owners: new Map(),
    stations: new Map(),
    datastreams: new Map([[open.id, open]]),
    devices,
    properties: new Map(),
    deployments: [],
    access: noAccess,
    bySeries: [],
    channelsOf: () => undefined,
  });
  return {
    devices,
    secrets,
    certificates,
    addDevice(device, secret = `secret of ${device.id}`) {
      const owner = device.owner ?? 'owner-1';
      devices.set(device.id, { ...device, owner });
      const credential = { kind: 'device', subject: device.id, role: 'device', owner } as const;
      secrets.set(device.id, { secret, credential });
    },
    addToken: (id, secret, role) =>
      void secrets.set(id, { secret, credential: { kind: 'token', subject: id, role } }),
    current,
    at: current,
    refresh() {
      version += 1;
      return current();
    },
    authenticate(username, secret) {
      const known = secrets.get(username);
      return known !== undefined && known.secret === secret ? known.credential : undefined;
    },
    authenticateCertificate: (fingerprint) => certificates.get(fingerprint),
    tokenOf: (id) => secrets.get(id)?.credential,
    authenticateToken(secret) {
      for (const known of secrets.values()) {
        if (known.credential.kind === 'token' && known.secret === secret) return known.credential;
      }
      return undefined;
    },
    close: () => {},
  };
}

export interface Rig {
  readonly broker: Broker;
  readonly log: MemoryLog;
  readonly registry: HandRegistry;
  readonly telemetry: RecordedTelemetry;
  readonly port: number;
  logState: LogState;
}

export interface RigOptions {
  readonly config?: Partial<BrokerConfig>;
  readonly openFeed?: OpenFeed;
  readonly changeFeed?: ChangeFeed;
  readonly clock?: Clock;
}

/** Devices `one`, `two`, `three` (secret: `secret of …`), operator `ops`, reader `portal`. */
export async function openRig(options: RigOptions = {}): Promise<Rig> {
  const log = createMemoryLog();
  const registry = createHandRegistry();
  for (const id of ['one', 'two', 'three']) registry.addDevice({ id });
  registry.addToken('ops', 'secret of ops', 'operator');
  registry.addToken('portal', 'secret of portal', 'reader');
  const telemetry = createRecordedTelemetry();
  const local = { host: '127.0.0.1', mqttPort: 0, mqttsPort: 0, mqttWsPort: 0 };
  const config = brokerConfigSchema.parse({ ...local, ...options.config });
  let logState: LogState = { healthy: true };
  const broker = await openBroker({
    config,
    clock: options.clock ?? openSystemClock(),
    random: createSeededRandom(7),
    telemetry,
    readFile: (path) => readFile(path),
    readings: log,
    registry,
    openFeed: options.openFeed ?? emptyOpenFeed,
    changeFeed: options.changeFeed ?? emptyChangeFeed,
    logState: () => logState,
  });
  return {
    broker,
    log,
    registry,
    telemetry,
    port: broker.addresses.mqttPort,
    get logState() {
      return logState;
    },
    set logState(next) {
      logState = next;
    },
  };
}
