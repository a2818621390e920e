/**
 * A thousand followers of changes by server-sent events and two hundred by MQTT, one in ten of each
 * frozen: it asks for everything from the beginning, and then reads nothing. What the others are told
 * must come in time, and the server's memory must not grow with those who do not read.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { sleep, type Clock } from '../../devices/clock.ts';
import { openSystemClock } from '../../devices/clock-system.ts';
import { residentMegabytes, threadCpuSeconds } from '../bench/process-figures.ts';
import { readBalance } from '../load/balance.ts';
import { Latencies } from '../load/latency.ts';
import { startLoad } from '../load/run.ts';
import { anonymousConnect, subscribePacket } from '../load/wire.ts';
import { provisionLoad } from './network.ts';
import { startServerProcess, type ServerPorts, type ServerProcess } from './server-process.ts';

export interface FollowersOptions {
  readonly sse: number;
  readonly mqtt: number;
  /** One in so many is frozen. */
  readonly frozenOneIn: number;
  readonly devices: number;
  /** Messages a second while they follow; each is seven changes for every follower. */
  readonly rate: number;
  readonly seconds: number;
  readonly seed: number;
  readonly tell: (line: string) => void;
}

export interface FollowersOutcome {
  readonly sse: Share;
  readonly mqtt: Share;
  readonly changes: number;
  readonly frozenOpened: number;
  /** Frozen ones that the server had cut by the end. */
  readonly frozenCut: number;
  /** Others that the server cut. */
  readonly othersCut: number;
  /** Whom the server would not have follow. */
  readonly refused: number;
  readonly residentMegabytes: {
    readonly alone: number;
    readonly followed: number;
    readonly frozen: number;
    readonly end: number;
    readonly peak: number;
  };
  readonly threadSeconds: Readonly<Record<string, number>>;
}

interface Share {
  readonly followers: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly told: number;
}

/** Followers whose changes are aged: to read all of them would take the machine that serves them. */
const agedOneIn = 10;
/** One address may have a hundred followers over MQTT: of 127.0.0.0/8. */
const addressOf = (index: number): string => `127.0.0.${2 + (index % 10)}`;
/** Before the first follower comes, so that the frozen ones have something not to read. */
const warmMessages = 20_000;
const warmRate = 4_000;

export async function runFollowers(options: FollowersOptions): Promise<FollowersOutcome> {
  const clock = openSystemClock();
  const dataDir = mkdtempSync(join(tmpdir(), 'quantrac-followers-'));
  let server: ServerProcess | undefined;
  try {
    const secrets = await provisionLoad(dataDir, options.devices);
    server = await startServerProcess({ dataDir });
    const { ports, pid } = server;
    const zero = await oldestCursor(ports);
    const shared = { host: '127.0.0.1', port: () => ports.mqttPort, clock, secrets, window: 20 };
    const mix = { seed: options.seed, qos2Share: 0, duplicateShare: 0 };
    const warm = startLoad({ ...shared, ...mix, rate: warmRate });
    await sleep(clock, (warmMessages / warmRate) * 1_000);
    await warm.finish(20_000);
    warm.close();
    await settled(ports, clock);
    const memory = () => Math.round(residentMegabytes(pid).now);
    const alone = memory();
    const aged = { sse: new Latencies(), mqtt: new Latencies() };
    const streams = await openAll(options, ports, zero);
    for (const { stream, kind, isFrozen, index } of streams) {
      stream.on('error', () => stream.destroy());
      if (isFrozen) continue;
      if (index % agedOneIn === 0) age(stream, aged[kind]);
      stream.resume();
    }
    options.tell(`${streams.length} followers`);
    await sleep(clock, 2_000);
    const followed = memory();
    const load = startLoad({ ...shared, ...mix, seed: options.seed + 1, rate: options.rate });
    await sleep(clock, (options.seconds * 1_000) / 2);
    const frozen = memory();
    await sleep(clock, (options.seconds * 1_000) / 2);
    const end = memory();
    await load.finish(20_000);
    const { acknowledged } = load.ledger.totals();
    load.close();
    await sleep(clock, 1_000);
    const threadSeconds = threadCpuSeconds(pid);
    const { frozenCut, othersCut, refused } = await readCuts(ports);
    for (const { stream } of streams) stream.destroy();
    const frozenOpened = streams.filter(({ isFrozen }) => isFrozen).length;
    return {
      sse: shareOf(aged.sse, options.sse),
      mqtt: shareOf(aged.mqtt, options.mqtt),
      changes: acknowledged * channelsPerMessage,
      frozenOpened,
      frozenCut,
      othersCut,
      refused,
      residentMegabytes: {
        alone,
        followed,
        frozen,
        end,
        peak: Math.round(residentMegabytes(pid).peak),
      },
      threadSeconds,
    };
  } finally {
    await server?.kill();
    rmSync(dataDir, { recursive: true });
  }
}

