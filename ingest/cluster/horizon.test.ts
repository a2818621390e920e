import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import {
  beginAt,
  dayMs,
  hourMs,
  openHorizonWorld,
  type HorizonWorld,
  type HorizonWorldOptions,
} from './horizon.fixture.ts';
import { play, saidBy, steps } from './horizon-steps.fixture.ts';

const opened: HorizonWorld[] = [];

async function openWorld(options: HorizonWorldOptions): Promise<HorizonWorld> {
  const world = await openHorizonWorld(options);
  opened.push(world);
  return world;
}

async function closeAll(): Promise<void> {
  for (const world of opened.splice(0)) await world.close();
}
afterEach(closeAll);

describe('a partition whose view begins at a horizon', () => {
  it('decides as one that keeps everything: same rows, revisions, digest, totals', async () => {
    let asked = 0;
    let forgotten = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 40, maxLength: 90 }), async (all) => {
        const worlds = [
          await openWorld({ lengthMs: 3 * dayMs, forgetEveryMs: 10 }),
          await openWorld({}),
        ];
        for (const world of worlds) await play(world, all);
        const [with_, without] = [await saidBy(worlds[0]!), await saidBy(worlds[1]!)];
        expect(with_).toEqual(without);
        asked += worlds[0]!.state.asked;
        forgotten += worlds[0]!.state.forgotten;
        await closeAll();
      }),
      { numRuns: 12 },
    );
    expect(asked).toBeGreaterThan(0);
    expect(forgotten).toBeGreaterThan(0);
  });

  it('does not read what lies before, and asks for a day once', async () => {
    const world = await openWorld({ lengthMs: 4 * dayMs });
    for (let hour = 0; hour < 20 * 24; hour += 4) {
      world.state.now = beginAt + hour * hourMs;
      await world.send({ ts: world.state.now, ta: 20 + (hour % 5) });
      await world.settled();
    }
    const before = world.batches.length;
    await world.reopen(true);
    expect(before).toBeGreaterThan(100);
    const late = beginAt + 3 * dayMs + 30 * 60_000;
    await world.send({ ts: late, ta: 21 });
    await world.settled();
    const { asked } = world.state;
    expect(asked).toBeGreaterThan(0);
    await world.send({ ts: late, ta: 21 });
    await world.send({ ts: late + hourMs, ta: 22 });
    await world.settled();
    expect(world.state.asked).toBe(asked);
    expect(world.worker.ingest.stats.totals.measurementsDuplicate).toBe(1);
    await world.reopen(false);
    const behindOpening = world.state.asked;
    await world.send({ ts: late + 2 * hourMs, ta: 22 });
    await world.settled();
    expect(world.state.asked).toBe(behindOpening);
  });

  it('sets a reading aside while what it needs is away, and a replay mends it', async () => {
    const [world, whole] = [await openWorld({ lengthMs: 4 * dayMs }), await openWorld({})];
    for (const each of [world, whole]) {
      for (let hour = 0; hour < 10 * 24; hour += 6) {
        each.state.now = beginAt + hour * hourMs;
        await each.send({ ts: each.state.now, ta: 20 + (hour % 5) });
        await each.settled();
      }
    }
    await world.reopen(true);
    const message = { ts: beginAt + dayMs + 60_000, ta: 28 };
    world.state.away = new Error('InfluxDB is away');
    const position = await world.send(message);
    await whole.send(message);
    await world.send({ ts: world.state.now + 60_000, ta: 21 });
    await whole.send({ ts: whole.state.now + 60_000, ta: 21 });
    await Promise.all([world.settled(), whole.settled()]);
    expect(world.worker.ingest.stats.totals.readingsQuarantined).toBe(1);
    expect(world.batches.at(-1)!.quarantined.concat(world.batches.at(-2)!.quarantined)).toEqual([
      expect.objectContaining({ position, code: 'INGEST_HISTORY_AWAY', channel: null }),
    ]);
    const replay = { kind: 'replay', door: 'internal' } as const;
    await world.send({ position }, replay);
    await world.settled();
    expect(world.batches.at(-1)!.control[0]!.text).toContain('not replayed, INGEST_HISTORY_AWAY');
    world.state.away = undefined;
    await new Promise((resolve) => void setTimeout(resolve, 450));
    await world.send({ position }, replay);
    await world.settled();
    expect(world.batches.at(-1)!.control[0]!.text).toContain('1 of 1 entries ended');
    expect((await saidBy(world)).digest).toBe((await saidBy(whole)).digest);
  });

  it('holds the horizon back behind what InfluxDB has, and waits where that went back', async () => {
    const world = await openWorld({ lengthMs: 4 * dayMs });
    for (let hour = 0; hour < 10 * 24; hour += 6) {
      world.state.now = beginAt + hour * hourMs;
      await world.send({ ts: world.state.now, ta: 20 + (hour % 5) });
      await world.settled();
    }
    world.state.notedMax = 8;
    await world.reopen(true);
    await world.send({ ts: beginAt + 60_000, ta: 21 });
    await world.settled();
    expect(world.worker.ingest.stats.totals.readingsQuarantined).toBe(0);
    world.state.notedMax = 7;
    await world.send({ ts: beginAt + 2 * dayMs + 61_000, ta: 21 });
    await world.send({ ts: world.state.now + 1, ta: 20 });
    await world.settled();
    expect(world.worker.ingest.stats.totals.readingsQuarantined).toBe(0);
    world.state.notedMax = 8;
    world.state.notedMax = 0;
    await world.reopen(true);
    expect(world.worker.ingest.stats.totals.readingsSettled).toBeGreaterThan(40);
  });
});
