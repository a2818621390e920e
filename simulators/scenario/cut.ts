/**
 * `kill -9` in the middle of every kind of stream. Who reads a list must see that its part is not
 * whole, and who follows changes must go on without gap or repeat. At the end each list is what a
 * download of the same moment gives that nobody cut, and each follower has all changes in order.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, type Clock } from '../../devices/clock.ts';
import { openSystemClock } from '../../devices/clock-system.ts';
import { createSeededRandom } from '../../devices/random.ts';
import { readBalance } from '../load/balance.ts';
import { startLoad } from '../load/run.ts';
import { startDownload, type Download } from './cut-downloads.ts';
import {
  followEvents,
  followMessages,
  followMqtt,
  followPages,
  receiveHooks,
  type Follower,
} from './cut-followers.ts';
import { provisionLoad } from './network.ts';
import { startServerProcess, type ServerPorts, type ServerProcess } from './server-process.ts';

export interface CutOptions {
  readonly rounds: number;
  readonly devices: number;
  /** Messages a second. */
  readonly rate: number;
  /** Messages a second before the first follower comes, for so many seconds. */
  readonly warmRate: number;
  readonly warmSeconds: number;
  readonly seed: number;
  readonly tell: (line: string) => void;
}

export interface CutOutcome {
  readonly kills: number;
  readonly changes: number;
  readonly followers: Readonly<
    Record<
      string,
      {
        readonly breaks: number;
        readonly changes: number;
        readonly missing: number;
        readonly repeated: number;
        readonly isInOrder: boolean;
      }
    >
  >;
  /** Deliveries of changes that were repeated: a webhook promises at least once. */
  readonly webhookRepeats: number;
  readonly lists: Readonly<
    Record<string, { readonly cuts: number; readonly rows: number; readonly isEqual: boolean }>
  >;
}

const rowsPerPart = 50_000;
const slowMs = 10;
const catchUpMsMax = 120_000;

export async function runCut(options: CutOptions): Promise<CutOutcome> {
  const clock = openSystemClock();
  const random = createSeededRandom(options.seed);
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-cut-'));
  const dataDir = join(folder, 'data');
  const config = join(folder, 'cut.json');
  writeFileSync(config, JSON.stringify({ api: { hooksLoopback: true, hooksRetryMsMin: 100 } }));
  const flags = ['--config', config];
  let server: ServerProcess | undefined;
  const followers: Follower[] = [];
  try {
    const secrets = await provisionLoad(dataDir, options.devices);
    server = await startServerProcess({ dataDir, flags });
    const { ports } = server;
    const zero = await oldestCursor(ports);
    const shared = { host: '127.0.0.1', port: () => ports.mqttPort, clock, secrets, window: 20 };
    const mix = { seed: options.seed, qos2Share: 0, duplicateShare: 0.02 };
    const warm = startLoad({ ...shared, ...mix, rate: options.warmRate });
    await sleep(clock, options.warmSeconds * 1_000);
    await warm.finish(20_000);
    warm.close();
    await sleep(clock, 1_000);
    const asOf = new Date(clock.now() - 1_000).toISOString();
    const load = startLoad({ ...shared, ...mix, seed: options.seed + 1, rate: options.rate });
    const hook = await receiveHooks();
    await subscribe(ports, hook.url, zero);
    for (const follow of [followPages, followEvents, followMessages, followMqtt]) {
      followers.push(follow(ports, zero));
    }
    const streams = [...followers];
    followers.push(hook);
    const downloads = (['json', 'ndjson', 'csv'] as const).map((format) =>
      startDownload({ format, url: listUrl(ports, format, asOf), clock, slowMs }),
    );
    for (let kills = 1; kills <= options.rounds; kills += 1) {
      await Promise.all(streams.map((follower) => follower.open()));
      await sleep(clock, 300 + random.next() * 2_000);
      await server.kill();
      await sleep(clock, 100);
      for (const follower of streams) follower.close();
      server = await startServerProcess({ dataDir, flags, ports });
      options.tell(`${kills} kills; ${countsOf(followers, downloads)}`);
    }
    await Promise.all(streams.map((follower) => follower.open()));
    await load.finish(20_000);
    load.close();
    await Promise.all(downloads.map(({ done }) => done));
    const api = `http://127.0.0.1:${ports.httpPort}`;
    while ((await readBalance(api)).readingsInFlight > 0) await sleep(clock, 50);
    // Decided is not shown yet.
    await sleep(clock, 1_000);
    const whole = await allCursors(ports, zero);
    await untilHeld(clock, followers, whole.length);
    const fresh = startDownload({
      format: 'json',
      url: listUrl(ports, 'json', asOf),
      clock,
      slowMs: 0,
    });
    await fresh.done;
    return {
      kills: options.rounds,
      changes: whole.length,
      followers: Object.fromEntries(followers.map((each) => [each.name, auditOf(each, whole)])),
      webhookRepeats: hook.repeats,
      lists: Object.fromEntries(
        downloads.map(({ format, cuts, ids }) => [
          format,
          { cuts, rows: ids.length, isEqual: isSame(ids, fresh.ids) },
        ]),
      ),
    };
  } finally {
    for (const follower of followers) follower.close();
    await server?.kill();
    rmSync(folder, { recursive: true });
  }
}

