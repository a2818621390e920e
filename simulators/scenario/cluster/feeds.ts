/**
 * The open feeds on a cluster, over the wire, as strangers use them: two apis behind a load balancer,
 * one of which publishes what exists once. Changes through every door, lists and maps, grants and
 * embargoes, files, manifests, citations and webhooks, kills of the publishing node, and at last the
 * same with views that begin at a horizon.
 */
import { join } from 'node:path';
import { sleep } from '../../../devices/clock.ts';
import { tryEmbargo, tryGrant } from './feeds-access.ts';
import {
  compareCursors,
  compareDoors,
  doors,
  followDoors,
  resumeElsewhere,
} from './feeds-doors.ts';
import {
  checkCitations,
  checkCursors,
  checkElsewhere,
  checkFiles,
  checkJoin,
  checkWebhook,
  cite,
  openWebhook,
  untilFiles,
  type Cited,
} from './feeds-files.ts';
import { must, openGround, settle, type FeedsOptions, type Ground } from './feeds-ground.ts';
import { killWhileFiles, killWhileManifest } from './feeds-kills.ts';
import { compareLists, listPaths, presentPaths } from './feeds-lists.ts';
import { beginAtHorizon, tryFresh, tryPast } from './feeds-past.ts';
import { checkMirror, makeManifest, mirrorOnce, readHeads, refuseManifest } from './feeds-proof.ts';
import {
  importNetwork,
  monthBefore,
  sendMonth,
  sendNow,
  type MonthSpan,
} from './feeds-readings.ts';
import { endCursor } from './followers.ts';
import { apiOf } from './measures.ts';

export interface FeedsOutcome {
  readonly held: boolean;
  readonly figures: Readonly<Record<string, unknown>>;
}

const nowMs = 2_000;

export async function runFeeds(options: FeedsOptions): Promise<FeedsOutcome> {
  const ground = await openGround(options);
  const figures: Record<string, unknown> = { seed: options.seed };
  const { clock } = ground;
  const beginMs = clock.monotonicMs();
  const part = async <Figure>(name: string, work: () => Promise<Figure>): Promise<Figure> => {
    const sinceMs = clock.monotonicMs();
    const figure = await work();
    const seconds = Math.round((clock.monotonicMs() - sinceMs) / 100) / 10;
    options.tell(`${name}: ${seconds} s, ${JSON.stringify(figure)}`);
    figures[name] = figure;
    return figure;
  };
  try {
    await play(ground, options, part);
    must(ground, ground.cluster.deaths.join(), ground.cluster.deaths.length === 0);
    const { broken, balancer } = ground;
    const seconds = Math.round((clock.monotonicMs() - beginMs) / 1_000);
    const balanced = [...balancer.taken.values()];
    return {
      held: broken.length === 0,
      figures: { ...figures, balanced, seconds, broken },
    };
  } finally {
    await ground.close();
  }
}

type Part = <Figure>(name: string, work: () => Promise<Figure>) => Promise<Figure>;

async function play(ground: Ground, options: FeedsOptions, part: Part): Promise<void> {
  const { devices } = options;
  const { clock, publisher } = ground;
  await importNetwork(ground, publisher, { devices });
  await settle(ground);
  const zero = await endCursor(apiOf(publisher));
  const scene: Scene = {
    devices,
    kills: options.kills,
    zero,
    span: monthBefore(clock.now(), 1),
    copy: join(ground.folder, 'copy'),
  };
  await playChanges(ground, scene, part);
  const { span } = scene;
  const present = [...listPaths(span, undefined), ...presentPaths()];
  await part('lists', async () => withoutBodies(await compareLists(ground, 'now', present)));
  const asOf = new Date(clock.now()).toISOString();
  const before = await compareLists(ground, 'asOf', listPaths(span, asOf));
  await part('asOf', async () => withoutBodies(before));
  await part('grant', () => tryGrant(ground));
  await part('embargo', () => tryEmbargo(ground, devices));
  await settle(ground);
  const made = await playPublished(ground, scene, part);
  await part('horizon', () => beginAtHorizon(ground));
  await part('past', () => tryPast(ground, { ...scene, ...made, asOf, before }));
  await part('fresh', () => tryFresh(ground, scene));
}

interface Scene {
  readonly devices: number;
  readonly kills: number;
  readonly span: MonthSpan;
  /** Behind which everything is measured. */
  readonly zero: string;
  /** Folder of a mirror that follows all along. */
  readonly copy: string;
}

async function playChanges(ground: Ground, scene: Scene, part: Part): Promise<void> {
  const { clock } = ground;
  const { devices, span, zero, copy } = scene;
  const hook = await openWebhook(ground, zero);
  const names = [...Object.keys(doors).map((name) => [name]), Object.keys(doors)];
  const followers = names.map((some) => followDoors(ground, some, zero));
  await part('sent', async () => {
    const month = await sendMonth(ground, span, devices);
    const now = sendNow(ground, devices);
    await makeManifest(ground);
    await mirrorOnce(ground, copy);
    await sleep(clock, nowMs);
    return { ...month, now: await now.stop() };
  });
  await settle(ground);
  const told = await part('doors', () => compareDoors(ground, zero, followers));
  await part('resumed', () => resumeElsewhere(ground, zero, followers));
  await part('cursors', () => compareCursors(ground, zero));
  await part('webhook', () => checkWebhook(ground, hook, told.changes));
  hook.close();
}

async function playPublished(
  ground: Ground,
  { devices, kills, span, copy }: Scene,
  part: Part,
): Promise<{ readonly files: readonly string[]; readonly cited: readonly Cited[] }> {
  await part('elsewhere', () => checkElsewhere(ground, 307));
  await refuseManifest(ground);
  const index = await untilFiles(ground, [span.month]);
  const found = await checkFiles(ground, index);
  await part('files', async () => ({
    files: found.files,
    rows: found.rows,
    joined: await checkJoin(ground, index, found),
  }));
  const file = index.items[0]?.url ?? '';
  const cited = await cite(ground, [
    '/api/v1/observations.csv?station=load-00001',
    new URL(file, ground.balancer.url).pathname,
  ]);
  await part('proof', () => checkMirror(ground, copy));
  const killing = { rounds: kills, devices, span };
  await part('killedInFiles', () => killWhileFiles(ground, killing));
  await part('killedInManifests', () => killWhileManifest(ground, killing));
  await part('proofBehindKills', () => checkMirror(ground, copy));
  const { items } = await untilFiles(ground, [span.month]);
  const heads = await readHeads(ground);
  const cursors = [...items, ...heads].map(({ cursor }) => cursor);
  await part('cursorsOfPublished', () => checkCursors(ground, cursors));
  await part('citations', () => checkCitations(ground, cited));
  return { files: items.map(({ name }) => name), cited };
}

function withoutBodies({
  addresses,
  bytes,
  unchanged,
}: Readonly<Record<'addresses' | 'bytes' | 'unchanged', number>>) {
  return { addresses, bytes, unchanged };
}
