/**
 * A whole API for tests over the real log, view and registry in a temporary folder; only ingest is
 * played by the test, which publishes batches, and the clock's wall time can be set.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createJudgedTime, type JudgedTime } from '../devices/judged-time.ts';
import { createSeededRandom } from '../devices/random.ts';
import { createOwnChanges } from '../devices/registry/changes.ts';
import { openRegistryWriter } from '../devices/registry-sqlite.ts';
import type { RegistryWriter } from '../devices/registry.ts';
import { createRecordedTelemetry, type RecordedTelemetry } from '../devices/telemetry-silent.ts';
import { logConfigSchema } from '../ingest/log/config.ts';
import { createDurableEnd, type SharedDurableEnd } from '../ingest/log/durable-end.ts';
import { createMemoryFileSystem, type MemoryFileSystem } from '../ingest/log/file-system-memory.ts';
import type { LogSource } from '../ingest/feed/feed.ts';
import type { LogWriter } from '../ingest/log/log.ts';
import { openLogReader, openLogWriter } from '../ingest/log/segment-log.ts';
import type { ObservationRow } from '../ingest/observation.ts';
import { encodeBatch } from '../ingest/observations/batch-codec.ts';
import type { Batch } from '../ingest/observations/batch.ts';
import type { Reading } from '../ingest/reading.ts';
import { withFaults, type Faults } from './faulty.fixture.ts';
import { keepReading } from '../ingest/reading-codec.ts';
import { storeConfigSchema } from '../ingest/store/config.ts';
import { openStoreFollower } from '../ingest/store/follower.ts';
import type { StoreReader, StoreWriter } from '../ingest/store/store.ts';
import { openStoreWriter, type ViewBeginning } from '../ingest/store/writer.ts';
import type { FollowerPort } from './access/followers.ts';
import { apiConfig, type ApiConfig } from './config.ts';
import type { StoreIdentity } from '../ingest/feed/cursor.ts';
import type { ConnectionState, RoomHealth } from './health.ts';
import type { HookPorts } from './hooks/open.ts';
import { openApi, type Api } from './main.ts';
import { openSecretFile } from './manifests/secret-file.ts';
import { filesOptions } from './files.fixture.ts';
import { network } from './network.fixture.ts';
import type { CopyOptions } from './past/past.ts';
import { rowOf } from './row.fixture.ts';
import { createSettableClock, type SettableClock } from './settable-clock.fixture.ts';

export interface TestApi {
  readonly api: Api;
  readonly url: string;
  readonly registry: RegistryWriter;
  readonly telemetry: RecordedTelemetry;
  readonly filesFolder: string;
  readonly fileSystem: MemoryFileSystem;
  /** What the API appended, in order. */
  readonly appended: Reading[];
  readonly announced: number[];
  readonly health: RoomHealth[];
  readonly connections: ConnectionState[];
  readonly operator: string;
  readonly reader: string;
  /** What ingest's side of the view holds. */
  readonly store: StoreReader;
  /** Of another follower of the same log and view. */
  readonly observations: LogSource;
  openStore(): ReturnType<typeof openStoreFollower>;
  readonly viewPath: string;
  /** Of the owner of the hidden stations. */
  readonly ownerToken: string;
  /** Number of a series by the id of its datastream. */
  series(datastream: string): number;
  setNow(at: number): void;
  now(): number;
  /** Makes this read of a page of rows fail, counted from now; questions for one row are not counted. */
  failRange(nth: number): void;
  failReadings(error: Error | null): void;
  /** Appends a batch of these rows and waits until the API follows it. Returns its position. */
  publish(rows: readonly ObservationRow[], more?: Partial<Batch>): Promise<number>;
  /** Appends without waiting for the API. */
  append(rows: readonly ObservationRow[], more?: Partial<Batch>): Promise<number>;
  /** Writes the tail into the database, as ingest does now and then. */
  flush(): void;
  /** A good value of the datastream, but for the change. */
  row(datastream: string, endAt: number, change?: Partial<ObservationRow>): ObservationRow;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  json(path: string, headers?: Readonly<Record<string, string>>): Promise<Json>;
  /** Closes the API and opens another over the same files; others may append in between. */
  reopen(
    options?: Partial<Pick<TestApiOptions, 'identity' | 'config'>> & {
      readonly whileClosed?: () => Promise<unknown>;
    },
  ): Promise<TestApi>;
  close(): Promise<void>;
}

// What a test reads out of an answer is checked by its expectations.
export type Json = Record<string, unknown> & {
  readonly items: Record<string, unknown>[];
  readonly changes: Record<string, unknown>[];
};

export interface TestApiOptions {
  readonly config?: Partial<ApiConfig>;
  readonly identity?: StoreIdentity;
  readonly pageFolder?: string;
  readonly hooks?: HookPorts;
  readonly followers?: FollowerPort;
  /** The log is a copy of partitions, placed by the test; there are no readings then. */
  readonly copy?: CopyOptions;
  /** The view does not begin with the first batch. */
  readonly begin?: ViewBeginning;
}

