/** What a thread of a node asks of InfluxDB: rows of the time before its horizon. */
import type { Clock } from '../../devices/clock.ts';
import type { RegistryReader } from '../../devices/registry.ts';
import type { Kafka } from '../log/kafka/kafka.ts';
import type { Position } from '../log/log.ts';
import type { HistoryReader } from '../store/history.ts';
import { tokenOf, type InfluxConfig } from '../store/influx/config.ts';
import { openConnection } from '../store/influx/connection.ts';
import { notedPositions } from '../store/influx/feeds.ts';
import { openHistoryReader } from '../store/influx/history-reader.ts';
import type { ClusterConfig } from './config.ts';
import { namesOf } from './names.ts';
import { partitionOf } from './partition-of.ts';

export interface Past {
  /** Answers of batches up to those that were noted when `noted` was last asked. */
  readonly history: HistoryReader;
  /** By partition, the last batch that is wholly in InfluxDB, as of now. Rejects KAFKA_…. */
  noted(): Promise<ReadonlyMap<number, Position>>;
  close(): void;
}

export interface PastOptions {
  readonly kafka: Kafka;
  readonly registry: Pick<RegistryReader, 'current'>;
  readonly clock: Clock;
  readonly influx: InfluxConfig;
  readonly cluster: ClusterConfig;
  readonly readText: (path: string) => string;
}

/** Throws INFLUX_TOKEN_MISSING; connects to nothing yet. */
export function openPast(options: PastOptions): Past {
  const { kafka, registry, clock, influx, cluster, readText } = options;
  const { caFile } = influx;
  const { topics, groups } = namesOf(cluster.kafka.topicPrefix);
  const connection = openConnection({
    config: influx,
    clock,
    token: tokenOf(influx, readText),
    ...(caFile === undefined ? {} : { ca: readText(caFile) }),
  });
  let known: ReadonlyMap<number, Position> = new Map();

  function positionOf(series: number): Position {
    const station = registry.current().bySeries[series]?.station;
    const partition = station === undefined ? -1 : partitionOf(station, cluster.partitions);
    return known.get(partition) ?? 0;
  }

  return {
    history: openHistoryReader({
      connection,
      config: influx,
      positionOf,
      isCircular: (series) => {
        const { bySeries, properties } = registry.current();
        return properties.get(bySeries[series]?.property ?? '')?.circular === true;
      },
    }),
    async noted() {
      known = await notedPositions(kafka, groups.sinkNotes, topics.observations);
      return known;
    },
    close: () => connection.close(),
  };
}
