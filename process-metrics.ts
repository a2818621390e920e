/** Figures of the whole process, as Prometheus text: CPU, memory, clock, disk, and what it runs as. */
import { statfs } from 'node:fs/promises';
import type { Configuration } from './configuration.ts';
import type { Clock } from './devices/clock.ts';
import { openProcessTelemetry } from './devices/telemetry-pino.ts';
import program from './package.json' with { type: 'json' };

export interface ProcessMetricsOptions {
  readonly configuration: Pick<Configuration, 'logLevel' | 'role' | 'cluster'>;
  readonly clock: Clock;
  /** Data folder. */
  readonly path: string;
}

const secondMs = 1_000;

/** Once in a process. `text` looks at clock and disk at that moment. */
export async function openProcessMetrics(
  options: ProcessMetricsOptions,
): Promise<{ text(): Promise<string> }> {
  const { clock, path } = options;
  const { logLevel, role, cluster } = options.configuration;
  const telemetry = openProcessTelemetry({ room: 'main', level: logLevel });
  await telemetry.addProcessMetrics();
  const { metrics } = telemetry;
  const labels = { version: program.version, role, node: String(cluster?.node ?? '') };
  metrics
    .gauge('quantrac_build_info', 'What runs here; the value is always 1.', Object.keys(labels))
    .set(1, labels);
  if (cluster !== undefined) {
    metrics
      .gauge('quantrac_cluster_partitions', 'Partitions that the cluster has.')
      .set(cluster.partitions);
  }
  const now = metrics.gauge('quantrac_clock_seconds', 'Unix time by the clock of this machine.');
  const free = metrics.gauge(
    'quantrac_data_folder_free_bytes',
    'Free bytes of the disk of the data folder.',
  );
  const whole = metrics.gauge(
    'quantrac_data_folder_disk_bytes',
    'Size of the disk of the data folder.',
  );
  return {
    async text() {
      now.set(clock.now() / secondMs);
      const { bavail, blocks, bsize } = await statfs(path);
      free.set(bavail * bsize);
      whole.set(blocks * bsize);
      return telemetry.text();
    },
  };
}
