import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeBatch } from '../observations/batch-codec.ts';
import type { Batch } from '../observations/batch.ts';
import { batchPositionOf } from './batches.ts';
import { partitionOf } from './partition-of.ts';
import { readingPlace } from './route.ts';
import { groundInMemory } from './storm/ground.fixture.ts';
import { calm, changeInCalm } from './storm/nemesis.fixture.ts';
import { dayAt, partitions, stationIds, stationsOf } from './storm/network.fixture.ts';
import { prove } from './storm/proof.fixture.ts';
import { openWorld, type SentReading, type World } from './storm/world.fixture.ts';

const opened: { world: World; folder: string }[] = [];
afterEach(async () => {
  for (const { world, folder } of opened.splice(0)) {
    await world.remove();
    rmSync(folder, { recursive: true, force: true });
  }
});

async function openCluster(workers = 2) {
  const { ground, server } = groundInMemory();
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-partition-'));
  const world = await openWorld(ground, { seed: 1, workers, isDated: () => true });
  opened.push({ world, folder });
  return { world, server, folder };
}

let received = 0;

/** A message of the device, with its values of one instant. */
function message(device: string, values: object): SentReading {
  const receivedAt = dayAt + 86_400_000 + ++received;
  const payload = Buffer.from(JSON.stringify({ ts: dayAt, resultTime: dayAt, ...values }));
  return {
    kind: 'message',
    door: 'mqtt',
    receivedAt,
    device,
    topic: `env/v1/${device}/obs`,
    payload,
  };
}

function send(world: World, ...readings: readonly SentReading[]): void {
  for (const reading of readings) world.brokers[0]!.keep(reading, world.registry.current());
}

async function batchesOf(world: World, partition: number): Promise<Batch[]> {
  const records = await world.until(world.records('observations', partition));
  return records.map((record) => decodeBatch(batchPositionOf(record), record.value!));
}

async function untilBatch(world: World, partition: number, count: number): Promise<void> {
  while ((await batchesOf(world, partition)).length < count) {
    await new Promise<void>((resolve) => void world.ground.clock.schedule(50, resolve));
  }
}

async function untilConsumed(world: World, partition: number): Promise<void> {
  while (!(await world.isConsumed(partition))) {
    await new Promise<void>((resolve) => void world.ground.clock.schedule(50, resolve));
  }
}

const station = stationIds[0]!;
const own = partitionOf(station, partitions);
const logger = `logger-${station}`;

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : 1);

/** All partitions are one worker's. */
const everything = Array.from({ length: partitions }, (_none, partition) => partition);

