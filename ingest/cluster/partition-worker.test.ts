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
      'INGEST_READINGS_MISSING node 1, numbers 1 to 3 of this partition',
    ]);
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
          while (!(await world.isConsumed(partition))) {
            await new Promise<void>((resolve) => void world.ground.clock.schedule(50, resolve));
          }
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
