/** The sink between the real servers: Kafka on one side, InfluxDB 2 and 1.8 on the other. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import { createRecordedTelemetry } from '../../../devices/telemetry-silent.ts';
import { kafkaConfigSchema } from '../../log/kafka/config.ts';
import { openKafka } from '../../log/kafka/open.ts';
import type { ObservationRow } from '../../observation.ts';
import { decodeBatch, encodeBatch } from '../../observations/batch-codec.ts';
import { isCircularSeries, naiveStore } from '../naive.contract.ts';
import { createWorld, plainRow, type RowSeed } from '../world.contract.ts';
import { openConnection } from './connection.ts';
import { openInfluxEvents } from './events.ts';
import { notedPositions } from './feeds.ts';
import { openHistoryReader } from './history-reader.ts';
import { configFor, serverOf, tagsOf, topicOf, type InfluxServer } from './influx.fixture.ts';
import { openSink, type Sink } from './sink.ts';
import { checkView, rebuildView } from './view.ts';
import { openWriter } from './writer.ts';

const partitions = 3;
const brokers = process.env['KAFKA_BROKERS']?.split(',');

async function openScene(influx: InfluxServer) {
  const name = `sink_${process.pid}_${Date.now()}`;
  const telemetry = createRecordedTelemetry();
  const clock = openSystemClock();
  const kafka = openKafka({
    config: kafkaConfigSchema.parse({ brokers, replicationFactor: 1, minInsyncReplicas: 1 }),
    logger: telemetry.logger,
    clientId: name,
    secrets: {},
    clock,
  });
  const spec = { ...topicOf(partitions), topic: name };
  await kafka.ensureTopics([spec]);
  const config = configFor(influx, { measurement: name, linesMax: 50 });
  const events = openInfluxEvents(telemetry);
  const connection = openConnection({ config, token: influx.token, clock });
  const shared = { kafka, topic: name, group: `${name}-notes`, config, clock, events };
  onTestFinished(async () => {
    for (const end of ['', '_superseded', '_overflow', '_view']) {
      await connection.drop(`${name}${end}`);
    }
    connection.close();
    await kafka.close();
  });
  return {
    ...shared,
    connection,
    telemetry,
    open(): Sink {
      const writer = openWriter({ ...shared, connection, random: createSeededRandom(1) });
      return openSink({ ...shared, writer, rowTags: tagsOf });
    },
  };
}

type Scene = Awaited<ReturnType<typeof openScene>>;

async function untilNoted({ kafka, group, topic }: Scene, end: number): Promise<void> {
  for (;;) {
    const noted = await notedPositions(kafka, group, topic);
    if ([0, 1, 2].every((partition) => noted.get(partition) === end)) return;
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

/** Batches of one partition, whose series are its own. */
function growWorld(partition: number, count: number) {
  const world = createWorld();
  for (let at = 0; at < count; at++) {
    const rows = Array.from({ length: 20 }, (_, place): RowSeed => {
      const kinds = ['value', 'value', 'history', 'deletion', 'null'] as const;
      return {
        series: place % 3,
        day: at % 2,
        slot: (at * 7 + place) % 40,
        form: (at + place) % 5,
        value: at * 20 + place,
        kind: kinds[(at + place) % kinds.length]!,
      };
    });
    world.grow({ rows, entries: [], waitMs: 3 });
  }
  const moved = [...world.batches].map(([position, batch]) => {
    const own = batch.rows.map((row) => ({ ...row, series: row.series + 3 * partition }));
    return [position, decodeBatch(position, encodeBatch({ ...batch, rows: own }))] as const;
  });
  return new Map(moved);
}

for (const [name, prefix] of [
  ['InfluxDB 2', 'INFLUX'],
  ['InfluxDB 1.8', 'INFLUX1'],
] as const) {
  const influx = brokers === undefined ? undefined : serverOf(process.env, prefix);
  const missing = influx === undefined ? ` (KAFKA_BROKERS or ${prefix}_URL is not set)` : '';
  describe.skipIf(influx === undefined)(`from Kafka into ${name}${missing}`, () => {
    it('all rows arrive once, whoever stops in between, and again after the view was dropped', async () => {
      const scene = await openScene(influx!);
      const { kafka, topic, group, connection, config } = scene;
      await checkView(scene);
      const worlds = [0, 1, 2].map((partition) => growWorld(partition, 30));
      const producer = await kafka.openProducer();
      const publish = (from: number, to: number): Promise<void> =>
        producer.send(
          worlds.flatMap((batches, partition) =>
            [...batches].slice(from, to).map(([position, batch]) => ({
              topic,
              partition,
              key: null,
              value: Buffer.from(encodeBatch(batch)),
              headers: { position: String(position) },
            })),
          ),
        );
      await publish(0, 12);
      const first = scene.open();
      first.assign([0, 1, 2]);
      await publish(12, 20);
      await first.close();
      const second = scene.open();
      second.assign([0, 2]);
      const third = scene.open();
      third.assign([1]);
      await publish(20, 30);
      await untilNoted(scene, 30);
      await Promise.all([second.close(), third.close()]);

      const reader = openHistoryReader({
        connection,
        config,
        positionOf: () => 30,
        isCircular: isCircularSeries,
      });
      const plain = (rows: readonly ObservationRow[]): unknown[] => rows.map(plainRow);
      const expectAll = async (): Promise<void> => {
        for (const [partition, batches] of worlds.entries()) {
          const naive = naiveStore(batches, 30, isCircularSeries);
          for (let series = 3 * partition; series < 3 * partition + 3; series++) {
            const query = { series, limit: 1e6 };
            expect(plain(await reader.kept(query))).toEqual(plain(naive.kept(query)));
          }
        }
      };
      await expectAll();
      await rebuildView({ ...scene });
      expect(await reader.kept({ series: 0, limit: 9 })).toEqual([]);
      const noted = await notedPositions(kafka, group, topic);
      expect([...noted.values()]).toEqual([0, 0, 0]);
      const fourth = scene.open();
      fourth.assign([0, 1, 2]);
      await untilNoted(scene, 30);
      await fourth.close();
      await expectAll();
      await producer.close();
      expect(scene.telemetry.value('quantrac_influx_lines_set_aside_total')).toBe(0);
    });
  });
}
