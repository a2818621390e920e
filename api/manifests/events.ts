import type { Telemetry } from '../../devices/telemetry.ts';

export interface ManifestEvents {
  made(made: {
    readonly sequence: number;
    readonly rows: number;
    readonly changed: number;
    readonly elapsedMs: number;
  }): void;
  failed(error: unknown): void;
  keyMade(kid: string): void;
}

export function createManifestEvents({ logger, metrics }: Telemetry): ManifestEvents {
  const manifests = metrics.counter(
    'quantrac_manifests_total',
    'Signed manifests of the open data, by whether they were made.',
    ['outcome'],
  );
  const latest = metrics.gauge('quantrac_manifest_sequence', 'Number of the latest manifest.');
  return {
    made(made) {
      manifests.increase(1, { outcome: 'made' });
      latest.set(made.sequence);
      logger.info({ ...made }, 'A manifest of the open data was made and signed.');
    },
    failed(error) {
      manifests.increase(1, { outcome: 'failed' });
      logger.error({ err: error }, 'A manifest could not be made; trying again.');
    },
    keyMade(kid) {
      logger.info({ kid }, 'A key for manifests was made.');
    },
  };
}