function countsOf(followers: readonly Follower[], downloads: readonly Download[]): string {
  return [
    ...followers.map(({ name, cursors }) => `${name} ${cursors.length}`),
    ...downloads.map(({ format, ids, cuts }) => `${format} ${ids.length} rows, ${cuts} cuts`),
  ].join(', ');
}

function listUrl(ports: ServerPorts, format: string, asOf: string): string {
  const query = `format=${format}&limit=${rowsPerPart}&asOf=${encodeURIComponent(asOf)}`;
  return `http://127.0.0.1:${ports.httpPort}/api/v1/observations?${query}`;
}

interface Page {
  readonly changes: readonly { readonly cursor: string }[];
  readonly next: string;
  readonly atEnd: boolean;
}

async function readPage(ports: ServerPorts, query: string): Promise<Page> {
  const answer = await fetch(`http://127.0.0.1:${ports.httpPort}/api/v1/changes?${query}`);
  return (await answer.json()) as Page;
}

async function oldestCursor(ports: ServerPorts): Promise<string> {
  return (await readPage(ports, 'limit=1')).next;
}

async function allCursors(ports: ServerPorts, zero: string): Promise<string[]> {
  const cursors: string[] = [];
  let after = zero;
  for (;;) {
    const page = await readPage(ports, `limit=10000&after=${after}`);
    for (const { cursor } of page.changes) cursors.push(cursor);
    if (page.atEnd) return cursors;
    after = page.next;
  }
}

async function subscribe(ports: ServerPorts, url: string, after: string): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${ports.httpPort}/api/v1/webhooks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url, after }),
  });
  if (answer.status !== 201) throw new Error(`the webhook was refused: ${await answer.text()}`);
}

/** A follower that is still short of something by then is short of it for good. */
async function untilHeld(
  clock: Clock,
  followers: readonly Follower[],
  changes: number,
): Promise<void> {
  const untilMs = clock.monotonicMs() + catchUpMsMax;
  while (followers.some(({ cursors }) => cursors.length < changes)) {
    if (clock.monotonicMs() > untilMs) return;
    await sleep(clock, 200);
  }
}

function auditOf(follower: Follower, whole: readonly string[]) {
  const held = new Set(follower.cursors);
  const missing = whole.filter((cursor) => !held.has(cursor)).length;
  const repeated = follower.cursors.length - held.size;
  const isInOrder = missing > 0 || repeated > 0 || isSame(follower.cursors, whole);
  return {
    breaks: follower.breaks,
    changes: follower.cursors.length,
    missing,
    repeated,
    isInOrder,
  };
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, index) => text === other[index]);
}
