/**
 * Ten subscribers of each kind (Server-Sent Events and MQTT), one of each frozen: it subscribes and
 * then reads nothing. The others must not notice, and the server's memory must not grow with it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { sleep } from '../../devices/clock.ts';
import { openSystemClock } from '../../devices/clock-system.ts';
import { residentMegabytes } from '../bench/process-figures.ts';
import { Latencies } from '../load/latency.ts';
import { startLoad } from '../load/run.ts';
import { anonymousConnect, subscribePacket } from '../load/wire.ts';
import { provisionLoad } from './network.ts';
import { startServerProcess, type ServerProcess } from './server-process.ts';

export interface FrozenOptions {
  readonly seconds: number;
  readonly devices: number;
  readonly rate: number;
  readonly seed: number;
  /** Of each kind; the last one is frozen. */
  readonly subscribers: number;
}

export interface FrozenOutcome {
  readonly sse: { readonly p50Ms: number; readonly p99Ms: number; readonly rows: number };
  readonly mqtt: { readonly p50Ms: number; readonly p99Ms: number; readonly rows: number };
  /** Growth of the resident memory in as long a time before the frozen ones came. */
  readonly grownWithoutMegabytes: number;
  /** Growth while they were there. */
  readonly grownMegabytes: number;
  /** Frozen connections that the server has cut by the end. */
  readonly frozenCut: number;
}

/** Ages each row that passes by; a row may lie across two chunks and is then not counted. */
function watch(stream: Readable, latencies: Latencies): void {
  const time = /"phenomenonTime":"([^"]+)"/g;
  stream.on('data', (chunk: Buffer) => {
    const now = Date.now();
    for (const [, text = ''] of chunk.toString('latin1').matchAll(time)) {
      const age = now - Date.parse(text);
      if (Number.isFinite(age)) latencies.add(age);
    }
  });
}

function openSse(port: number): Promise<Readable> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/api/v1/live?after=now' }, resolve).on('error', reject);
  });
}

function openMqtt(port: number, name: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('error', reject);
    socket.once('connect', () =>
      socket.write(Buffer.concat([anonymousConnect(name), subscribePacket('open/v1/#')])),
    );
    socket.once('data', () => resolve(socket));
  });
}

export async function runFrozen(options: FrozenOptions): Promise<FrozenOutcome> {
  const clock = openSystemClock();
  const dataDir = mkdtempSync(join(tmpdir(), 'quantrac-frozen-'));
  let server: ServerProcess | undefined;
  try {
    const secrets = await provisionLoad(dataDir, options.devices);
    server = await startServerProcess({ dataDir });
    const { mqttPort, httpPort } = server.ports;
    const load = startLoad({
      ...options,
      host: '127.0.0.1',
      port: () => mqttPort,
      clock,
      secrets,
      window: 20,
      qos2Share: 0,
      duplicateShare: 0,
    });
    const latencies = { sse: new Latencies(), mqtt: new Latencies() };
    for (let index = 1; index < options.subscribers; index += 1) {
      watch(await openSse(httpPort), latencies.sse);
      watch(await openMqtt(mqttPort, `reader-${index}`), latencies.mqtt);
    }
    await sleep(clock, options.seconds * 1_000);
    const warm = residentMegabytes(server.pid).now;
    await sleep(clock, options.seconds * 1_000);
    const before = residentMegabytes(server.pid).now;
    const frozen = [await openSse(httpPort), await openMqtt(mqttPort, 'reader-frozen')];
    let frozenCut = 0;
    for (const stream of frozen) {
      stream.pause();
      stream.on('error', () => stream.destroy());
    }
    await sleep(clock, options.seconds * 1_000);
    const after = residentMegabytes(server.pid).now;
    await load.finish(20_000);
    load.close();
    for (const stream of frozen) {
      stream.once('close', () => (frozenCut += 1));
      stream.resume();
    }
    await sleep(clock, 2_000);
    const shares = (each: Latencies) => ({
      p50Ms: each.percentile(0.5),
      p99Ms: each.percentile(0.99),
      rows: each.count,
    });
    return {
      sse: shares(latencies.sse),
      mqtt: shares(latencies.mqtt),
      grownWithoutMegabytes: before - warm,
      grownMegabytes: after - before,
      frozenCut,
    };
  } finally {
    await server?.kill();
    rmSync(dataDir, { recursive: true });
  }
}
