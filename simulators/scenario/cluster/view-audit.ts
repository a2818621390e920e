/** Whether InfluxDB holds what the reading API shows: series by series, row by row. */
import { join } from 'node:path';
import { sleep, type Clock } from '../../../devices/clock.ts';
import { defaultDevicesConfig } from '../../../devices/config.ts';
import type { Random } from '../../../devices/random.ts';
import { openRegistryReader } from '../../../devices/registry-sqlite-reader.ts';
import { createRecordedTelemetry } from '../../../devices/telemetry-silent.ts';
import { lastBatch } from '../../../ingest/cluster/batches.ts';
import { connectKafka } from '../../../ingest/cluster/connect.ts';
import { namesOf } from '../../../ingest/cluster/names.ts';
import { partitionOf } from '../../../ingest/cluster/partition-of.ts';
import { kafkaConfigSchema } from '../../../ingest/log/kafka/config.ts';
import type { Kafka } from '../../../ingest/log/kafka/kafka.ts';
import type { ObservationRow } from '../../../ingest/observation.ts';
import { influxConfigSchema } from '../../../ingest/store/influx/config.ts';
import { openConnection } from '../../../ingest/store/influx/connection.ts';
import { notedPositions } from '../../../ingest/store/influx/feeds.ts';
import { openHistoryReader } from '../../../ingest/store/influx/history-reader.ts';
import { readAnswer } from '../../load/answer.ts';
import { apiOf } from './measures.ts';
import type { Cluster } from './world.ts';

export interface ViewAudit {
  readonly series: number;
  readonly rows: number;
  /** Rows of the API that InfluxDB does not have. */
  readonly missing: number;
  /** Rows that differ in value, flag or revision. */
  readonly changed: number;
  /** Rows of InfluxDB that the API does not show. */
  readonly invented: number;
  /** From the asking until InfluxDB had the last batch of every partition, ms. */
  readonly levelMs: number;
}

export interface ViewAuditOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly random: Random;
  /** How many series are compared, chosen at random. */
  readonly series: number;
  readonly partitions: number;
  readonly levelMsMax: number;
}

const lookMs = 250;
const allTime = {
  fromAt: Number.NEGATIVE_INFINITY,
  toAt: Number.POSITIVE_INFINITY,
  order: 'asc',
  limit: 10_000_000,
} as const;

export async function auditView(options: ViewAuditOptions): Promise<ViewAudit> {
  const { cluster, clock, random, partitions } = options;
  const { kafka: address, influx2 } = cluster.servers.addresses;
  const [node] = cluster.nodesOf('api');
  if (address === undefined || influx2 === undefined || node === undefined) {
    throw new Error('the view is compared where Kafka, InfluxDB 2 and an api run');
  }
  const kafka = connectKafka({
    config: kafkaConfigSchema.parse({ brokers: address.brokers }),
    clock,
    telemetry: createRecordedTelemetry(),
    clientId: 'view-audit',
    readText: () => '',
  });
  const { token, ...influx } = influx2;
  const config = influxConfigSchema.parse({ ...influx, token });
  const connection = openConnection({ config, clock, token });
  const registry = openRegistryReader(join(node.dataDir, 'registry.db'), {
    clock,
    config: defaultDevicesConfig(),
  });
  try {
    const sinceMs = clock.monotonicMs();
    const positions = await untilLevel(kafka, options);
    const levelMs = Math.round(clock.monotonicMs() - sinceMs);
    const { datastreams, bySeries } = registry.refresh();
    const reader = openHistoryReader({
      connection,
      config,
      isCircular: () => false,
      positionOf: (series) =>
        positions.get(partitionOf(bySeries[series]?.station ?? '', partitions)) ?? 0,
    });
    const found = { series: 0, rows: 0, missing: 0, changed: 0, invented: 0 };
    const all = [...datastreams.values()];
    for (let left = Math.min(options.series, all.length); left > 0; left -= 1) {
      const [one] = all.splice(Math.floor(random.next() * all.length), 1);
      if (one === undefined) break;
      const rows = await reader.range({ ...allTime, series: one.series });
      found.series += 1;
      compare(await readApi(apiOf(node), one.id), rows, found);
    }
    return { ...found, levelMs };
  } finally {
    registry.close();
    connection.close();
    await kafka.close();
  }
}

/** Waits until what is noted of InfluxDB is the last batch of every partition. */
async function untilLevel(
  kafka: Kafka,
  { clock, partitions, levelMsMax }: ViewAuditOptions,
): Promise<ReadonlyMap<number, number>> {
  const { topics, groups } = namesOf(kafkaConfigSchema.shape.topicPrefix.parse(undefined));
  const topic = topics.observations;
  const until = clock.monotonicMs() + levelMsMax;
  for (;;) {
    const noted = await notedPositions(kafka, groups.sinkNotes, topic);
    let behind = 0;
    for (let partition = 0; partition < partitions; partition += 1) {
      const last = await lastBatch({ kafka, topic, partition });
      behind += (last?.position ?? 0) - (noted.get(partition) ?? 0);
    }
    if (behind === 0 || clock.monotonicMs() > until) return noted;
    await sleep(clock, lookMs);
  }
}

interface ApiRow {
  readonly phenomenonTime: string;
  readonly result: number | null;
  readonly flag: number;
  readonly revision: number;
}

async function readApi(api: string, datastream: string): Promise<readonly ApiRow[]> {
  const path = `/api/v1/observations?datastream=${datastream}&format=ndjson`;
  const lines = (await readAnswer(api, path)).trimEnd().split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as ApiRow);
}

function compare(
  shown: readonly ApiRow[],
  stored: readonly ObservationRow[],
  found: { rows: number; missing: number; changed: number; invented: number },
): void {
  const byEnd = new Map(stored.map((row) => [row.endAt, row]));
  const kept = byEnd.size;
  for (const { phenomenonTime, result, flag, revision } of shown) {
    const end = Date.parse(phenomenonTime.split('/').at(-1) ?? '');
    const row = byEnd.get(end);
    found.rows += 1;
    if (row === undefined) found.missing += 1;
    else if (row.result !== result || row.verdict.flag !== flag || row.revision !== revision) {
      found.changed += 1;
    }
    byEnd.delete(end);
  }
  found.invented += stored.length - (kept - byEnd.size);
}
