/** The command `rebuild`: empties the view in InfluxDB, and the workers write it again. */
import { readFileSync } from 'node:fs';
import type { Command } from './command-line.ts';
import { configurationOf, tell } from './command-telling.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { openProcessTelemetry } from './devices/telemetry-pino.ts';
import { startError } from './errors.ts';
import { connectKafka } from './ingest/cluster/connect.ts';
import { joinAlone } from './ingest/cluster/group-alone.ts';
import { namesOf } from './ingest/cluster/names.ts';
import { tokenOf } from './ingest/store/influx/config.ts';
import { openConnection } from './ingest/store/influx/connection.ts';
import { openInfluxEvents } from './ingest/store/influx/events.ts';
import { checkView, rebuildView } from './ingest/store/influx/view.ts';

/** With START_WORKERS_RUNNING nothing was changed. */
export async function rebuildCommand(command: Command): Promise<number> {
  const { cluster } = configurationOf(command);
  const config = cluster?.influx;
  if (cluster === undefined || config === undefined) {
    const accepted = 'url, org, bucket and a token, with cluster.node and cluster.kafka.brokers';
    throw startError('START_CONFIG_INVALID', { key: 'cluster.influx', value: undefined, accepted });
  }
  const readText = (path: string): string => readFileSync(path, 'utf8');
  const clock = openSystemClock();
  const telemetry = openProcessTelemetry({ room: 'main', level: 'error' });
  const ca = config.caFile === undefined ? {} : { ca: readText(config.caFile) };
  const connection = openConnection({ config, clock, token: tokenOf(config, readText), ...ca });
  const kafka = connectKafka({
    config: cluster.kafka,
    clock,
    telemetry,
    readText,
    clientId: `node-${cluster.node}-rebuild`,
  });
  const { topics, groups } = namesOf(cluster.kafka.topicPrefix);
  const topic = topics.observations;
  try {
    await checkView({ connection, config });
    const alone = await joinAlone({
      kafka,
      clock,
      group: groups.sink,
      topic,
      partitions: cluster.partitions,
      sessionTimeoutMs: cluster.kafka.sessionTimeoutMs,
    });
    if (alone === undefined) throw startError('START_WORKERS_RUNNING');
    try {
      const events = openInfluxEvents(telemetry);
      await rebuildView({ kafka, connection, config, events, group: groups.sinkNotes, topic });
    } finally {
      await alone.close();
    }
  } finally {
    connection.close();
    await kafka.close();
  }
  const { url, bucket } = config;
  const sentence = `the view in ${url}, bucket ${bucket}, is empty: start the workers, which write it again`;
  tell(command, { event: 'rebuilding', url, bucket }, sentence);
  return 0;
}