describe('the worker of a partition', () => {
  it('counts what retention took before it was read, and goes on', async () => {
    const { world, server } = await openCluster();
    send(world, ...[20, 21, 22, 23, 24].map((ta) => message(logger, { ta })));
    await world.until(world.brokers[0]!.send(100));
    // The marker of the registry, and the first three.
    const records = server.records(world.names.topics.readings, own);
    server.trim(world.names.topics.readings, own, records[4]!.offset);
    await calm(world);
    const last = (await batchesOf(world, own)).at(-1)!;
    expect(last.totals).toMatchObject({ readingsSettled: 2, readingsQuarantined: 3 });
    expect(last.sources).toContainEqual({ node: 1, position: 5, sequence: 5 });
    const entries = (await batchesOf(world, own)).flatMap(({ quarantined }) => quarantined);
    expect(entries.map(({ code, detail }) => `${code} ${detail}`)).toEqual([
      `INGEST_READINGS_GONE topic storm-readings, partition ${own}, offsets 0 to 4`,
      'INGEST_READINGS_MISSING node 1, numbers 1 to 3 of this partition',
    ]);
  });

  it('names once what is gone of a node that never sends again, and counts none of it', async () => {
    const { world, server } = await openCluster(1);
    const [worker] = world.workers;
    send(world, ...[20, 21].map((ta) => message(logger, { ta })));
    await world.until(world.brokers[0]!.send(100));
    const { end } = (await server.connect().ends(world.names.topics.readings))[own]!;
    server.trim(world.names.topics.readings, own, end);
    for (let life = 0; life < 3; life++) {
      await calm(world);
      await world.until(untilBatch(world, own, 1));
      await world.ground.pass(1_000);
      await world.until(worker!.kill(life % 2 === 0));
    }
    const [batch, ...others] = await batchesOf(world, own);
    expect(others).toEqual([]);
    expect(batch).toMatchObject({
      consumed: readingPlace(end - 1, own),
      totals: { readingsSettled: 0, readingsQuarantined: 0, readingsControl: 0 },
      sources: [],
      quarantined: [
        {
          position: readingPlace(0, own),
          code: 'INGEST_READINGS_GONE',
          detail: `topic storm-readings, partition ${own}, offsets 0 to ${end - 1}`,
          state: 'open',
        },
      ],
    });
  });

  it('names where values were that another partition passed on', async () => {
    const { world, server } = await openCluster(1);
    const [worker] = world.workers;
    const known = stationsOf.get('wide')!.slice(0, -1);
    const [home = 0, target = 0] = known
      .toSorted(byCodeUnits)
      .map((each) => partitionOf(each, partitions));
    expect(target).not.toBe(home);
    worker!.assign([home]);
    send(world, message('wide', { ta: 20, tb: 21, tc: 22 }));
    await world.until(world.brokers[0]!.send(100));
    await world.until(untilBatch(world, home, 1));
    await world.until(untilConsumed(world, home));
    const topic = world.names.topics.readings;
    const passed = server.records(topic, target).at(-1)!;
    expect(passed.headers['from']?.toString()).toBe(String(home));
    const { end } = (await server.connect().ends(topic))[target]!;
    server.trim(topic, target, end);
    await calm(world);
    await world.until(untilBatch(world, target, 1));
    const batches = await batchesOf(world, target);
    expect(batches.flatMap(({ rows }) => rows)).toEqual([]);
    const [entry] = batches.flatMap(({ quarantined }) => quarantined);
    expect(entry).toMatchObject({ code: 'INGEST_READINGS_GONE' });
    expect(entry!.detail).toContain(`offsets 0 to ${end - 1}`);
  });

  it('judges by the newest registry behind a gap that took its marker, and by no older one again', async () => {
    const { world, server } = await openCluster(1);
    const [worker] = world.workers;
    const topic = world.names.topics.readings;
    const known = stationsOf.get('wide')!.slice(0, -1);
    const home = partitionOf(known.toSorted(byCodeUnits)[0]!, partitions);
    await calm(world);
    const before = (await batchesOf(world, home)).length;
    worker!.assign([]);
    await world.ground.pass(3_000);
    // The marker of the second version is lost; behind it are what needs the version, and the next ones.
    await world.until(world.changeRegistry());
    const { end } = (await server.connect().ends(topic))[home]!;
    server.trim(topic, home, end);
    send(world, message('wide', { td: 20 }));
    await world.until(world.brokers[0]!.send(100));
    await calm(world);
    const [gap] = (await batchesOf(world, home)).slice(before);
    expect(gap).toMatchObject({ registryVersion: 2, totals: { readingsQuarantined: 0 } });
    expect(gap!.quarantined.map(({ code }) => code)).toEqual(['INGEST_READINGS_GONE']);
    worker!.assign([]);
    await world.ground.pass(3_000);

    // Two more, the first of which stands behind the gap: the node knows the second already.
    const last = stationIds.at(-1)!;
    const other = partitionOf(last, partitions);
    const from = (await batchesOf(world, other)).length;
    send(world, message(`logger-${last}`, { ta: 20 }));
    await world.until(world.brokers[0]!.send(100));
    server.trim(topic, other, (await server.connect().ends(topic))[other]!.end);
    await world.until(world.changeRegistry());
    // Its channel is known since the second.
    send(world, message(`logger-${last}`, { tr: 1 }));
    await world.until(world.brokers[0]!.send(100));
    await world.until(world.changeRegistry());
    await calm(world);
    const later = (await batchesOf(world, other)).slice(from);
    expect(later.flatMap(({ quarantined }) => quarantined.map(({ code }) => code))).toEqual([
      'INGEST_READINGS_GONE',
      'INGEST_READINGS_MISSING',
    ]);
    expect(later.flatMap(({ control }) => control.map(({ text }) => text))).toEqual([
      '{"version":3}',
      '{"version":4}',
    ]);
    expect(later.map(({ registryVersion }) => registryVersion)).toEqual(later.map(() => 4));
  });

  it('stops by name where a stranger wrote into the observations, and no other partition does', async () => {
    const { world, server } = await openCluster(1);
    const producer = await server.connect().openProducer();
    const topic = world.names.topics.observations;
    await producer.send([{ topic, partition: own, key: null, value: Buffer.from('foreign') }]);
    for (const each of stationIds) send(world, message(`logger-${each}`, { ta: 20 }));
    await world.until(world.brokers[0]!.send(100));
    world.workers[0]!.assign(everything);
    const others = everything.filter((partition) => partition !== own);
    await world.until(
      (async () => {
        for (const partition of others) {
          await untilConsumed(world, partition);
        }
      })(),
    );
    expect([...world.workers[0]!.endings.keys()]).toEqual(['INGEST_RECORD_FOREIGN']);
    expect(server.records(topic, own)).toHaveLength(1);
  });

  it('passes a value on that a replay found, once its partition is known', async () => {
    const { world } = await openCluster();
    const wide = stationsOf.get('wide')!;
    const [home, target] = [wide.slice(0, -1).toSorted(byCodeUnits)[0]!, wide.at(-1)!].map((each) =>
      partitionOf(each, partitions),
    ) as [number, number];
    expect(target).not.toBe(home);
    // The registry does not know the channel td yet: it is quarantined where the device is routed.
    send(world, message('wide', { td: 21 }));
    await calm(world);
    const [entry] = (await batchesOf(world, home)).flatMap(({ quarantined }) => quarantined);
    expect(entry).toMatchObject({ channel: 'td', state: 'open' });
    await changeInCalm(world);
    const replay = JSON.stringify({ position: entry!.position });
    const frame = { door: 'internal', device: '', topic: '', receivedAt: dayAt } as const;
    send(world, { ...frame, kind: 'replay', payload: Buffer.from(replay) });
    await calm(world);
    const entries = (await batchesOf(world, home)).flatMap(({ quarantined }) => quarantined);
    expect(entries.map(({ state }) => state)).toEqual(['open', 'replayed']);
    const rows = (await batchesOf(world, target)).flatMap((batch) => batch.rows);
    expect(rows.map(({ result, device }) => `${device} ${result}`)).toEqual(['wide 21']);
  });

  it('closes in bounded time though a registry version never comes that a marker names', async () => {
    const { world } = await openCluster(1);
    const [worker] = world.workers;
    await world.until(world.changeRegistry());
    send(world, message(logger, { ta: 20 }));
    await world.until(world.brokers[0]!.send(100));
    // The node's copy stays at the first version.
    worker!.assign(everything);
    await world.ground.pass(3_000);
    worker!.assign([]);
    await world.ground.pass(3_000);
    expect(worker!.isIdle).toBe(true);
    expect(worker!.endings.size).toBe(0);
  });

  it('closes in bounded time though Kafka does not answer', async () => {
    const { world } = await openCluster(1);
    const [worker] = world.workers;
    worker!.assign(everything);
    await world.ground.pass(1_000);
    Object.assign(world.weather, { commits: 100, reads: 100, opens: 100 });
    send(world, message(logger, { ta: 20 }));
    await world.until(world.brokers[0]!.send(100));
    await world.ground.pass(3_000);
    worker!.assign([]);
    await world.ground.pass(3_000);
    expect(worker!.isIdle).toBe(true);
    Object.assign(world.weather, { commits: 0, reads: 0, opens: 0 });
    await calm(world);
    expect((await batchesOf(world, own)).at(-1)!.totals.readingsSettled).toBe(1);
  });

  it('builds its view anew where Kafka holds less than it, and decides all again', async () => {
    const { world, server, folder } = await openCluster(1);
    const [worker] = world.workers;
    for (const ta of [20, 21, 22]) {
      send(world, message(logger, { ta }));
      await calm(world);
    }
    // So that the view is on the disk.
    await world.ground.pass(5_000);
    worker!.assign([]);
    await world.ground.pass(3_000);
    server.empty(world.names.topics.observations);
    await calm(world);
    expect([...worker!.endings.keys()]).toEqual(['STORE_AHEAD_OF_LOG']);
    expect((await prove(world, folder)).readings).toBe(3);
  });

  it('builds its view anew where Kafka lost its end and another worker wrote on', async () => {
    const { world, server, folder } = await openCluster(2);
    const [one, other] = world.workers;
    const decide = async (worker: typeof one, count: number): Promise<void> => {
      for (const each of world.workers) each.assign([]);
      await world.ground.pass(3_000);
      worker!.assign(everything);
      for (let nth = 0; nth < count; nth++) {
        send(world, message(logger, { ta: 20 + nth }));
        await world.until(world.brokers[0]!.send(100));
        await world.until(untilConsumed(world, own));
      }
      // So that the view is on the disk.
      await world.ground.pass(5_000);
    };
    await decide(one, 3);
    const lost = (await batchesOf(world, own)).length;
    server.empty(world.names.topics.observations);
    await decide(other, 6);
    expect((await batchesOf(world, own)).length).toBeGreaterThanOrEqual(lost);
    await decide(one, 1);
    expect([...one!.endings.keys()]).toEqual(['STORE_OTHER_HISTORY']);
    await calm(world);
    expect((await prove(world, folder)).readings).toBe(10);
  });

  it('sees its own place go on behind each record: none is settled twice over many openings', async () => {
    const { world, folder } = await openCluster(1);
    const [worker] = world.workers;
    for (let life = 0; life < 6; life++) {
      send(world, message('wide', { ta: life, tb: life, tc: life }));
      await world.until(world.writeForeign(own, {}));
      await calm(world);
      await world.until(worker!.kill(life % 2 === 0));
    }
    await calm(world);
    const proof = await prove(world, folder);
    expect(proof).toMatchObject({ readings: 6, passed: 12, stationsCompared: stationIds.length });
    const { consumed, sources } = (await batchesOf(world, own)).at(-1)!;
    const records = await world.until(world.records('readings', own));
    expect(consumed).toBe(readingPlace(records.at(-1)!.offset, own));
    expect(sources).toContainEqual(expect.objectContaining({ node: 65_536, sequence: 6 }));
  });
});