export const startAt = Date.UTC(2024, 5, 1);

interface Ground {
  readonly folder: string;
  readonly fileSystem: MemoryFileSystem;
  readonly clock: SettableClock;
  readonly judgedTime: JudgedTime;
  readonly telemetry: RecordedTelemetry;
  readonly registry: RegistryWriter;
  readonly observations: LogWriter;
  readonly readings: LogWriter;
  readonly observationsEnd: SharedDurableEnd;
  readonly readingsEnd: SharedDurableEnd;
  readonly writer: StoreWriter;
  readonly tokens: { readonly operator: string; readonly reader: string; readonly owner: string };
  readonly batch: { totals: Batch['totals']; consumed: number };
}

export async function openTestApi(options: TestApiOptions = {}): Promise<TestApi> {
  const rig = await openOver(await openGround(options.begin), options);
  rig.appended.length = 0;
  return rig;
}

async function openGround(begin?: ViewBeginning): Promise<Ground> {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-api-'));
  const fileSystem = createMemoryFileSystem();
  const telemetry = createRecordedTelemetry();
  const clock = createSettableClock(startAt);
  const random = createSeededRandom(7);
  const judgedTime = createJudgedTime(clock);
  const judgedNow = () => judgedTime.now();
  const registry = openRegistryWriter(join(folder, 'registry.db'), { clock, judgedNow, random });
  const imported = registry.importFile(network, 'test');
  if (!imported.ok) throw new Error(JSON.stringify(imported.problems));
  const token = (role: 'operator' | 'reader', owner?: string) =>
    registry.createToken({ role, actor: 'test', ...(owner === undefined ? {} : { owner }) }).secret;
  const tokens = {
    operator: token('operator'),
    reader: token('reader'),
    owner: token('reader', 'factory'),
  };
  const open = (name: string, durableEnd: SharedDurableEnd) =>
    openLogWriter({
      fileSystem,
      directory: `/${name}`,
      name,
      clock,
      random,
      telemetry,
      config: logConfigSchema.parse({}),
      durableEnd,
      lock: null,
    });
  const observationsEnd = createDurableEnd();
  const readingsEnd = createDurableEnd();
  const observations = await open('observations', observationsEnd);
  const readings = await open('readings', readingsEnd);
  const writer = openStoreWriter({
    path: join(folder, 'view.db'),
    config: storeConfigSchema.parse({}),
    clock,
    telemetry,
    isCircular: (series) => isCircular(registry, series),
    storeId: 'store-1',
    logEnd: observationsEnd.get(),
    begin,
  });
  const batch = { totals: writer.totals, consumed: 0 };
  return {
    folder,
    fileSystem,
    clock,
    judgedTime,
    telemetry,
    registry,
    observations,
    readings,
    observationsEnd,
    readingsEnd,
    writer,
    tokens,
    batch,
  };
}

function isCircular(registry: RegistryWriter, series: number): boolean {
  const datastream = registry.current().bySeries[series];
  return (
    datastream !== undefined &&
    registry.current().properties.get(datastream.property)?.circular === true
  );
}

async function openOver(ground: Ground, options: TestApiOptions): Promise<TestApi> {
  const { clock, telemetry, registry, tokens } = ground;
  const log: Faults = { appended: [], error: null, rangesLeft: Infinity };
  const announced: number[] = [];
  const health: RoomHealth[] = [];
  const connections: ConnectionState[] = [];
  const parts = apiOptions(ground, options, log);
  const api = await openApi({
    ...parts,
    health: () => health,
    connections: async (limit) => connections.slice(0, limit),
    registryChanged: (version) => void announced.push(version),
  });
  const url = `${api.isSecure ? 'https' : 'http'}://127.0.0.1:${api.httpPort}`;
  const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    fetch(url + path, { headers });
  const append = (rows: readonly ObservationRow[], more: Partial<Batch> = {}) =>
    appendBatch(ground, batchOf(ground, rows, more));
  return {
    api,
    url,
    registry,
    telemetry,
    filesFolder: join(ground.folder, 'files'),
    fileSystem: ground.fileSystem,
    appended: log.appended,
    announced,
    health,
    connections,
    operator: tokens.operator,
    reader: tokens.reader,
    store: ground.writer,
    observations: sourceOf(ground),
    openStore: () => openStore(ground),
    viewPath: join(ground.folder, 'view.db'),
    ownerToken: tokens.owner,
    series: (datastream) => registry.current().datastreams.get(datastream)?.series ?? -1,
    setNow: (at) => clock.setNow(at),
    now: () => clock.now(),
    failRange(nth) {
      log.rangesLeft = nth;
    },
    failReadings(error) {
      log.error = error;
    },
    append,
    publish: async (rows, more) => untilFollowed(get, await append(rows, more)),
    flush() {
      while (!ground.writer.flushSlice(1_000));
    },
    row: (datastream, endAt, change = {}) => rowOf(registry, datastream, endAt, change),
    get,
    json: async (path, headers) => (await (await get(path, headers)).json()) as Json,
    async reopen({ whileClosed, ...again } = {}) {
      await api.close();
      await whileClosed?.();
      return openOver(ground, { ...options, ...again });
    },
    async close() {
      await api.close();
      ground.writer.close();
      await ground.observations.close();
      await ground.readings.close();
      registry.close();
      rmSync(ground.folder, { recursive: true, force: true });
    },
  };
}

