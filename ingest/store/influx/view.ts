/** The view in InfluxDB as a whole: whether it may be used, and how it is thrown away. */
import type { Kafka } from '../../log/kafka/kafka.ts';
import type { InfluxConfig } from './config.ts';
import { refusalOf, type Connection } from './connection.ts';
import { influxError } from './errors.ts';
import type { InfluxEvents } from './events.ts';
import { formatVersion, measurementsOf } from './schema.ts';

export interface ViewOptions {
  readonly connection: Connection;
  readonly config: InfluxConfig;
}

const noContent = 204;

/**
 * At start: writes and reads the point that says the format, at the beginning of time, which a bucket
 * that forgets does not take. Rejects INFLUX_NOT_ALLOWED, INFLUX_BUCKET_MISSING, INFLUX_RETENTION,
 * INFLUX_NEWER_FORMAT, INFLUX_UNREACHABLE, INFLUX_BUSY, INFLUX_ANSWER.
 */
export async function checkView({ connection, config }: ViewOptions): Promise<void> {
  const { view } = measurementsOf(config.measurement);
  // Each format has a time of its own: a newer one is not written over.
  const answer = await connection.write(`${view} format=${formatVersion}i ${formatVersion}`);
  if (answer.status === noContent) return checkFormat({ connection, config });
  const { org, bucket } = config;
  const told = { org, bucket, answer: answer.body.slice(0, 500) };
  if (/retention/.test(answer.body)) throw influxError('INFLUX_RETENTION', told);
  throw refusalOf(answer, config);
}

async function checkFormat({ connection, config }: ViewOptions): Promise<void> {
  const { view } = measurementsOf(config.measurement);
  const [tables = []] = await connection.ask([`SELECT "format" FROM "${view}"`]);
  const formats = tables.flatMap(({ values }) => values.map((row) => Number(row[1])));
  const newest = Math.max(0, ...formats);
  const { measurement } = config;
  if (newest > formatVersion) {
    throw influxError('INFLUX_NEWER_FORMAT', { measurement, format: newest, known: formatVersion });
  }
  // Taken and not kept, or dropped since: it is written again.
  if (!formats.includes(formatVersion)) throw influxError('INFLUX_ANSWER', { measurement: view });
}

export interface RebuildOptions extends ViewOptions {
  readonly kafka: Kafka;
  readonly events: InfluxEvents;
  /** Where the sink notes its offsets, of which topic. */
  readonly group: string;
  readonly topic: string;
}

/**
 * Empties the view and lets the sink begin anew. No sink may run meanwhile: it would go on from where
 * it is, and note that. The notes go back first, so that what is cut short leaves nothing out.
 */
export async function rebuildView(options: RebuildOptions): Promise<void> {
  const { kafka, connection, config, group, topic, events } = options;
  const ends = await kafka.ends(topic);
  await kafka.noteGroupOffsets(
    group,
    topic,
    ends.map(({ start }, partition) => ({ partition, offset: start, note: '0' })),
  );
  const { shown, superseded, overflow } = measurementsOf(config.measurement);
  for (const measurement of [shown, superseded, overflow]) {
    await connection.drop(measurement);
    events.dropped({ measurement, partitions: ends.length });
  }
}
