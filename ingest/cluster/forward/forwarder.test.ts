import { describe, expect, it } from 'vitest';

import type { FileSystem } from '../../log/file-system.ts';
import { kafkaError } from '../../log/kafka/errors.ts';
import type { Producer } from '../../log/kafka/kafka.ts';
import { partitionOf } from '../partition-of.ts';
import { node, openWorld, partitions, sentOf, startAt } from './world.fixture.ts';

/** Kafka never answers. */
const silent = (inner: Producer): Producer => ({
  ...inner,
  send: () => new Promise(() => undefined),
});

describe('the forwarder', () => {
  it('sends each reading of the own log with its origin to the partition of its station', async () => {
    const world = await openWorld();
    world.registry.change({ 'device-1': ['station-b', 'station-a'] });
    const life = await world.open();
    await life.keep({ payload: Buffer.from('one') });
    await life.keep({
      payload: Buffer.from('two'),
      kind: 'backfill',
      device: 'stranger',
      topic: 'x',
    });
    await life.keep({ payload: Buffer.from('three') });
    await life.drained();
    const sent = sentOf(world.server);
    const ofStation = partitionOf('station-a', partitions);
    const readings = sent[ofStation]?.filter(({ key }) => key === 'station-a');
    expect(readings?.map(({ reading }) => Buffer.from(reading.payload).toString())).toEqual([
      'one',
      'three',
    ]);
    expect(readings?.map(({ reading }) => reading.origin?.position)).toEqual([1, 3]);
    const stranger = sent[partitionOf('stranger', partitions)]?.find(
      ({ key }) => key === 'stranger',
    );
    expect(stranger?.reading).toMatchObject({
      kind: 'backfill',
      topic: 'x',
      origin: { node, position: 2 },
    });
    expect(life.forwardedEnd.get()).toBe(3);
    expect(life.telemetry.value('quantrac_forward_readings_total')).toBe(3);
    await life.close();
  });

  it('goes on where it was, and sends nothing twice after an orderly end', async () => {
    const world = await openWorld();
    const first = await world.open();
    await first.keep({});
    await first.keep({});
    await first.drained();
    await first.close();
    const second = await world.open();
    expect(second.forwardedEnd.get()).toBe(2);
    expect(second.noted).toEqual([2]);
    await second.keep({});
    await second.drained();
    await second.close();
    const sequences = sentOf(world.server)
      .flat()
      .map(({ reading }) => reading.origin?.sequence);
    expect(sequences).toEqual([1, 2, 3]);
  });

  it('tells retention of a position only once it is noted, and notes once a second', async () => {
    const world = await openWorld();
    const life = await world.open({ config: { lingerMs: 0 } });
    await life.keep({});
    await life.drained();
    expect(life.noted).toEqual([0]);
    await life.until(() => life.noted.length > 1);
    expect(life.noted).toEqual([0, 1]);
    expect(life.clock.now() - startAt).toBeGreaterThanOrEqual(1_000);
    expect(life.telemetry.value('quantrac_forward_noted_position')).toBe(0);
    await life.close();
    expect(life.telemetry.value('quantrac_forward_noted_position')).toBe(1);
  });

  it('keeps trying while Kafka is away, says since when and until when, and catches up', async () => {
    const world = await openWorld();
    const life = await world.open();
    await life.keep({});
    await life.drained();
    let isAway = true;
    world.server.faults.send = () => (isAway ? 'before' : 'none');
    for (let count = 0; count < 50; count++) {
      await life.keep({});
      const at = life.clock.now();
      await life.until(() => life.clock.now() - at >= 500);
    }
    const alarms = life.telemetry.lines.filter(({ level }) => level === 'error');
    expect(alarms).toHaveLength(1);
    expect(alarms[0]?.message).toBe('Kafka takes no readings: they wait in the own log.');
    const fields = alarms[0]?.fields as { since: string; spoolLastsUntil: string; waiting: number };
    const told = Date.parse(fields.since);
    expect(told - startAt).toBeLessThan(1_000);
    // A megabyte, at two readings of about 60 bytes a second.
    const lastsMs = Date.parse(fields.spoolLastsUntil) - told;
    expect(lastsMs).toBeGreaterThan(3_600_000);
    expect(lastsMs).toBeLessThan(4 * 3_600_000);
    expect(life.telemetry.value('quantrac_forward_away_since_seconds')).toBe(told / 1_000);
    expect(life.telemetry.value('quantrac_forward_waiting_readings')).toBeGreaterThan(40);
    isAway = false;
    await life.drained();
    await life.until(() => life.telemetry.value('quantrac_forward_away_since_seconds') === 0);
    expect(life.telemetry.value('quantrac_forward_spool_until_seconds')).toBe(0);
    expect(life.telemetry.lines.at(-1)?.message).toBe('Kafka takes readings again.');
    expect(sentOf(world.server).flat()).toHaveLength(51);
    await life.close();
  });

  it('is an alarm at once where no later try can mend it, repeated but not with each try', async () => {
    const world = await openWorld();
    let isRefused = true;
    const refusing = (inner: Producer): Producer => ({
      ...inner,
      send: (records) =>
        isRefused ? Promise.reject(kafkaError('KAFKA_FENCED')) : inner.send(records),
    });
    const life = await world.open({ producer: refusing });
    await life.keep({});
    await life.until(() => life.clock.now() - startAt >= 130_000);
    const alarms = life.telemetry.lines.filter(({ level }) => level === 'error');
    expect(alarms).toHaveLength(3);
    expect(life.telemetry.value('quantrac_forward_errors_total', { what: 'send' })).toBeGreaterThan(
      20,
    );
    isRefused = false;
    await life.drained();
    await life.close();
    expect(life.failures).toEqual([]);
  });

  it('halves what a partition does not take at once, in order', async () => {
    const world = await openWorld();
    const sizes: number[] = [];
    const narrow = (inner: Producer): Producer => ({
      ...inner,
      send(records) {
        sizes.push(records.length);
        if (records.length > 3) return Promise.reject(kafkaError('KAFKA_RECORD_TOO_LARGE'));
        return inner.send(records);
      },
    });
    const life = await world.open({ producer: narrow });
    for (let count = 0; count < 10; count++) await life.keep({});
    await life.drained();
    await life.close();
    expect(Math.max(...sizes)).toBe(10);
    const sent = sentOf(world.server).flat();
    expect(sent.map(({ reading }) => reading.origin?.position)).toEqual(
      Array.from({ length: 10 }, (_, index) => index + 1),
    );
  });

  it('bounds a send by records and by bytes', async () => {
    const world = await openWorld();
    const sends: number[] = [];
    const counting = (inner: Producer): Producer => ({
      ...inner,
      send(records) {
        sends.push(records.length);
        return inner.send(records);
      },
    });
    const first = await world.open({ producer: counting, config: { batchRecordsMax: 4 } });
    await Promise.all(Array.from({ length: 10 }, () => first.keep({})));
    await first.drained();
    await first.close();
    expect(sends).toEqual([4, 4, 2]);
    sends.length = 0;
    const second = await world.open({ producer: counting, config: { batchBytesMax: 2_000 } });
    const payload = Buffer.alloc(700);
    await Promise.all(Array.from({ length: 5 }, () => second.keep({ payload })));
    await second.keep({ payload: Buffer.alloc(5_000) });
    await second.drained();
    await second.close();
    expect(sends).toEqual([2, 2, 1, 1]);
  });

  it('routes by a newer registry only once that is noted, and by the old one while it cannot be', async () => {
    const world = await openWorld();
    world.registry.change({ 'device-1': ['station-a'] });
    let isDiskBad = false;
    const disk: FileSystem = {
      ...world.disk,
      async open(path, mode) {
        const file = await world.disk.open(path, mode);
        if (!path.endsWith('forward.state')) return file;
        const sync = () =>
          isDiskBad
            ? Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' }))
            : file.sync();
        return { ...file, sync };
      },
    };
    const life = await world.open({ fileSystem: disk });
    isDiskBad = true;
    world.registry.change({ 'device-1': ['station-c'] });
    await life.keep({});
    await life.drained();
    expect(life.telemetry.value('quantrac_forward_errors_total', { what: 'note' })).toBeGreaterThan(
      0,
    );
    isDiskBad = false;
    await life.until(() => life.clock.now() - startAt > 3_000);
    await life.keep({});
    await life.drained();
    await life.close();
    const keys = sentOf(world.server)
      .flat()
      .map(({ key, reading }) => [reading.origin?.position, key]);
    expect(Object.fromEntries(keys)).toEqual({ 1: 'station-a', 2: 'station-c' });
  });

  it('waits for the registry version by which it routed before', async () => {
    const world = await openWorld();
    world.registry.change({ 'device-1': ['station-a'] });
    const first = await world.open();
    await first.keep({});
    await first.drained();
    await first.close();
    world.registry.change({ 'device-1': ['station-b'] });
    world.registry.missing.add(1);
    const second = await world.open();
    await second.keep({});
    await second.until(
      () => second.telemetry.value('quantrac_forward_errors_total', { what: 'registry' }) > 2,
    );
    expect(second.forwardedEnd.get()).toBe(1);
    world.registry.missing.clear();
    await second.drained();
    await second.close();
    expect(sentOf(world.server).flat()).toHaveLength(2);
  });

  it.each([
    ['cluster.node', { node: 8 }],
    ['cluster.partitions', { partitions: 5 }],
    ['cluster.kafka.topicPrefix', { topic: 'other' }],
  ])('refuses a data folder of another %s by name', async (key, options) => {
    const world = await openWorld();
    const first = await world.open();
    await first.close();
    await expect(world.open({ options })).rejects.toMatchObject({
      code: 'FORWARD_STATE_OTHER',
      fields: { key, is: Object.values(options)[0] },
    });
  });

  it('refuses a log that ends before what was sent of it', async () => {
    const world = await openWorld();
    const first = await world.open();
    await first.keep({});
    await first.drained();
    await first.close();
    for (const path of world.disk.paths()) {
      if (path.startsWith('/data/readings/')) await world.disk.unlink(path);
    }
    await expect(world.open()).rejects.toMatchObject({ code: 'FORWARD_LOG_SHORTENED' });
  });

  it('ends in time though Kafka does not answer, and sends that again at the next start', async () => {
    const world = await openWorld();
    const first = await world.open({ producer: silent });
    await first.keep({});
    await first.until(() => first.clock.now() - startAt > 100);
    let isClosed = false;
    void first.close().then(() => (isClosed = true));
    await first.until(() => isClosed);
    const second = await world.open();
    await second.drained();
    await second.close();
    expect(sentOf(world.server).flat()).toHaveLength(1);
  });

  it('says nothing of an end that cannot be told', async () => {
    const world = await openWorld();
    world.server.faults.send = () => 'before';
    const freeBytes = () => Promise.reject(new Error('no such disk'));
    const life = await world.open({ options: { freeBytes } });
    await life.keep({});
    await life.until(() => life.telemetry.lines.some(({ message }) => message.startsWith('Kafka')));
    expect(life.telemetry.lines.map(({ message }) => message)).toContain(
      'How much room the own log has left could not be told.',
    );
    expect(life.telemetry.value('quantrac_forward_spool_until_seconds')).toBe(0);
    await life.close();
  });

  it('answers a note with a position behind which the log may be rewritten', async () => {
    const world = await openWorld();
    const life = await world.open();
    await life.keep({});
    await life.drained();
    expect(await life.forwarder.note()).toBe(1);
    expect(life.noted).toEqual([0, 1]);
    await life.close();
  });
});
