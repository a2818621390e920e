import type { Telemetry } from '../../../devices/telemetry.ts';

/** What happens to the registry of the cluster, as this node sees it. */
export interface RegistryEvents {
  /** What the copy held when it was opened. */
  held(version: number): void;
  /** The copy holds this version now. */
  copied(version: number): void;
  /** The topic cannot be read now; it is tried again. */
  followingHeld(error: unknown): void;
  /** The copy can never go on: the node stops. */
  followingFailed(error: unknown): void;
  /** A change of this node is in the topic. */
  changed(fields: {
    readonly version: number;
    readonly tries: number;
    readonly tookMs: number;
  }): void;
  /** Somebody else wrote meanwhile, or Kafka did not say whether it wrote: the change is looked at anew. */
  changeRepeated(fields: { readonly tries: number; readonly error: unknown }): void;
  nodeClaimed(fields: { readonly node: number; readonly session: string }): void;
}

export function createRegistryEvents({ logger, metrics }: Telemetry): RegistryEvents {
  const version = metrics.gauge(
    'quantrac_cluster_registry_version',
    'Version of the registry that this node holds',
  );
  const failures = metrics.counter(
    'quantrac_cluster_registry_read_failures_total',
    'Times that the topic of the registry could not be read; it is tried again',
  );
  const changes = metrics.counter(
    'quantrac_cluster_registry_changes_total',
    'Versions of the registry that this node made',
  );
  const repeats = metrics.counter(
    'quantrac_cluster_registry_repeats_total',
    'Changes of the registry begun anew because another node wrote, or the outcome was not known',
  );
  return {
    held: (present) => version.set(present),
    copied(present) {
      version.set(present);
      logger.info({ version: present }, 'A version of the registry was copied.');
    },
    followingHeld(error) {
      failures.increase();
      logger.warn({ error }, 'The registry of the cluster cannot be read now; it is tried again.');
    },
    followingFailed(error) {
      logger.error({ error }, 'This node cannot follow the registry of the cluster.');
    },
    changed(fields) {
      changes.increase();
      logger.info(fields, 'The registry of the cluster was changed.');
    },
    changeRepeated(fields) {
      repeats.increase();
      logger.warn(fields, 'A change of the registry is tried anew.');
    },
    nodeClaimed(fields) {
      logger.info(fields, 'This node has its number.');
    },
  };
}
