import { describe, expect, it } from 'vitest';

import { logError } from '../../log/errors.ts';
import type { Producer } from '../../log/kafka/kafka.ts';
import type { LogReader } from '../../log/log.ts';
import { blankReading, decodeReading } from '../../reading-codec.ts';
import { node, openWorld, sentOf } from './world.fixture.ts';

/** Kafka never answers. */
const silent = (inner: Producer): Producer => ({
  ...inner,
  send: () => new Promise(() => undefined),
});

describe('what the forwarder cannot send as a reading', () => {
  it('sends what cannot be read as what it is: positions, sequences and counts stay whole', async () => {
    const world = await openWorld();
    const first = await world.open();
    for (let count = 0; count < 200; count++) await first.keep({});
    await first.until(() => first.forwardedEnd.get() >= 200);
    await first.close();
    // Of a node that never sent anything: another topic, and damage in the middle of a segment.
    const segments = world.disk.paths().filter((path) => path.endsWith('.segment'));
    const damaged = segments.toSorted()[1]!;
    const bytes = world.disk.contents(damaged);
    world.disk.setContents(damaged, bytes.fill(0xee, 1_000, 1_200));
    await world.disk.unlink('/data/forward.state');
    const again = await openWorld();
    const second = await world.open({
      options: { producer: await again.server.connect().openProducer() },
    });
    await second.drained();
    await second.close();
    const sent = sentOf(again.server).flat();
    const notices = sent.filter(({ reading }) => reading.fault !== undefined);
    expect(notices).toHaveLength(1);
    const { fault, origin } = notices[0]!.reading;
    expect(fault?.code).toBe('INGEST_READING_UNREADABLE');
    const count = fault?.readings ?? 0;
    expect(count).toBeGreaterThan(1);
    const firstLost = (origin?.position ?? 0) - count + 1;
    expect(fault?.detail).toBe(`node ${node}, positions ${firstLost} to ${origin?.position}`);
    expect(origin?.sequence).toBe(count);
    expect(sent).toHaveLength(200 - count + 1);
    expect(second.telemetry.value('quantrac_forward_readings_total')).toBe(200);
    expect(second.telemetry.value('quantrac_forward_unreadable_total')).toBe(count);
  });

  it('sends an erased reading as erased, with nothing of what it said', async () => {
    const world = await openWorld();
    const first = await world.open();
    await first.close();
    const away = await world.open({ producer: silent });
    await away.keep({});
    await away.writer.rewrite({
      positions: new Set([1]),
      reason: 'lawful',
      replace: ({ position, body }) => blankReading(decodeReading(position, body)),
    });
    world.disk.kill();
    const second = await world.open();
    await second.drained();
    await second.close();
    const [only] = sentOf(world.server).flat();
    expect(only?.key).toBe(`node-${node}`);
    expect(only?.reading).toMatchObject({
      device: '',
      topic: '',
      payload: Buffer.alloc(0),
      fault: { code: 'INGEST_READING_ERASED', readings: 1 },
    });
  });

  it('sends bytes that are no reading as they are, to be quarantined by name', async () => {
    const world = await openWorld();
    const life = await world.open();
    const bytes = Buffer.from('what is this?');
    await new Promise<void>((resolve) => {
      life.writer.append(
        bytes.length,
        (target, at) => void bytes.copy(target, at),
        () => resolve(),
      );
    });
    await life.drained();
    await life.close();
    const [only] = sentOf(world.server).flat();
    expect(only?.reading).toMatchObject({ payload: bytes, fault: { code: 'LOG_READING_UNKNOWN' } });
  });

  it('tells an old marker of one machine as control: it puts no version in force', async () => {
    const world = await openWorld();
    const life = await world.open();
    await life.keep({
      kind: 'registry',
      device: '',
      topic: '',
      payload: Buffer.from('{"version":3}'),
    });
    await life.drained();
    await life.close();
    expect(sentOf(world.server).flat()[0]?.reading).toMatchObject({ kind: 'control', device: '' });
  });

  it('tries again where the own log cannot be read now, and sends nothing of it twice', async () => {
    const world = await openWorld();
    let failures = 0;
    const flaky = (readings: LogReader): LogReader => ({
      get next() {
        return readings.next;
      },
      async read(bytesMax) {
        if (failures++ < 3) throw logError('LOG_READ_FAILED', { position: readings.next });
        return failures < 6 ? [] : readings.read(bytesMax);
      },
      skipDamaged: () => readings.skipDamaged(),
      seek: (position) => readings.seek(position),
      close: () => readings.close(),
    });
    const life = await world.open({ reader: flaky });
    await life.keep({});
    await life.drained();
    await life.close();
    expect(life.telemetry.value('quantrac_forward_errors_total', { what: 'read' })).toBe(3);
    expect(sentOf(world.server).flat()).toHaveLength(1);
    expect(life.failures).toEqual([]);
  });

  it('hands a defect on, and ends', async () => {
    const world = await openWorld();
    const broken = (readings: LogReader): LogReader => ({
      ...readings,
      next: 1,
      read: () => Promise.reject(new Error('a defect')),
      skipDamaged: async () => null,
      seek: () => undefined,
    });
    const life = await world.open({ reader: broken });
    await life.keep({});
    await life.until(() => life.failures.length > 0);
    expect(life.failures).toMatchObject([{ message: 'a defect' }]);
    await life.close();
  });

  it('names positions that are gone from the own log though they were never sent', async () => {
    const world = await openWorld();
    const first = await world.open();
    await first.close();
    const away = await world.open({ producer: silent });
    const payload = Buffer.alloc(2_000);
    for (let count = 0; count < 6; count++) await away.keep({ payload });
    world.disk.kill();
    // Somebody deletes the oldest segment by hand.
    const [oldest] = world.disk
      .paths()
      .filter((path) => path.endsWith('.segment'))
      .toSorted();
    await world.disk.unlink(oldest!);
    const second = await world.open();
    await second.drained();
    await second.close();
    const [lost, ...rest] = sentOf(world.server)
      .flat()
      .toSorted((a, b) => (a.reading.origin?.position ?? 0) - (b.reading.origin?.position ?? 0));
    const { fault, origin } = lost!.reading;
    expect(fault).toMatchObject({
      code: 'INGEST_READING_UNREADABLE',
      detail: `node ${node}, positions 1 to ${origin?.position}`,
      readings: origin?.position,
    });
    expect((fault?.readings ?? 0) + rest.length).toBe(6);
    expect(second.telemetry.value('quantrac_forward_unreadable_total')).toBe(fault?.readings);
  });
});
