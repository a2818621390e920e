import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createSeededRandom } from '../../../devices/random.ts';
import { logConfigSchema } from '../../log/config.ts';
import { createDurableEnd } from '../../log/durable-end.ts';
import { openNodeFileSystem } from '../../log/file-system-node.ts';
import { openLogWriter } from '../../log/segment-log.ts';
import type { ObservationRow } from '../../observation.ts';
import { encodeBatch } from '../../observations/batch-codec.ts';
import { historyOf, type HistoryReader } from '../../store/history.ts';
import { removeView } from '../../store/schema.ts';
import {
  beginAt,
  config,
  dayMs,
  hourMs,
  openHorizonWorld,
  type HorizonWorld,
} from '../horizon.fixture.ts';
import { copyFolder, openCopyNode, type CopyNode } from './node.fixture.ts';
import type { Past } from '../past.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Node extends CopyNode {
  /** Once it holds all batches. */
  level(): Promise<void>;
}

async function openNode(
  world: HorizonWorld,
  folder: string,
  past: Past | undefined,
  forgetEveryMs = 1e9,
): Promise<Node> {
  const { stage } = world;
  const fail = (error: unknown): void => void (stage.failure = error);
  const node = await openCopyNode({
    ...stage,
    config,
    partitions: 1,
    folder,
    past,
    forgetEveryMs,
    fail,
  });
  return { ...node, level: () => node.until([world.batches.length], () => stage.failure) };
}

/** InfluxDB, as far as the world says that it has stored. */
function pastOf(world: HorizonWorld): Past {
  const whole = (): HistoryReader => {
    if (world.state.away !== undefined) throw world.state.away;
    const view = world.whole();
    closers.push(async () => view.close());
    return historyOf(view);
  };
  const history = { newest: async (series) => whole().newest(series) } as Partial<HistoryReader>;
  return {
    history: history as HistoryReader,
    noted: async () => new Map([[0, Math.min(world.state.notedMax, world.batches.length)]]),
    close: () => undefined,
  };
}

/** Twenty days of values, and one series that said its last on the first. */
async function openTwentyDays(): Promise<HorizonWorld> {
  const world = await openHorizonWorld({});
  closers.push(() => world.close());
  for (let hour = 0; hour < 20 * 24; hour += 6) {
    world.state.now = beginAt + hour * hourMs;
    await world.send({
      ts: world.state.now,
      ta: 20 + (hour % 5),
      ...(hour < 12 ? { rh: 60 } : {}),
    });
    await world.settled();
  }
  return world;
}

const folderOf = (world: HorizonWorld): string => copyFolder(world.stage.root);

async function firstKept(node: Node): Promise<number> {
  const reader = await node.openReader();
  try {
    reader.seek(1);
    return (await reader.read(1))[0]?.position ?? 0;
  } finally {
    await reader.close();
  }
}

async function untilFlushed({ view }: Node): Promise<void> {
  while (view.position === 0) {
    await new Promise((resolve) => void setTimeout(resolve, 5));
    view.refresh();
  }
}

async function untilSeeded({ view }: Node): Promise<void> {
  while (!view.horizon.knowsLatest || view.position === 0) {
    await new Promise((resolve) => void setTimeout(resolve, 5));
    view.refresh();
  }
}

