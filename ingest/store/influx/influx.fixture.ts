/** What the tests of this folder share: settings, tags, and a view made of its parts. */
import { createSeededRandom } from '../../../devices/random.ts';
import {
  createRecordedTelemetry,
  type RecordedTelemetry,
} from '../../../devices/telemetry-silent.ts';
import type { Clock } from '../../../devices/clock.ts';
import type { TopicSpecification } from '../../log/kafka/kafka.ts';
import type { Batch } from '../../observations/batch.ts';
import type { Position } from '../../log/log.ts';
import type { HistoryReader } from '../history.ts';
import { isCircularSeries } from '../naive.contract.ts';
import { influxConfigSchema, type InfluxConfig } from './config.ts';
import { openConnection, type Connection } from './connection.ts';
import { openInfluxEvents } from './events.ts';
import { openHistoryReader } from './history-reader.ts';
import { createLineBuilder } from './lines.ts';
import type { SeriesTags } from './schema.ts';
import { openWriter, type RefusedLine, type Writer } from './writer.ts';

export interface InfluxServer {
  readonly url: string;
  readonly token: string;
  readonly org: string;
  readonly bucket: string;
}

/** A server given by the environment: `INFLUX_URL`, `INFLUX1_URL` and what belongs to them. */
export function serverOf(
  environment: Readonly<Record<string, string | undefined>>,
  prefix: 'INFLUX' | 'INFLUX1',
): InfluxServer | undefined {
  const url = environment[`${prefix}_URL`];
  if (url === undefined || url === '') return undefined;
  const of = (name: string): string => environment[`${prefix}_${name}`] ?? '';
  return { url, token: of('TOKEN'), org: of('ORG'), bucket: of('BUCKET') };
}

/** Waits short enough for tests. */
export function configFor(
  { url, org, bucket }: Pick<InfluxServer, 'url'> & Partial<InfluxServer>,
  changed: Partial<InfluxConfig> = {},
): InfluxConfig {
  return influxConfigSchema.parse({
    url,
    org: org ?? 'quantrac',
    bucket: bucket ?? 'observations',
    backoffMinMs: 1,
    backoffMaxMs: 4,
    retryAfterMsMax: 5,
    lingerMs: 0,
    ...changed,
  });
}

export const topic = 'observations';

export function topicOf(partitions: number): TopicSpecification {
  return {
    topic,
    partitions,
    replicationFactor: 1,
    minInsyncReplicas: 1,
    cleanupPolicy: 'delete',
    retentionMs: -1,
    messageBytesMax: 8_388_608,
  };
}

export function tagsOf(series: number): SeriesTags {
  const station = `station-${series % 7}`;
  return { station, datastream: `${station}.${series}`, property: 'air-temperature' };
}

export interface InfluxView {
  readonly config: InfluxConfig;
  readonly connection: Connection;
  readonly writer: Writer;
  readonly reader: HistoryReader;
  readonly telemetry: RecordedTelemetry;
  readonly refused: RefusedLine[];
  /** Makes the lines of a batch of partition 0 and writes them. */
  take(position: Position, batch: Batch): Promise<void>;
  linesOf(position: Position, batch: Batch): string[];
  close(): void;
}

export function openInfluxView(config: InfluxConfig, token: string, clock: Clock): InfluxView {
  const telemetry = createRecordedTelemetry();
  const events = openInfluxEvents(telemetry);
  const connection = openConnection({ config, token, clock });
  const refused: RefusedLine[] = [];
  const random = createSeededRandom(1);
  const inner = openWriter({ config, connection, clock, random, events });
  const writer: Writer = {
    ...inner,
    async write(lines) {
      const aside = await inner.write(lines);
      refused.push(...aside);
      return aside;
    },
  };
  const lines = createLineBuilder({ ...config, rowTags: tagsOf });
  let held = 0;
  const linesOf = (position: Position, batch: Batch): string[] =>
    batch.rows.map((row, place) => {
      const { registryVersion } = batch;
      return lines.lineOf(row, { partition: 0, batch: position, place, registryVersion });
    });
  return {
    config,
    connection,
    writer,
    telemetry,
    refused,
    reader: openHistoryReader({
      connection,
      config,
      positionOf: () => held,
      isCircular: isCircularSeries,
    }),
    linesOf,
    async take(position, batch) {
      await writer.write(linesOf(position, batch));
      held = Math.max(held, position);
    },
    close() {
      writer.close();
      connection.close();
    },
  };
}
