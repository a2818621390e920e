/** A worker's share in carrying the observations into InfluxDB. */
import { sleep, type Clock } from '../../devices/clock.ts';
import type { Random } from '../../devices/random.ts';
import type { RegistryReader } from '../../devices/registry.ts';
import type { Telemetry } from '../../devices/telemetry.ts';
import { ingestError } from '../errors.ts';
import type { Kafka } from '../log/kafka/kafka.ts';
import { tokenOf, type InfluxConfig } from '../store/influx/config.ts';
import { openConnection } from '../store/influx/connection.ts';
import { openInfluxEvents } from '../store/influx/events.ts';
import type { SeriesTags } from '../store/influx/schema.ts';
import { openSink } from '../store/influx/sink.ts';
import { openCheckedWriter } from '../store/influx/checked-writer.ts';
import type { ClusterConfig } from './config.ts';
import { namesOf } from './names.ts';

export interface SinkDutyOptions {
  readonly kafka: Kafka;
  readonly registry: RegistryReader;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly influx: InfluxConfig;
  readonly cluster: ClusterConfig;
  readonly readText: (path: string) => string;
  readonly failed: (error: unknown) => void;
}

const closeMsMax = 1_000;

/** Joins the group of sinks. Throws INFLUX_TOKEN_MISSING; that InfluxDB is away is awaited. */
export async function openSinkDuty(options: SinkDutyOptions): Promise<{ close(): Promise<void> }> {
  const { kafka, registry, clock, telemetry, influx, cluster, readText } = options;
  const names = namesOf(cluster.kafka.topicPrefix);
  const events = openInfluxEvents(telemetry);
  const { caFile } = influx;
  const connection = openConnection({
    config: influx,
    clock,
    token: tokenOf(influx, readText),
    ...(caFile === undefined ? {} : { ca: readText(caFile) }),
  });
  const { random } = options;
  const writer = openCheckedWriter({ connection, config: influx, clock, random, events });
  const sink = openSink({
    kafka,
    writer,
    clock,
    events,
    config: influx,
    topic: names.topics.observations,
    group: names.groups.sinkNotes,
    rowTags: (series) => tagsOf(registry, series),
  });
  sink.done.catch(options.failed);
  const membership = await kafka.join({
    group: names.groups.sink,
    topic: names.topics.observations,
    node: cluster.node,
    held: () => [],
    assigned: (partitions) => sink.assign(partitions),
    lost: (error) =>
      telemetry.logger.warn({ error }, 'the sink fell out of its group, it joins again'),
  });
  return {
    async close() {
      await membership.close();
      await Promise.race([sink.close(), sleep(clock, closeMsMax)]);
      connection.close();
    },
  };
}

/** Station, id and property of a datastream never change, so any version that has it will do. */
function tagsOf(registry: RegistryReader, series: number): SeriesTags {
  const found = registry.current().bySeries[series] ?? registry.refresh().bySeries[series];
  if (found === undefined) throw ingestError('INGEST_REGISTRY_VERSION', { series });
  return { station: found.station, datastream: found.id, property: found.property };
}