function apiOptions(ground: Ground, options: TestApiOptions, log: Faults) {
  const { folder, fileSystem, clock, judgedTime, telemetry, registry } = ground;
  const reader = (directory: string, durableEnd: SharedDurableEnd) => ({
    durableEnd,
    openReader: (from: number) => openLogReader({ fileSystem, directory, durableEnd, from }),
  });
  return {
    config: apiConfig.parse({
      host: '127.0.0.1',
      httpPort: 0,
      asOfSettleMs: 50,
      // Tests ask a busy machine for hundreds of answers at once.
      overloadDelayMs: 600_000,
      // Tests set the clock as they please.
      clockJumpMsMax: 315_360_000_000,
      ...options.config,
    }),
    clock,
    judgedTime,
    random: createSeededRandom(3),
    platform: process.platform,
    telemetry,
    readFile: (path: string) => readFile(path),
    keptPath: join(folder, 'feeds.db'),
    ...filesOptions(folder),
    signingKey: openSecretFile(join(folder, 'signing.pem')),
    pageFolder: options.pageFolder ?? join(folder, 'no-page'),
    store: withFaults(openStore(ground), log),
    observations: sourceOf(ground),
    ...(options.copy === undefined
      ? { readings: reader('/readings', ground.readingsEnd) }
      : { copy: options.copy }),
    registry,
    registryChanges: createOwnChanges(registry),
    registryMarking: 'after' as const,
    appendReading(reading: Reading): Promise<number> {
      if (log.error !== null) return Promise.reject(log.error);
      log.appended.push(reading);
      return keepReading(ground.readings, reading);
    },
    storeIdentity: options.identity ?? { storeId: 'store-1', earlier: [] },
    ...(options.followers === undefined ? {} : { followers: options.followers }),
    hooks: options.hooks ?? noHooks,
    metricsText: () => '# metrics of all rooms\n',
  };
}

/** No receiver is ever found. */
const noHooks: HookPorts = {
  resolve: async () => [],
  post: () => Promise.reject(new Error('nothing is sent in this test')),
};

function sourceOf({ fileSystem, observationsEnd: durableEnd }: Ground): LogSource {
  const directory = '/observations';
  return {
    durableEnd,
    openReader: (from: number) => openLogReader({ fileSystem, directory, durableEnd, from }),
  };
}

function openStore({ folder, registry }: Ground) {
  return openStoreFollower({
    path: join(folder, 'view.db'),
    config: storeConfigSchema.parse({}),
    isCircular: (series) => isCircular(registry, series),
  });
}

function appendBatch(ground: Ground, batch: Batch): Promise<number> {
  const bytes = encodeBatch(batch);
  return new Promise((resolve, reject) => {
    ground.observations.append(
      bytes.length,
      (target, at) => target.set(bytes, at),
      (error, position) => {
        if (error !== null) return reject(error);
        ground.writer.apply(position, batch);
        resolve(position);
      },
    );
  });
}

async function untilFollowed(
  get: (path: string) => Promise<Response>,
  position: number,
): Promise<number> {
  for (;;) {
    const answer = await get('/api/v1/');
    const cursor = answer.headers.get('quantrac-cursor') ?? '';
    await answer.arrayBuffer();
    const text = Buffer.from(cursor, 'base64url').toString();
    if (Number(text.split(':')[2]) > position) return position;
  }
}

function batchOf(ground: Ground, rows: readonly ObservationRow[], more: Partial<Batch>): Batch {
  const { batch, clock, registry } = ground;
  const publishedAt = more.publishedAt ?? clock.now();
  batch.consumed = more.consumed ?? batch.consumed + 1;
  batch.totals = more.totals ?? {
    ...batch.totals,
    readingsSettled: batch.totals.readingsSettled + 1,
    measurementsDecoded: batch.totals.measurementsDecoded + rows.length,
    measurementsStored: batch.totals.measurementsStored + rows.length,
  };
  return {
    publishedAt,
    consumed: batch.consumed,
    totals: batch.totals,
    registryVersion: registry.current().version,
    rows: rows.map((row) => ({ ...row, publishedAt })),
    quarantined: [],
    control: [],
    ...more,
  };
}
