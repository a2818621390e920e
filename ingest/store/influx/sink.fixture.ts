/** Sinks between a Kafka in memory and the double of InfluxDB. */
import type { Clock } from '../../../devices/clock.ts';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import { createRecordedTelemetry } from '../../../devices/telemetry-silent.ts';
import { createKafkaServer } from '../../log/kafka/memory.ts';
import { decodeBatch, encodeBatch } from '../../observations/batch-codec.ts';
import { createWorld, type World } from '../world.contract.ts';
import type { InfluxConfig } from './config.ts';
import { openConnection } from './connection.ts';
import { openInfluxEvents } from './events.ts';
import { notedPositions } from './feeds.ts';
import { configFor, tagsOf, topic, topicOf } from './influx.fixture.ts';
import { createLineBuilder } from './lines.ts';
import type { SeriesTags } from './schema.ts';
import { startInfluxDouble } from './server.fixture.ts';
import { openSink, type Sink } from './sink.ts';
import { openWriter } from './writer.ts';

export const group = 'sink';
const partitions = 3;

const closing: (() => Promise<void>)[] = [];
/** The last opened first: after each test, or within one that opens several scenes. */
export async function closeAll(): Promise<void> {
  for (const close of closing.splice(0).toReversed()) await close();
}

const longMs = 2_000;

/** What would be waited for long is over at once. */
function hurried(clock: Clock): Clock {
  return {
    now: () => clock.now(),
    monotonicMs: () => clock.monotonicMs(),
    schedule: (delayMs, run) => clock.schedule(delayMs >= longMs ? 20 : delayMs, run),
  };
}

export async function openScene(changed: Partial<InfluxConfig> = {}) {
  const influx = await startInfluxDouble();
  const server = createKafkaServer();
  const kafka = server.connect();
  const clock = hurried(openSystemClock());
  const short = { requestTimeoutMs: 200, linesMax: 25, ...changed };
  const config = configFor(influx, short);
  const telemetry = createRecordedTelemetry();
  const events = openInfluxEvents(telemetry);
  await kafka.ensureTopics([topicOf(partitions)]);
  const producer = await kafka.openProducer();
  const worlds = Array.from({ length: partitions }, () => createWorld());
  closing.push(() => influx.close());

  /** Series of a partition are its own: 3 × partition + 0, 1, 2. */
  function batchOf(world: World, partition: number, rows: number) {
    const at = world.end * 31;
    const made = Array.from({ length: rows }, (_, place) => ({
      series: place % 3,
      day: (at + place) % 3,
      slot: (at + place) % 40,
      form: place % 5,
      value: at + place,
      kind: (place % 7 === 6 ? 'history' : 'value') as 'history' | 'value',
    }));
    const batch = world.grow({ rows: made, entries: [], waitMs: 1 });
    const own = batch.rows.map((row) => ({ ...row, series: row.series + 3 * partition }));
    return { ...batch, rows: own };
  }

  const expected = new Set<string>();
  /** Of each partition, batch by batch. */
  const linesOf = worlds.map((): string[][] => []);
  async function publish(partition: number, rows: number): Promise<void> {
    const world = worlds[partition]!;
    const batch = batchOf(world, partition, rows);
    const position = world.end;
    const builder = createLineBuilder({ ...config, rowTags: tagsOf });
    const value = Buffer.from(encodeBatch(batch));
    const { rows: decoded, registryVersion } = decodeBatch(position, value);
    const lines = decoded.map((row, place) =>
      builder.lineOf(row, { partition, batch: position, place, registryVersion }),
    );
    linesOf[partition]!.push(lines);
    for (const line of lines) expected.add(line);
    const headers = { position: String(position) };
    await producer.send([{ topic, partition, key: null, value, headers }]);
  }

  function open(rowTags: (series: number) => SeriesTags = tagsOf): Sink {
    const connection = openConnection({ config, token: 't', clock });
    const random = createSeededRandom(3);
    const writer = openWriter({ config, connection, clock, random, events });
    const client = server.connect();
    const options = { kafka: client, topic, group, config, clock, events, writer, rowTags };
    const sink = openSink(options);
    closing.push(async () => {
      await sink.close();
      connection.close();
    });
    return sink;
  }

  const parts = { influx, server, kafka, producer, telemetry, config, events };
  return { ...parts, worlds, expected, linesOf, publish, open };
}

export type Scene = Awaited<ReturnType<typeof openScene>>;

export function stored({ influx }: Scene): Set<string> {
  return new Set(
    [...influx.points].map(([name, { fields }]) => {
      const [head = '', time = ''] = name.split(' ');
      return `${head} ${[...fields].map(([field, value]) => `${field}=${value}`).join(',')} ${time}`;
    }),
  );
}

export async function turn(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}

export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await turn();
}

/** Until all that was published is noted. */
export async function untilNoted(scene: Scene): Promise<void> {
  await until(async () => {
    const noted = await notedPositions(scene.kafka, group, topic);
    return scene.worlds.every(({ end }, partition) => (noted.get(partition) ?? 0) === end);
  });
}

export async function notesIn({ kafka }: Scene): Promise<Map<number, string>> {
  const noted = await kafka.groupOffsets(group, topic);
  return new Map(noted.map(({ partition, note }) => [partition, note]));
}

export function atEnd(close: () => Promise<void>): void {
  closing.push(close);
}
