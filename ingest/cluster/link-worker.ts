/**
 * A node's thread between its own folder and Kafka: its log of readings goes out, all observations
 * come in. On a node of the api it also owns the log into which the api appends, and on one without
 * api it keeps the copy of the registry. Doors and reading go on while Kafka is away.
 */
import { readFileSync } from 'node:fs';
import { sleep } from '../../devices/clock.ts';
import type { DevicesConfig } from '../../devices/config.ts';
import type { RegistryReader } from '../../devices/registry.ts';
import { runRoom, type RoomData, type RoomSurroundings } from '../../room-thread.ts';
import type { IngestConfig } from '../config.ts';
import type { LogConfig, LogRetention } from '../log/config.ts';
import { createDurableEnd } from '../log/durable-end.ts';
import { openNodeFileSystem } from '../log/file-system-node.ts';
import type { Kafka } from '../log/kafka/kafka.ts';
import { takeOwnerLock } from '../log/owner-lock.ts';
import { openLogWriter } from '../log/segment-log.ts';
import { readingsCalls, repeatRetention } from '../maintain/readings-calls.ts';
import { keepReading } from '../reading-codec.ts';
import type { Reading } from '../reading.ts';
import type { ClusterConfig } from './config.ts';
import { connectKafka } from './connect.ts';
import type { Copy } from './copy/copy.ts';
import { openOwnForwarder } from './forward/own-forwarder.ts';
import type { Forwarder } from './forward/forwarder.ts';
import { openPast, type Past } from './past.ts';
import { openLocalCopy } from './copy/open.ts';
import { metricsOnce } from './metrics-once.ts';
import { openRegistryDuty, type RegistryDuty } from './node-registry.ts';
import { tellJoined, untilIdentity } from './node-joined.ts';
import { untilReplicated } from './forward/replicated.ts';
import { createStartGate, type StartGate } from './forward/start-gate.ts';
import { loggedText } from './workers-balance.ts';

export interface LinkRoomData extends RoomData {
  readonly room: 'link';
  readonly ends: {
    readonly readings: SharedArrayBuffer;
    readonly observations: SharedArrayBuffer;
    readonly forwarded: SharedArrayBuffer;
    readonly levels: SharedArrayBuffer;
    readonly joined: SharedArrayBuffer;
  };
  readonly startGate: SharedArrayBuffer;
  readonly paths: {
    readonly path: string;
    readonly readings: string;
    readonly observations: string;
    readonly view: string;
    readonly registry: string;
    readonly identity: { readonly storeId: string };
  };
  readonly log: LogConfig & { readonly readings: LogRetention };
  readonly devices: DevicesConfig;
  readonly ingest: IngestConfig;
  readonly cluster: ClusterConfig;
  /** No broker in this process: this thread owns the node's log of readings. */
  readonly ownsReadings: boolean;
  /** No api in this process: this thread keeps the copy of the registry. */
  readonly keepsRegistry: boolean;
}

type Surroundings = RoomSurroundings<LinkRoomData>;

const readText = (path: string): string => readFileSync(path, 'utf8');

/** How long what is still opening may hold up the end. */
const closeMsMax = 1_000;

async function openLinkRoom(surroundings: Surroundings) {
  // Both logs may be in this thread: they count under the same names.
  const metricsOfAll = metricsOnce(surroundings.telemetry.metrics);
  const telemetry = { ...surroundings.telemetry, metrics: metricsOfAll };
  const room: Surroundings = { ...surroundings, telemetry };
  const { data, clock } = room;
  const clientId = `node-${data.cluster.node}-link`;
  const { kafka: config } = data.cluster;
  const kafka = connectKafka({ config, clock, telemetry, clientId, readText });
  const gate = createStartGate(data.startGate, clock);
  const intake = data.ownsReadings ? await openIntake(room, gate) : undefined;
  const duty = data.keepsRegistry ? openDuty(room, kafka, gate) : undefined;
  const links = openLinks({ room, kafka, gate, intake });
  const readingsEnd = createDurableEnd(data.ends.readings);
  const metrics = async (): Promise<string> => {
    const logged = readingsEnd.get();
    const waiting = logged - (links.forwarder?.position ?? logged);
    return (await telemetry.text()) + loggedText(data.cluster.node, logged, waiting);
  };
  const health = () => healthOf(links, data.ports['broker'] !== undefined);

  return {
    ready: {},
    calls: {
      health,
      metrics,
      /** A copy's end first, so that it never tells of more than its node has taken in. */
      durableEnds: () => {
        const observations = createDurableEnd(data.ends.observations).get();
        return { observations, readings: readingsEnd.get() };
      },
    },
    rooms: {
      api: {
        opened: () => links.opened,
        append: (reading: Reading) => intake?.append(reading),
        health,
        metrics,
      },
    },
    async close() {
      links.stop();
      await duty?.close();
      await links.close();
      await intake?.close();
      await kafka.close();
    },
  };
}

