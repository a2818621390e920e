/** The API's thread: the registry's one writer, a follower of `observations`, every door out. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codecs } from '../devices/codecs/formats.ts';
import { createJudgedTime } from '../devices/judged-time.ts';
import type { DevicesConfig } from '../devices/config.ts';
import { joinMetrics } from '../devices/metrics-text.ts';
import type { ImportProblem, RegistryWriter } from '../devices/registry.ts';
import { carryOut, type AccessWish } from '../devices/registry/access-wish.ts';
import { createOwnChanges } from '../devices/registry/changes.ts';
import { openRegistryWriter } from '../devices/registry-sqlite.ts';
import { CodedError } from '../devices/coded-error.ts';
import { createStartGate } from '../ingest/cluster/forward/start-gate.ts';
import { createDurableEnd } from '../ingest/log/durable-end.ts';
import { openNodeFileSystem } from '../ingest/log/file-system-node.ts';
import type { Position } from '../ingest/log/log.ts';
import { openLogReader } from '../ingest/log/segment-log.ts';
import type { StoreConfig } from '../ingest/store/config.ts';
import { openStoreFollower } from '../ingest/store/follower.ts';
import { runRoom, type RoomData, type RoomSurroundings } from '../room-thread.ts';
import { createCaller, serveCalls } from '../thread-call.ts';
import type { FollowerPort, GivenPage } from './access/followers.ts';
import { makerThreads } from './bulk/maker.ts';
import type { ApiConfig } from './config.ts';
import type { StoreIdentity } from '../ingest/feed/cursor.ts';
import { apiError } from './errors.ts';
import type { ConnectionState, RoomHealth } from './health.ts';
import type { HookPorts } from './hooks/open.ts';
import { createPost } from './hooks/post.ts';
import { createResolve } from './hooks/resolve.ts';
import { openApi, type Api } from './main.ts';
import { openSecretFile } from './manifests/secret-file.ts';
import type { ApiClusterData } from './worker-cluster.ts';

export interface ApiRoomData extends RoomData {
  readonly room: 'api';
  readonly ends: { readonly readings: SharedArrayBuffer; readonly observations: SharedArrayBuffer };
  readonly paths: {
    readonly readings: string;
    readonly observations: string;
    readonly view: string;
    readonly registry: string;
    readonly feeds: string;
    readonly files: string;
    readonly signingKey: string;
    readonly citations: string;
    readonly identity: StoreIdentity;
  };
  readonly devices: DevicesConfig;
  readonly ingest: { readonly store: StoreConfig };
  readonly api: ApiConfig;
  /** Cluster profile. */
  readonly cluster?: ApiClusterData;
}

interface ProvisionQuestion {
  readonly content: unknown;
  readonly rotate: boolean;
  /** False: only the import; the devices get no secret. */
  readonly secrets?: boolean;
}

type Surroundings = RoomSurroundings<ApiRoomData>;

const actor = 'operator (command line)';

function openSource(data: ApiRoomData, name: 'readings' | 'observations') {
  const durableEnd = createDurableEnd(data.ends[name]);
  const fileSystem = openNodeFileSystem();
  const directory = data.paths[name];
  return {
    durableEnd,
    openReader: (from: Position) => openLogReader({ fileSystem, directory, durableEnd, from }),
  };
}

async function openApiRoom(room: Surroundings) {
  const { data, clock, random, telemetry } = room;
  const judgedTime = createJudgedTime(clock);
  const { registry, ...parts } = await openRegistryParts(room, () => judgedTime.now());
  // Whoever makes the view answers once it is there.
  await room.call(data.cluster === undefined ? 'ingest' : 'link', 'opened');
  const store = openStoreFollower({
    path: data.paths.view,
    config: data.ingest.store,
    isCircular: (series) => {
      const property = registry.current().bySeries[series]?.property;
      return (
        property !== undefined && registry.current().properties.get(property)?.circular === true
      );
    },
  });
  const source = (name: 'readings' | 'observations') => openSource(data, name);
  const api = await openApi({
    config: data.api,
    clock,
    random,
    judgedTime,
    platform: process.platform,
    telemetry,
    readFile: (path: string) => readFile(path),
    keptPath: data.paths.feeds,
    signingKey: openSecretFile(data.paths.signingKey),
    ...publishingOptions(data),
    pageFolder: join(import.meta.dirname, 'web/dist'),
    store,
    observations: source('observations'),
    ...(data.cluster === undefined ? { readings: source('readings') } : {}),
    ...(parts.copy === undefined ? {} : { copy: parts.copy }),
    registry,
    registryChanges: parts.changes,
    registryMarking: parts.marking,
    appendReading: (reading) => room.call(ownerOf(room), 'append', reading) as Promise<Position>,
    storeIdentity: parts.storeIdentity,
    health: () => readHealth(room),
    connections: async (limit) =>
      'broker' in data.ports
        ? ((await room.call('broker', 'connections', limit)) as ConnectionState[])
        : [],
    ...('broker' in data.ports ? { followers: followerPort(room) } : {}),
    hooks: hookPorts(room),
    metricsText: () => readMetrics(room),
    registryChanged: () => tellBroker(room),
  });
  return {
    ready: {
      httpPort: api.httpPort,
      isSecure: api.isSecure,
      ...(api.metricsPort === undefined ? {} : { metricsPort: api.metricsPort }),
    },
    calls: {
      ...operatorCalls(api),
      readiness: () => api.readiness(),
      balance: async () => api.balance(),
      makeManifest: (wish: { readonly newKey: boolean }) => makeManifest(api, wish),
    },
    async close() {
      await api.close();
      await parts.close();
      registry.close();
    },
  };
}

