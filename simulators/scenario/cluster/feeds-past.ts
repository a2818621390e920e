/**
 * Both apis with a view that begins at a horizon: their clocks are put forward, so that all that was
 * measured is older than they hold, and is asked of InfluxDB. The publishing node keeps what it made
 * and loses its copy; the other node is new.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { loadDeviceIds } from '../../load/network.ts';
import {
  checkCitations,
  checkCursors,
  checkElsewhere,
  checkFiles,
  checkJoin,
  untilFiles,
  type Cited,
} from './feeds-files.ts';
import { get, must, settle, untilSo, type Ground } from './feeds-ground.ts';
import { compareLists, listPaths, presentPaths, type Compared } from './feeds-lists.ts';
import { checkMirror, readHeads } from './feeds-proof.ts';
import { hoursOf, monthBefore, send, type MonthSpan } from './feeds-readings.ts';
import { apiOf } from './measures.ts';

export interface PastOptions {
  readonly span: MonthSpan;
  /** A moment of before, and what was said of it then. */
  readonly asOf: string;
  readonly before: Compared;
  /** Names of the files that there were. */
  readonly files: readonly string[];
  readonly zero: string;
  readonly copy: string;
  readonly cited: readonly Cited[];
}

/** The month of now has ended by then. */
const aheadMs = 35 * 86_400_000;
const readyMsMax = 60_000;

export async function beginAtHorizon(ground: Ground): Promise<{ readonly readyMs: number }> {
  const { publisher, apis, settings, balancer, cluster } = ground;
  settings.clockShiftMs = aheadMs;
  settings.isTold = false;
  for (const node of apis) await node.stop();
  for (const name of ['observations', 'view.db', 'view.db-wal', 'view.db-shm']) {
    rmSync(join(publisher.dataDir, name), { recursive: true, force: true });
  }
  await publisher.start();
  const added = await ground.addApi();
  ground.apis = [publisher, added];
  balancer.targets = ground.apis.map(apiOf);
  const readyMs = await untilSo(ground, readyMsMax, async () => {
    const given = await Promise.all(ground.apis.map((node) => get(`${apiOf(node)}/readyz`)));
    return given.every(({ status }) => status === 200);
  });
  must(ground, 'nodes that begin at a horizon are ready', readyMs !== undefined);
  await checkElsewhere(ground, 503);
  settings.isTold = true;
  await added.stop();
  await added.start();
  await settle(ground);
  await checkElsewhere(ground, 307);
  must(ground, 'no node ended by itself', cluster.deaths.length === 0);
  return { readyMs: readyMs ?? readyMsMax };
}

/** New values and late ones, which now lie over what InfluxDB has. */
export async function tryFresh(
  ground: Ground,
  { span, devices, copy }: Pick<PastOptions, 'span' | 'copy'> & { readonly devices: number },
): Promise<Readonly<Record<string, unknown>>> {
  const nowAt = ground.clock.now();
  const late = hoursOf(span).filter((_, hour) => hour % 100 === 50);
  const ats = [...late, nowAt, nowAt + 1_000];
  const sent = await send(
    ground,
    loadDeviceIds(devices).map((device, broker) => ({ device, ats, broker, turn: 40 })),
  );
  await settle(ground);
  const paths = [...listPaths(span, undefined), ...presentPaths()];
  const { addresses } = await compareLists(ground, 'fresh', paths);
  const index = await untilFiles(ground, [span.month]);
  const found = await checkFiles(ground, index);
  const joined = await checkJoin(ground, index, found);
  return { sent, addresses, rows: found.rows, joined, proof: await checkMirror(ground, copy) };
}

export async function tryPast(
  ground: Ground,
  options: PastOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const { span, asOf, before, files, zero, copy, cited } = options;
  const gone = await checkCursors(ground, [zero]);
  must(ground, `the view begins at a horizon: ${JSON.stringify(gone)}`, gone['410'] === 1);
  const now = await compareLists(ground, 'past', listPaths(span, asOf));
  for (const [path, body] of before.bodies) {
    must(ground, `past ${path}: as it was before`, now.bodies.get(path) === body);
  }
  const present = await compareLists(ground, 'past', presentPaths());
  const months = [span.month, monthBefore(ground.clock.now(), 0).month];
  const index = await untilFiles(ground, months);
  const kept = index.items.filter(({ name }) => files.includes(name));
  const found = await checkFiles(ground, index);
  const proof = await checkMirror(ground, copy);
  const heads = await readHeads(ground);
  await checkCitations(ground, cited);
  return {
    addresses: now.addresses + present.addresses,
    bytes: now.bytes + present.bytes,
    files: found.files,
    rows: found.rows,
    filesBefore: files.length,
    filesKept: kept.length,
    joined: await checkJoin(ground, index, found),
    cursorsOfFiles: await checkCursors(
      ground,
      index.items.map(({ cursor }) => cursor),
    ),
    cursorsOfManifests: await checkCursors(
      ground,
      heads.map(({ cursor }) => cursor),
    ),
    proof,
  };
}