/** What was published before the followers came shall not be told to them as new. */
async function settled(ports: ServerPorts, clock: Clock): Promise<void> {
  const api = `http://127.0.0.1:${ports.httpPort}`;
  while ((await readBalance(api)).readingsInFlight > 0) await sleep(clock, 100);
  await sleep(clock, 1_000);
}

/** As the server counts them: a socket that is not read tells nothing of its end. */
async function readCuts(
  ports: ServerPorts,
): Promise<Pick<FollowersOutcome, 'frozenCut' | 'othersCut' | 'refused'>> {
  const text = await (await fetch(`http://127.0.0.1:${ports.httpPort}/metrics`)).text();
  const ended =
    /^quantrac_(?:live_ended|mqtt_change_followers_ended)_total\{[^}]*reason="(\w+)"[^}]*\} (\d+)/gm;
  let frozenCut = 0;
  let othersCut = 0;
  for (const [, reason, count] of text.matchAll(ended)) {
    if (reason === 'frozen') frozenCut += Number(count);
    else othersCut += Number(count);
  }
  const refused = Number(
    /^quantrac_rate_limited_total\{what="followers"\} (\d+)/m.exec(text)?.[1] ?? 0,
  );
  return { frozenCut, othersCut, refused };
}

const channelsPerMessage = 7;

function shareOf(latencies: Latencies, followers: number): Share {
  return {
    followers,
    p50Ms: latencies.percentile(0.5),
    p99Ms: latencies.percentile(0.99),
    maxMs: latencies.percentile(1),
    told: latencies.count,
  };
}

async function oldestCursor(ports: ServerPorts): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${ports.httpPort}/api/v1/changes?limit=1`);
  return ((await answer.json()) as { readonly next: string }).next;
}

interface Opened {
  readonly stream: Readable;
  readonly kind: 'sse' | 'mqtt';
  readonly isFrozen: boolean;
  readonly index: number;
}

async function openAll(
  options: FollowersOptions,
  ports: ServerPorts,
  zero: string,
): Promise<Opened[]> {
  const opened: Opened[] = [];
  const isFrozen = (index: number): boolean => index % options.frozenOneIn === 1;
  for (let index = 0; index < options.sse; index += 1) {
    const stream = await openEvents(ports.httpPort, isFrozen(index) ? zero : 'now');
    opened.push({ stream, kind: 'sse', isFrozen: isFrozen(index), index });
  }
  for (let index = 0; index < options.mqtt; index += 1) {
    const after = isFrozen(index) ? `after/${zero}/` : '';
    const filter = `open/v1/_changes/${after}+/+`;
    const stream = await openMqtt(ports.mqttPort, index, filter);
    opened.push({ stream, kind: 'mqtt', isFrozen: isFrozen(index), index });
  }
  return opened;
}

/** Ages each change that passes by; one may lie across two chunks and is then not counted. */
function age(stream: Readable, latencies: Latencies): void {
  const time = /"phenomenonTime":"([^"]+)"/g;
  stream.on('data', (chunk: Buffer) => {
    const now = Date.now();
    for (const [, text = ''] of chunk.toString('latin1').matchAll(time)) {
      const ageMs = now - Date.parse(text);
      if (Number.isFinite(ageMs)) latencies.add(ageMs);
    }
  });
}

function openEvents(port: number, after: string): Promise<Readable> {
  return new Promise((resolve, reject) => {
    const path = `/api/v1/live?after=${after}`;
    get({ host: '127.0.0.1', port, path, agent: false }, (answer) => {
      if (answer.statusCode === 200) resolve(answer);
      else reject(new Error(`a follower was refused: ${answer.statusCode}`));
    }).on('error', reject);
  });
}

function openMqtt(port: number, index: number, filter: string): Promise<Readable> {
  return new Promise((resolve, reject) => {
    const localAddress = addressOf(index);
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    socket.once('error', reject);
    socket.once('connect', () =>
      socket.write(Buffer.concat([anonymousConnect(`follower-${index}`), subscribePacket(filter)])),
    );
    // From here on it reads what it is asked to: a frozen one nothing.
    socket.once('data', () => resolve(socket.pause()));
  });
}