interface LinkParts {
  readonly room: Surroundings;
  readonly kafka: Kafka;
  readonly gate: StartGate;
  readonly intake: { consumed(position: number): Promise<void> } | undefined;
}

interface Links {
  readonly copy: Copy | undefined;
  readonly forwarder: Forwarder | undefined;
}

/** In the background: what needs to know the cluster, and what needs the node's number claimed. */
function openLinks({ room, kafka, gate, intake }: LinkParts) {
  const { data, clock } = room;
  const closers: (() => Promise<unknown>)[] = [];
  const stopping = new AbortController();
  const { signal } = stopping;
  const opened = Promise.withResolvers<true>();
  let copy: Copy | undefined;
  let forwarder: Forwarder | undefined;

  async function copyIn(): Promise<void> {
    const { busyTimeoutMs } = data.devices;
    const registry = { path: data.paths.registry, busyTimeoutMs };
    const identity = await untilIdentity(registry, clock, signal);
    if (identity === undefined) return;
    const { storeId } = identity;
    const parts = { ...data, ...room, kafka, storeId, signal };
    copy = await openLocalCopy({ ...parts, openPast: pastOpener(room, kafka) }, closers);
    if (copy !== undefined) opened.resolve(true);
  }

  async function forwardOut(): Promise<void> {
    const consumed = async (position: number): Promise<void> => {
      if (intake === undefined) await room.call('broker', 'consumed', position);
      else await intake.consumed(position);
    };
    const parts = { ...data, ...room, kafka, gate, signal, consumed, failed: room.fail };
    forwarder = await openOwnForwarder(parts, closers);
  }

  const linking = Promise.all([copyIn(), forwardOut()]).catch(room.fail);
  return {
    opened: opened.promise,
    get copy() {
      return copy;
    },
    get forwarder() {
      return forwarder;
    },
    stop: () => stopping.abort(),
    async close() {
      await Promise.race([linking, sleep(clock, closeMsMax)]);
      for (const close of closers.splice(0).reverse()) await close();
    },
  };
}

function openDuty(room: Surroundings, kafka: Kafka, gate: StartGate): RegistryDuty {
  const { data, clock, random, telemetry } = room;
  const { cluster, devices, paths } = data;
  const duty = openRegistryDuty({
    kafka,
    cluster,
    devices,
    clock,
    random,
    telemetry,
    path: paths.registry,
    logId: paths.identity.storeId,
    onVersion: async () => {
      // Before its doors are open the broker answers nobody, and looks by itself once they are.
      if (data.ports['broker'] === undefined || !gate.isPassed) return;
      await room.call('broker', 'registryChanged');
    },
    onFailed: room.fail,
  });
  duty.joined.then(() => tellJoined(data.ends.joined), room.fail);
  return duty;
}

async function openIntake(room: Surroundings, gate: StartGate) {
  const { data, clock, random, telemetry } = room;
  const readings = await openLogWriter({
    fileSystem: openNodeFileSystem(),
    directory: data.paths.readings,
    name: 'readings',
    config: data.log,
    retention: data.log.readings,
    clock,
    random,
    telemetry,
    durableEnd: createDurableEnd(data.ends.readings),
    lock: takeOwnerLock,
  });
  const forwardedEnd = createDurableEnd(data.ends.forwarded);
  const replicated = { forwardedEnd, clock, waitMsMax: data.cluster.forward.ackWaitMsMax };
  gate.tellEnd(readings.durableEnd.get());
  const passed = gate.pass();
  const calls = readingsCalls(readings, createDurableEnd(data.ends.observations));
  const rounds = repeatRetention(clock, calls.retain, (error) =>
    telemetry.logger.warn({ error }, 'retention could not delete; it is tried again'),
  );
  return {
    async append(reading: Reading) {
      await passed;
      const payload = new Uint8Array(reading.payload);
      const position = await keepReading(readings, { ...reading, payload });
      if (data.cluster.ack === 'replicated') await untilReplicated(replicated, position);
      return position;
    },
    consumed: calls.consumed,
    async close() {
      rounds.stop();
      await readings.close();
    },
  };
}

function pastOpener({ data, clock }: Surroundings, kafka: Kafka) {
  const { cluster } = data;
  const { influx } = cluster;
  return (registry: RegistryReader): Past | undefined =>
    influx && openPast({ kafka, registry, clock, influx, cluster, readText });
}

/**
 * Never a reason not to take readings: Kafka may be away for long. One that only answers waits until
 * it has what the others have, or until it is known that it cannot be had now.
 */
function healthOf({ copy, forwarder }: Links, takesReadings: boolean) {
  const isReady = takesReadings || copy?.isSettled === true;
  return {
    room: 'link',
    isReady,
    reasons: isReady ? [] : ['observations of the cluster are being copied'],
    copyLag: copy?.lag ?? null,
    copyProblem: copy?.problem ?? null,
    forwarded: forwarder?.position ?? null,
  };
}

await runRoom(openLinkRoom);
