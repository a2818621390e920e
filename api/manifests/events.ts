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
  /** A manifest was made while the clock was ahead: it names a day that is to come. */
  dayAhead(manifest: {
    readonly sequence: number;
    readonly named: string;
    readonly day: string;
  }): void;
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
    dayAhead(manifest) {
      logger.warn(
        { ...manifest },
        'The latest manifest names a day that is to come: the clock was ahead. Another is made for the day that it is.',
      );
    },
    keyMade(kid) {
      logger.info({ kid }, 'A key for manifests was made.');
    },
  };
}
