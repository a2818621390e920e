import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { batchSeed } from '../store.contract.ts';
import { createWorld, type BatchSeed, type World } from '../world.contract.ts';
import type { InfluxConfig } from './config.ts';
import { configFor, openInfluxView, type InfluxView } from './influx.fixture.ts';
import { faultList, startInfluxDouble, type Fault, type InfluxDouble } from './server.fixture.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function openScene(
  changed: Partial<InfluxConfig> = {},
): Promise<{ readonly server: InfluxDouble; readonly view: InfluxView }> {
  const server = await startInfluxDouble();
  const short = { requestTimeoutMs: 100, ...changed };
  const view = openInfluxView(configFor(server, short), 'token', openSystemClock());
  closing.push(async () => {
    view.close();
    await server.close();
  });
  return { server, view };
}

function worldOf(seeds: readonly BatchSeed[]): World {
  const world = createWorld();
  for (const { rows, ...seed } of seeds) {
    world.grow({ ...seed, rows: rows.filter(({ kind }) => kind !== 'repeat') });
  }
  return world;
}

/** A world of so many rows. */
function worldWith(rows: number): World {
  const made = Array.from({ length: rows }, (_, at) => ({
    series: at % 3,
    day: at % 3,
    slot: at % 40,
    form: at % 4,
    value: at,
    kind: 'value' as const,
  }));
  return worldOf([{ rows: made, entries: [], waitMs: 1 }]);
}

function linesOf(view: InfluxView, world: World): string[] {
  return [...world.batches].flatMap(([position, batch]) => view.linesOf(position, batch));
}

/** The points as lines: what a reader would find, written as it was sent. */
function storedLines({ points }: InfluxDouble): string[] {
  return [...points].map(([name, { fields }]) => {
    const [head = '', time = ''] = name.split(' ');
    return `${head} ${[...fields].map(([field, value]) => `${field}=${value}`).join(',')} ${time}`;
  });
}

describe('writing to InfluxDB', () => {
  it('loses, doubles and changes nothing, however the server lies', async () => {
    const faults = fc.array(fc.constantFrom<Fault>(...faultList), { maxLength: 14 });
    const seeds = fc.array(batchSeed, { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(seeds, faults, fc.integer({ min: 1, max: 30 }), async (grown, lies, max) => {
        const { server, view } = await openScene({ linesMax: max });
        server.faults.push(...lies.flatMap((lie): Fault[] => ['none', lie]));
        const world = worldOf(grown);
        const lines = linesOf(view, world);
        for (const [position, batch] of world.batches) await view.take(position, batch);
        expect(storedLines(server).toSorted()).toEqual([...lines].toSorted());
        expect(server.overwritten).toEqual([]);
        expect(view.refused).toEqual([]);
        for (const close of closing.splice(0)) await close();
      }),
      { numRuns: 40 },
    );
  });

  it.each(faultList)('stores all after: %s', async (fault) => {
    const { server, view } = await openScene();
    server.faults.push(fault, fault);
    const lines = linesOf(view, worldWith(50));
    await view.writer.write(lines);
    expect(storedLines(server).toSorted()).toEqual([...lines].toSorted());
    expect(server.overwritten).toEqual([]);
    expect(view.refused).toEqual([]);
  });

  it('sets aside the lines that are refused, with their reasons, and stores the others', async () => {
    const { server, view } = await openScene();
    const lines = linesOf(view, worldWith(200));
    const poisoned = new Set([lines[0], lines[77], lines[78], lines.at(-1)]);
    server.isPoisoned = (line) => poisoned.has(line);
    await view.writer.write(lines);
    const rest = lines.filter((line) => !poisoned.has(line));
    expect(storedLines(server).toSorted()).toEqual(rest.toSorted());
    expect(view.refused.map(({ line }) => line)).toEqual([...poisoned]);
    expect(view.refused[0]!.reason).toContain('field type conflict');
    expect(view.telemetry.value('quantrac_influx_lines_set_aside_total')).toBe(4);
  });

  it('finds poisoned lines whatever else happens', async () => {
    const faults = fc.array(fc.constantFrom<Fault>(...faultList), { maxLength: 8 });
    const places = fc.uniqueArray(fc.nat({ max: 59 }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(faults, places, async (lies, poisonedAt) => {
        const { server, view } = await openScene();
        const lines = linesOf(view, worldWith(60));
        const poisoned = new Set(poisonedAt.map((at) => lines[at]!));
        server.isPoisoned = (line) => poisoned.has(line);
        server.faults.push(...lies.filter((lie) => !/201|413|refuse all|answer/.test(lie)));
        await view.writer.write(lines);
        const rest = lines.filter((line) => !poisoned.has(line));
        expect(storedLines(server).toSorted()).toEqual(rest.toSorted());
        expect(new Set(view.refused.map(({ line }) => line))).toEqual(poisoned);
        for (const close of closing.splice(0)) await close();
      }),
      { numRuns: 15 },
    );
  });

  it('leaves nothing out where the server refuses all, and goes on when it is mended', async () => {
    const { server, view } = await openScene({ refusedLinesMax: 3 });
    const lines = linesOf(view, worldWith(40));
    const writing = view.writer.write(lines);
    server.isPoisoned = () => view.telemetry.value('quantrac_influx_write_refusals_total') < 3;
    await writing;
    expect(storedLines(server).toSorted()).toEqual([...lines].toSorted());
    expect(view.refused).toEqual([]);
    const told = view.telemetry.lines.find(({ level }) => level === 'error');
    expect(told).toMatchObject({ fields: { error: { code: 'INFLUX_LINES_REFUSED' } } });
  });

  it('halves what is too long, and parts it by lines and bytes before', async () => {
    const { server, view } = await openScene({ linesMax: 30, bytesMax: 4_096 });
    server.linesMax = 7;
    const lines = linesOf(view, worldWith(100));
    const long = lines[0]!.replace('row="', `row="${'x'.repeat(5_000)}`);
    await view.writer.write([...lines, long]);
    expect(server.points.size).toBe(100);
    const sizes = server.bodies.map((body) => [body.length, body.split('\n').length] as const);
    expect(Math.max(...sizes.map(([, count]) => count))).toBeLessThanOrEqual(30);
    expect(sizes.filter(([bytes, count]) => bytes > 4_096 && count > 1)).toEqual([]);
  });

  it('writes no request for no lines', async () => {
    const { server, view } = await openScene();
    await view.writer.write([]);
    expect(server.bodies).toEqual([]);
  });

  it('ends when it is closed, whether it waits for an answer or for the next repeat', async () => {
    const { server, view } = await openScene({ backoffMinMs: 60_000, backoffMaxMs: 60_000 });
    server.faults.push('say 500');
    const waiting = view.writer.write(linesOf(view, worldWith(3)));
    await until(() => view.telemetry.value('quantrac_influx_write_repeats_total') > 0);
    view.writer.close();
    await expect(waiting).rejects.toMatchObject({ code: 'INFLUX_CLOSED' });
    const other = await openScene({ requestTimeoutMs: 60_000 });
    other.server.faults.push('store, then say nothing');
    const asking = other.view.writer.write(linesOf(other.view, worldWith(3)));
    await until(() => other.server.bodies.length > 0);
    other.view.connection.close();
    await expect(asking).rejects.toMatchObject({ code: 'INFLUX_CLOSED' });
    await expect(other.view.writer.write(['a b=1 1'])).rejects.toMatchObject({
      code: 'INFLUX_CLOSED',
    });
  });
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