function publishingOptions({ paths }: ApiRoomData) {
  return {
    filesFolder: paths.files,
    citationsFolder: paths.citations,
    fileSystem: openNodeFileSystem(),
    viewPath: paths.view,
    openMaker: makerThreads({ createCaller, serveCalls }),
  };
}

/** The registry as this process has it: its own on one machine, a copy in a cluster. */
async function openRegistryParts(room: Surroundings, judgedNow: () => number) {
  const { data, clock, random, telemetry } = room;
  const options = {
    clock,
    judgedNow,
    random,
    telemetry,
    config: data.devices,
    codecs: new Set(codecs.map(({ id }) => id)),
  };
  if (data.cluster !== undefined) {
    const { openClusterRegistry } = await import('./worker-cluster.ts');
    return openClusterRegistry({
      ...data,
      ...data.cluster,
      ...options,
      devices: data.devices,
      tell: () => tellBroker(room),
      fail: room.fail,
    });
  }
  const registry = openRegistryWriter(data.paths.registry, options);
  return {
    registry,
    changes: createOwnChanges(registry),
    marking: 'after' as const,
    storeIdentity: data.paths.identity,
    copy: undefined,
    close: async () => undefined,
  };
}

function hookPorts({ clock, data }: Surroundings): HookPorts {
  const resolve = createResolve(clock, { timeoutMs: data.api.hooksResolveMsMax });
  return { resolve, post: createPost(clock) };
}

/** Who has the node's log of readings. */
function ownerOf({ data }: Surroundings): 'broker' | 'link' {
  return 'broker' in data.ports ? 'broker' : 'link';
}

/** Before its doors are open the broker answers nobody, and looks by itself once they are. */
async function tellBroker(room: Surroundings): Promise<void> {
  if (hearsBroker(room)) await room.call('broker', 'registryChanged');
}

function hearsBroker({ data: { ports, cluster }, clock }: Surroundings): boolean {
  if (!('broker' in ports)) return false;
  return cluster === undefined || createStartGate(cluster.startGate, clock).isPassed;
}

function followerPort(room: Surroundings): FollowerPort {
  return {
    async given() {
      if (!hearsBroker(room)) return { given: [], dropped: 0, hasMore: false };
      return (await room.call('broker', 'given')) as GivenPage;
    },
    async closeToKeys() {
      if (hearsBroker(room)) await room.call('broker', 'closeToKeys');
    },
  };
}

/** The operators' work for the control socket. */
function operatorCalls(api: Api) {
  const { registryAdmin } = api;
  return {
    async provision({ content, rotate, secrets = true }: ProvisionQuestion) {
      try {
        const { version, changed } = await registryAdmin.importRegistry(content, actor);
        const devices = ((content as { devices?: readonly { id: string }[] }).devices ?? []).map(
          ({ id }) => id,
        );
        const given = secrets
          ? await registryAdmin.provision({ devices, rotate, actor })
          : { devices: [] };
        return { outcome: { ok: true, version, changed }, secrets: given.devices };
      } catch (error) {
        const problems = error instanceof CodedError ? error.fields['problems'] : undefined;
        if (problems === undefined) throw error;
        return {
          outcome: { ok: false, problems: problems as readonly ImportProblem[] },
          secrets: [],
        };
      }
    },
    createToken: async (wanted: Parameters<typeof registryAdmin.createToken>[0]) => {
      const { id, secret } = await registryAdmin.createToken(wanted);
      return { id, secret };
    },
    grants: async () => api.access.list({}),
    access: async (wish: AccessWish) => {
      const work = (writer: RegistryWriter) => carryOut(writer, wish);
      return (await registryAdmin.change(actor, work)).result;
    },
    revoke: ({ subject }: { subject: string }) => registryAdmin.revoke(subject, actor),
    pinCertificate: async (wanted: { readonly device: string; readonly certificate: string }) => {
      const { deviceId, fingerprint256 } = await registryAdmin.pinCertificate({ ...wanted, actor });
      return { deviceId, fingerprint256 };
    },
    unpinCertificate: ({ certificate }: { readonly certificate: string }) =>
      registryAdmin.unpinCertificate(certificate, actor),
  };
}

async function makeManifest({ manifests }: Api, wish: { readonly newKey: boolean }) {
  if (manifests === undefined) throw apiError('API_PUBLISHED_ELSEWHERE');
  const { head, rows, changed } = await manifests.make(wish);
  const { sequence, day, cursor, sha256 } = head;
  return { sequence, day, cursor, sha256, rows, changed };
}

async function readHealth(room: Surroundings): Promise<RoomHealth[]> {
  return Promise.all(
    Object.keys(room.data.ports).map(async (name) => {
      try {
        return (await room.call(name, 'health')) as RoomHealth;
      } catch (error) {
        return {
          room: name,
          isReady: false,
          reasons: [error instanceof Error ? error.message : String(error)],
        };
      }
    }),
  );
}

/** Metrics of every thread: both logs, for one, count under the same names. */
async function readMetrics(room: Surroundings): Promise<string> {
  const texts = await Promise.all([
    room.main('processMetrics'),
    ...Object.keys(room.data.ports).map((name) => room.call(name, 'metrics')),
    room.telemetry.text(),
  ]);
  return joinMetrics(texts.map(String));
}

await runRoom(openApiRoom);