describe('a copy that begins at a horizon', () => {
  it('holds what is newer, the latest of all, and goes on where it stands', async () => {
    const world = await openTwentyDays();
    const all = world.batches.length;
    const node = await openNode(world, folderOf(world), pastOf(world));
    await node.level();
    await untilSeeded(node);
    const { knownFromAt, floors } = node.view.horizon;
    expect(floors[0]).toBeGreaterThan(50);
    expect(floors[0]).toBeLessThan(all - 10);
    expect(knownFromAt).toBeLessThan(world.state.now - 2 * dayMs);
    const series = world.registry.current().datastreams.get('rh')!.series;
    const whole = world.whole();
    closers.push(async () => whole.close());
    const told = (row: ObservationRow | undefined) => row && [row.endAt, row.revision, row.result];
    expect(told(node.view.latest(series))).toEqual(told(whole.latest(series)));
    expect(node.copy.isSettled).toBe(true);
    expect(node.copy.problem).toBe(null);
    await node.close();
    world.state.away = new Error('nobody is asked');
    await world.send({ ts: world.state.now + 1, ta: 21 });
    await world.settled();
    const again = await openNode(world, node.folder, pastOf(world));
    await again.level();
    expect(again.view.horizon.floors).toEqual(floors);
    await again.close();
  });

  it('has the latest of who is silent when InfluxDB is back', async () => {
    const world = await openTwentyDays();
    world.state.away = new Error('InfluxDB is away');
    const node = await openNode(world, folderOf(world), pastOf(world));
    await node.level();
    expect(node.view.horizon.knowsLatest).toBe(false);
    await node.close();
    world.state.away = undefined;
    const again = await openNode(world, node.folder, pastOf(world));
    await untilSeeded(again);
    expect(again.view.latest(world.registry.current().datastreams.get('rh')!.series)).toBeDefined();
    await again.close();
  });

  it('lets go of what lies before as time goes on, in its view and in its log', async () => {
    const world = await openTwentyDays();
    const node = await openNode(world, folderOf(world), pastOf(world), 50);
    await node.level();
    await untilSeeded(node);
    const before = node.view.horizon.knownFromAt;
    const days = 12;
    for (let hour = 0; hour < days * 24; hour += 2) {
      world.state.now += 2 * hourMs;
      await world.send({ ts: world.state.now, ta: 20, rh: hour % 7 });
      await world.settled();
    }
    await node.level();
    const series = world.registry.current().datastreams.get('ta') ?? { series: 0 };
    const held = (): number =>
      node.view.range({ ...series, fromAt: 0, toAt: before + dayMs, order: 'asc', limit: 1 })
        .length;
    const isDone = async (): Promise<boolean> => {
      const { knownFromAt } = node.view.horizon;
      return held() === 0 && knownFromAt === before + days * dayMs && (await firstKept(node)) > 1;
    };
    const startMs = performance.now();
    while (!(await isDone())) {
      node.view.refresh();
      if (performance.now() - startMs > 60_000) throw new Error('it keeps what is old');
      await new Promise((resolve) => void setTimeout(resolve, 20));
    }
    const { floors } = node.view.horizon;
    await node.close();
    const again = await openNode(world, node.folder, pastOf(world));
    await again.level();
    expect(again.view.horizon.floors).toEqual(floors);
    await again.close();
  });

  it('begins anew where its folder ends before the horizon, and nowhere else', async () => {
    const world = await openTwentyDays();
    const whole = await openNode(world, folderOf(world), undefined);
    await whole.level();
    expect(whole.view.horizon.floors).toEqual([]);
    await whole.close();
    const kept = await openNode(world, whole.folder, pastOf(world));
    expect(kept.view.horizon.floors).toEqual([]);
    await kept.close();
    for (let day = 1; day <= 8; day++) {
      world.state.now += dayMs;
      await world.send({ ts: world.state.now, ta: 20 });
      await world.settled();
    }
    const anew = await openNode(world, whole.folder, pastOf(world));
    await anew.level();
    expect(anew.view.horizon.floors[0]).toBeGreaterThan(80);
    await anew.close();
  });

  it('begins anew where nobody knows any more what its log lacks', async () => {
    const world = await openTwentyDays();
    const node = await openNode(world, folderOf(world), pastOf(world));
    await node.level();
    await node.close();
    const view = join(node.folder, 'view.db');
    removeView(view);
    const again = await openNode(world, node.folder, pastOf(world));
    await again.level();
    expect(again.view.horizon.floors).toEqual(node.view.horizon.floors);
    await again.close();
    removeView(view);
    expect(existsSync(view)).toBe(false);
    rmSync(join(node.folder, 'observations'), { recursive: true });
    const fresh = await openNode(world, node.folder, pastOf(world));
    await fresh.level();
    expect(fresh.view.horizon.floors).toEqual(node.view.horizon.floors);
    await fresh.close();
  });
});

async function writeLogOfOneMachine(world: HorizonWorld, folder: string): Promise<void> {
  const { clock, telemetry } = world.stage;
  const log = await openLogWriter({
    fileSystem: openNodeFileSystem(),
    directory: join(folder, 'observations'),
    name: 'observations',
    config: logConfigSchema.parse({}),
    clock,
    random: createSeededRandom(1),
    telemetry,
    durableEnd: createDurableEnd(),
    lock: null,
  });
  const body = encodeBatch(world.batches[0]!);
  await new Promise<void>((resolve) => {
    log.append(
      body.length,
      (target, at) => target.set(body, at),
      () => resolve(),
    );
  });
  await log.close();
}

describe('a copy whose folder was left in the middle of giving it up', () => {
  const losses = ({ stage }: HorizonWorld): number =>
    stage.telemetry.value('quantrac_copy_losses_total');

  it.each([['asked elsewhere'], ['held']])(
    'begins anew where the view is left without its log, the past being %s',
    async (where) => {
      const world = await openTwentyDays();
      const past = where === 'held' ? undefined : pastOf(world);
      const node = await openNode(world, folderOf(world), past);
      await node.level();
      await untilFlushed(node);
      await node.close();
      rmSync(join(node.folder, 'observations'), { recursive: true });
      const again = await openNode(world, node.folder, past);
      await again.level();
      expect(again.view.horizon.floors).toEqual(node.view.horizon.floors);
      expect(losses(world)).toBe(1);
      await again.close();
      const kept = await openNode(world, node.folder, past);
      await kept.level();
      expect(losses(world)).toBe(1);
      await kept.close();
    },
  );

  it('never opens a log of which a part is deleted, and lets go of what is left of it', async () => {
    const world = await openTwentyDays();
    const node = await openNode(world, folderOf(world), pastOf(world));
    await node.level();
    await node.close();
    const log = join(node.folder, 'observations');
    const givenUp = join(node.folder, 'observations.given-up');
    cpSync(log, givenUp, { recursive: true });
    rmSync(join(givenUp, readdirSync(givenUp)[0]!));
    rmSync(log, { recursive: true });
    removeView(join(node.folder, 'view.db'));
    const again = await openNode(world, node.folder, pastOf(world));
    await again.level();
    expect(again.view.horizon.floors).toEqual(node.view.horizon.floors);
    expect(existsSync(givenUp)).toBe(false);
    await again.close();
  });

  it('leaves the log of one machine as it is, though no view says whose it is', async () => {
    const world = await openTwentyDays();
    const folder = folderOf(world);
    await writeLogOfOneMachine(world, folder);
    const segment = join(folder, 'observations', '0000000000000001.segment');
    const before = readFileSync(segment);
    const opening = openNode(world, folder, pastOf(world));
    await expect(opening).rejects.toMatchObject({ code: 'INGEST_COPY_FOREIGN' });
    expect(readFileSync(segment).equals(before)).toBe(true);
  });
});
