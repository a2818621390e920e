import type { RegistryWriter } from '../registry.ts';

/**
 * The one way to change the registry, whoever keeps it: on one machine the file itself, in a cluster
 * a chain of versions that every node copies.
 */
export interface RegistryChanges {
  /**
   * Runs `work` on the newest version there is; what it writes is one version, in force everywhere
   * or nowhere. It may run more than once, each time on a newer version, and only its last run counts;
   * it must not keep the writer. Resolves once this node holds the version. Rejects with what `work`
   * throws, nothing changed; or, where others are needed for a change, with an error that says whether
   * it may have been made.
   */
  change<Result>(work: (writer: RegistryWriter) => Result): Promise<Changed<Result>>;
}

export interface Changed<Result> {
  readonly result: Result;
  /** The newest version afterwards. */
  readonly version: number;
  /** False when there was nothing to write. */
  readonly changed: boolean;
}

/** Of a registry that one process keeps. */
export function createOwnChanges(writer: RegistryWriter): RegistryChanges {
  return {
    async change(work) {
      const before = writer.current().version;
      const result = work(writer);
      const { version } = writer.current();
      return { result, version, changed: version !== before };
    },
  };
}
