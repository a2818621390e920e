import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { kafkaError } from '../../log/kafka/errors.ts';
import type { Kafka } from '../../log/kafka/kafka.ts';
import type { Fault as KafkaFault } from '../../log/kafka/memory.ts';
import { notedPositions } from './feeds.ts';
import { tagsOf, topic } from './influx.fixture.ts';
import { faultList, type Fault } from './server.fixture.ts';
import {
  atEnd,
  closeAll,
  group,
  notesIn,
  openScene,
  stored,
  turn,
  until,
  untilNoted,
} from './sink.fixture.ts';

afterEach(closeAll);

describe('the sink', () => {
  it('notes again what Kafka has forgotten, though nothing comes', async () => {
    const scene = await openScene();
    const sink = scene.open();
    sink.assign([0, 1, 2]);
    await scene.publish(0, 3);
    await scene.publish(1, 3);
    await until(async () => (await notedPositions(scene.kafka, group, topic)).get(1) === 1);
    await scene.kafka.noteGroupOffsets(group, topic, [{ partition: 1, offset: 0, note: '0' }]);
    await until(async () => (await notedPositions(scene.kafka, group, topic)).get(1) === 1);
    expect((await notedPositions(scene.kafka, group, topic)).get(2)).toBeUndefined();
  });

  it('carries every batch of its partitions, and notes where it has come', async () => {
    const scene = await openScene();
    const sink = scene.open();
    sink.assign([0, 1, 2]);
    for (let round = 0; round < 12; round++) await scene.publish(round % 3, round * 3);
    await untilNoted(scene);
    expect(stored(scene)).toEqual(scene.expected);
    expect(scene.influx.overwritten).toEqual([]);
    expect(scene.telemetry.value('quantrac_influx_behind_records')).toBe(0);
    await scene.publish(1, 4);
    await untilNoted(scene);
    expect(stored(scene)).toEqual(scene.expected);
  });

  it('tells while InfluxDB is away how far it is behind, and that it is not when all is stored', async () => {
    const scene = await openScene({ readBytesMax: 1_024, backoffMinMs: 1, backoffMaxMs: 5 });
    const behind = () => scene.telemetry.value('quantrac_influx_behind_records');
    const away = setInterval(() => scene.influx.faults.push('say 500', 'say 500'), 1);
    atEnd(async () => clearInterval(away));
    scene.influx.faults.push('say 500');
    for (let round = 0; round < 90; round++) await scene.publish(round % 3, 30);
    scene.open().assign([0, 1, 2]);
    // Each two offsets count as one batch: here nothing ends a transaction.
    await until(() => behind() === 45);
    clearInterval(away);
    scene.influx.faults.length = 0;
    await untilNoted(scene);
    await until(() => behind() === 0);
    expect(stored(scene)).toEqual(scene.expected);
  });

  it('puts many partitions into one request, and parts none that fit', async () => {
    const scene = await openScene({ linesMax: 1_000, requestTimeoutMs: 60_000 });
    for (let round = 0; round < 6; round++) await scene.publish(round % 3, 5);
    scene.open().assign([0, 1, 2]);
    await untilNoted(scene);
    expect(scene.influx.bodies).toHaveLength(1);
  });

  it('notes nothing before all of it is stored', async () => {
    const scene = await openScene({ requestTimeoutMs: 100 });
    scene.influx.faults.push('hang up at once', 'store half, then hang up', 'say 500', 'say 404');
    scene.influx.faults.push('say 401', 'store, then say nothing');
    await scene.publish(0, 20);
    scene.open().assign([0]);
    await until(() => scene.influx.bodies.length > 5);
    const before = await notedPositions(scene.kafka, group, topic);
    expect(before.get(0) ?? 0).toBe(0);
    await untilNoted(scene);
    expect(stored(scene)).toEqual(scene.expected);
  });

  it('loses and doubles nothing, whoever fails, dies or stalls, and whenever', async () => {
    // Of two sinks both may be told so of one line: that is the writer's test.
    const lies = faultList.filter((fault) => !/201|413|refuse all/.test(fault));
    const lie = fc.constantFrom<Fault>(...lies);
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('publish'), rows: fc.nat({ max: 40 }) }),
      },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('lie'), rows: fc.constant(0), lie }) },
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constantFrom('kafka', 'die', 'assign', 'both', 'wait'),
          rows: fc.nat({ max: 7 }),
        }),
      },
    ) as fc.Arbitrary<{ readonly do: string; readonly rows: number; readonly lie?: Fault }>;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const scene = await openScene({ requestTimeoutMs: 100 });
        let sink = scene.open();
        let isAway = false;
        const away = (): KafkaFault => (isAway ? 'before' : 'none');
        scene.server.faults.read = away;
        sink.assign([0, 1, 2]);
        for (const one of steps) {
          if (one.do === 'publish') await scene.publish(one.rows % 3, one.rows);
          else if (one.do === 'lie') scene.influx.faults.push('none', one.lie!);
          else if (one.do === 'kafka') isAway = !isAway;
          else if (one.do === 'assign') sink.assign([0, 1, 2].filter((at) => at !== one.rows));
          else if (one.do === 'wait') for (let turns = 0; turns < one.rows; turns++) await turn();
          else {
            // The last one lives on beside the new one, or is closed in the middle of its work.
            const last = sink;
            sink = scene.open();
            sink.assign([0, 1, 2]);
            if (one.do === 'die') await last.close();
          }
        }
        isAway = false;
        sink.assign([0, 1, 2]);
        await untilNoted(scene);
        expect(stored(scene)).toEqual(scene.expected);
        expect(scene.influx.overwritten).toEqual([]);
        expect(scene.telemetry.value('quantrac_influx_lines_set_aside_total')).toBe(0);
        await closeAll();
      }),
      { numRuns: 30 },
    );
  });

  it('goes on where the last one noted, and repeats little', async () => {
    const scene = await openScene({ requestTimeoutMs: 60_000 });
    for (let round = 0; round < 9; round++) await scene.publish(round % 3, 10);
    const first = scene.open();
    first.assign([0, 1, 2]);
    await untilNoted(scene);
    await first.close();
    await expect(first.done).resolves.toBeUndefined();
    const requests = scene.influx.bodies.length;
    await scene.publish(0, 5);
    scene.open().assign([0, 1, 2]);
    await untilNoted(scene);
    expect(scene.influx.bodies).toHaveLength(requests + 1);
  });

  it('leaves alone what it was not given, and notes nothing of what it lost', async () => {
    const scene = await openScene();
    for (const partition of [0, 1, 2]) await scene.publish(partition, 6);
    const sink = scene.open();
    sink.assign([1]);
    await until(async () => (await notedPositions(scene.kafka, group, topic)).has(1));
    sink.assign([]);
    await scene.publish(1, 6);
    for (let turns = 0; turns < 20; turns++) await turn();
    const noted = await notedPositions(scene.kafka, group, topic);
    expect([...noted]).toEqual([[1, 1]]);
    expect(scene.influx.points.size).toBe(6);
  });

  it('holds a partition that it does not understand, and carries the others', async () => {
    const scene = await openScene();
    const send = (value: Buffer | null, headers: Record<string, string>): Promise<void> =>
      scene.producer.send([{ topic, partition: 0, key: null, value, headers }]);
    await send(Buffer.from('no batch'), { position: '1' });
    await scene.publish(1, 8);
    scene.open().assign([0, 1]);
    await until(async () => (await notedPositions(scene.kafka, group, topic)).has(1));
    await until(() => scene.telemetry.value('quantrac_influx_partition_holds_total') > 3);
    expect((await notedPositions(scene.kafka, group, topic)).has(0)).toBe(false);
    await send(null, {});
    await scene.kafka.noteGroupOffsets(group, topic, [{ partition: 0, offset: 1, note: '1' }]);
    const other = scene.open();
    other.assign([0]);
    await until(() =>
      scene.telemetry.lines.some(
        ({ fields }) => (fields as { error?: { code?: string } }).error?.code === 'INFLUX_RECORD',
      ),
    );
  });

  it('waits for a series that its registry does not have yet', async () => {
    const scene = await openScene();
    let isKnown = false;
    await scene.publish(0, 6);
    const sink = scene.open((series) => {
      if (!isKnown && series === 2) throw new Error('not yet');
      return tagsOf(series);
    });
    sink.assign([0]);
    await until(() => scene.telemetry.value('quantrac_influx_partition_holds_total') > 1);
    expect(scene.influx.points.size).toBe(0);
    isKnown = true;
    await until(async () => (await notedPositions(scene.kafka, group, topic)).get(0) === 1);
    expect(stored(scene)).toEqual(scene.expected);
  });

  it('says which batches Kafka no longer had, and goes on behind them', async () => {
    const scene = await openScene();
    for (let round = 0; round < 5; round++) await scene.publish(2, 3);
    scene.server.trim(topic, 2, 3);
    scene.open().assign([2]);
    await until(async () => (await notesIn(scene)).get(2) === '0 5');
    expect(scene.telemetry.value('quantrac_influx_batches_missing_total')).toBe(3);
    expect(scene.influx.points.size).toBe(6);
    expect((await notedPositions(scene.kafka, group, topic)).get(2)).toBe(0);
  });

  it('tries again where Kafka gives or takes no notes', async () => {
    const scene = await openScene();
    const refused = { groupOffsets: 2, noteGroupOffsets: 2 };
    const connect = scene.server.connect.bind(scene.server);
    Object.assign(scene.server, {
      connect: () => {
        const kafka = connect();
        const failing =
          (name: keyof typeof refused) =>
          async (...given: never[]): Promise<unknown> => {
            if (refused[name]-- > 0) throw new Error('away');
            return (kafka[name] as (...all: never[]) => Promise<unknown>)(...given);
          };
        return {
          ...kafka,
          groupOffsets: failing('groupOffsets'),
          noteGroupOffsets: failing('noteGroupOffsets'),
        };
      },
    });
    scene.open().assign([0]);
    for (let round = 0; round < 4; round++) {
      await scene.publish(0, 5);
      await until(() => stored(scene).size === scene.expected.size);
    }
    await until(async () => (await notedPositions(scene.kafka, group, topic)).get(0) === 4);
    expect(scene.telemetry.value('quantrac_influx_note_failures_total')).toBe(4);
  });

  it('tells once why it does not know how far it is behind, but not that Kafka is away', async () => {
    const scene = await openScene();
    const failures = [
      kafkaError('KAFKA_UNREACHABLE'),
      kafkaError('KAFKA_REFUSED'),
      kafkaError('KAFKA_REFUSED'),
      new TypeError('a defect'),
    ];
    const connect = scene.server.connect.bind(scene.server);
    Object.assign(scene.server, {
      connect: (): Kafka => {
        const kafka = connect();
        return {
          ...kafka,
          async ends(ofTopic) {
            const failure = failures.shift();
            if (failure !== undefined) throw failure;
            return kafka.ends(ofTopic);
          },
        };
      },
    });
    const failed = () => scene.telemetry.value('quantrac_influx_ends_failures_total');
    scene.open();
    await until(() => failed() === 4);
    const told = scene.telemetry.lines.filter(({ message }) => message.startsWith('how far'));
    expect(
      told.map(({ level, fields }) => [level, String((fields as { error?: unknown }).error)]),
    ).toEqual([
      ['error', 'CodedError: Kafka refuses what is asked.'],
      ['error', 'TypeError: a defect'],
    ]);
  });

  it('closes before it was given anything', async () => {
    const scene = await openScene();
    const sink = scene.open();
    await sink.close();
    await expect(sink.done).resolves.toBeUndefined();
  });
});
