import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { openSystemClock } from './devices/clock-system.ts';
import { createRecordedTelemetry } from './devices/telemetry-silent.ts';
import { clusterConfigSchema, type ClusterConfig } from './ingest/cluster/config.ts';
import { connectKafka } from './ingest/cluster/connect.ts';
import { namesOf, topicsOf } from './ingest/cluster/names.ts';
import { openConnection } from './ingest/store/influx/connection.ts';

const { kafka: address, influx2, absent } = inject('realServers');
const isThere = address !== undefined && influx2 !== undefined;
const clock = openSystemClock();

function run(
  configuration: object,
): Promise<{ readonly code: number | null; readonly text: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-rebuild-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'quantrac.json');
  writeFileSync(file, JSON.stringify(configuration));
  return new Promise((resolve) => {
    const words = ['quantrac.js', 'rebuild', '--config', file, '--json'];
    const child = spawn(process.execPath, words, { cwd: import.meta.dirname });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
    }
    child.once('close', (code) => resolve({ code, text }));
  });
}

test('rebuild without InfluxDB in the configuration names the key', async () => {
  const { code, text } = await run({ cluster: { node: 1, kafka: { brokers: ['127.0.0.1:1'] } } });
  expect(code).toBe(2);
  expect(text).toContain('cluster.influx');
});

/** A cluster of its own, with one row in InfluxDB and a note that says so. */
async function openCluster(name: string) {
  const measurement = `${name}_${process.pid}_${clock.now()}`;
  const cluster: ClusterConfig = clusterConfigSchema.parse({
    node: 1,
    partitions: 2,
    kafka: {
      brokers: address?.brokers,
      topicPrefix: `${measurement}-`,
      replicationFactor: 1,
      minInsyncReplicas: 1,
      sessionTimeoutMs: 6_000,
    },
    influx: { ...influx2, measurement },
  });
  const { topics, groups } = namesOf(cluster.kafka.topicPrefix);
  const kafka = connectKafka({
    config: cluster.kafka,
    clock,
    telemetry: createRecordedTelemetry(),
    clientId: 'rebuild-test',
    readText: () => '',
  });
  onTestFinished(() => kafka.close());
  await kafka.ensureTopics(topicsOf(cluster));
  const config = cluster.influx as NonNullable<ClusterConfig['influx']>;
  const connection = openConnection({ config, clock, token: influx2?.token ?? '' });
  onTestFinished(() => connection.close());
  await connection.write(`${measurement},station=s row="r" 1700000000000000000`);
  const note = { partition: 0, offset: 7, note: '5' };
  await kafka.noteGroupOffsets(groups.sinkNotes, topics.observations, [note]);
  const rowsHeld = async (): Promise<number> => {
    const [tables = []] = await connection.ask([`SELECT "row" FROM "${measurement}"`]);
    return tables.flatMap(({ values }) => values).length;
  };
  const noted = async (): Promise<string[]> =>
    (await kafka.groupOffsets(groups.sinkNotes, topics.observations)).map((each) => each.note);
  return { cluster, kafka, group: groups.sink, topic: topics.observations, rowsHeld, noted };
}

describe.skipIf(!isThere)(`rebuild: real Kafka and InfluxDB 2.7${isThere ? '' : absent}`, () => {
  test('empties the view, and the sinks begin at the first batch', async () => {
    const { cluster, rowsHeld, noted } = await openCluster('rebuilt');
    expect([await rowsHeld(), await noted()]).toEqual([1, ['5']]);
    const { code, text } = await run({ cluster });
    expect([code, text]).toEqual([0, expect.stringContaining('"event":"rebuilding"')]);
    expect([await rowsHeld(), await noted()]).toEqual([0, ['0', '0']]);
  });

  test('changes nothing while a worker writes', async () => {
    const { cluster, kafka, group, topic, rowsHeld, noted } = await openCluster('kept');
    const worker = await kafka.join({
      group,
      topic,
      node: 4,
      held: () => [],
      assigned: () => undefined,
      lost: () => undefined,
    });
    onTestFinished(() => worker.close());
    const { code, text } = await run({ cluster });
    expect([code, text]).toEqual([2, expect.stringContaining('START_WORKERS_RUNNING')]);
    expect([await rowsHeld(), await noted()]).toEqual([1, ['5']]);
  });
});
