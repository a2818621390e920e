import { defaultDevicesConfig } from './config.ts';
import { openDatabase, rehearse, type Database } from './database.ts';
import { devicesError } from './errors.ts';
import { createDevicesEvents } from './events.ts';
import type { Settle } from './registry/change.ts';
import { sealed, tableEnds, type RegistryChangeset } from './registry/changeset.ts';
import { createCopiedStore, prepareCopy } from './registry/copied.ts';
import { createCore, readerOf } from './registry/core.ts';
import { holdEvents } from './registry/held-events.ts';
import { migrateRegistry, registryFormat } from './registry/tables.ts';
import { closingOnError, refuseStrange } from './registry-sqlite-reader.ts';
import { writerOn, type RegistryWriterOptions } from './registry-sqlite.ts';
import type { RegistryReader, RegistryWriter } from './registry.ts';

/**
 * Makes changes on trial, on a copy of the registry (`registry-copy.ts`): what a change would write
 * is taken as a changeset, and taken back at once. The copy itself writes it when it comes from
 * there where the registry is kept, as every other version.
 */
export interface RegistryTrial
  extends RegistryReader, Pick<RegistryWriter, 'exportFile' | 'history' | 'historySlice' | 'past'> {
  /**
   * Runs `work` on the newest version that the copy holds. Throws what `work` throws. One change of
   * the writer is one version: a second change in the same work is a defect, and throws.
   */
  attempt<Result>(work: (writer: RegistryWriter) => Result, id: string): Attempt<Result>;
}

export interface Attempt<Result> {
  readonly result: Result;
  /** What is to be kept; null when the work changed nothing. */
  readonly changeset: RegistryChangeset | null;
  /** Tells log and metrics what the work did: to be called once that counts. */
  readonly tell: () => void;
}

/** Opens the copy in registry.db for trials; writes nothing into it but its empty tables. */
export function openRegistryTrial(path: string, options: RegistryWriterOptions): RegistryTrial {
  const config = options.config ?? defaultDevicesConfig();
  const { busyTimeoutMs } = config;
  refuseStrange(path, busyTimeoutMs);
  const database = openDatabase(path, { busyTimeoutMs, synchronous: 'full' });
  return closingOnError(database, () => {
    migrateRegistry(database, path);
    prepareCopy(database, path);
    return trialOver(database, { ...options, config });
  });
}

function trialOver(
  database: Database,
  options: RegistryWriterOptions & Required<Pick<RegistryWriterOptions, 'config'>>,
): RegistryTrial {
  const { telemetry } = options;
  const held = holdEvents(telemetry === undefined ? undefined : createDevicesEvents(telemetry));
  const core = createCore(database, options);
  const copied = createCopiedStore(database);
  let id = '';
  let made: RegistryChangeset | null = null;

  const settle: Settle = (_core, work) => {
    if (made !== null) throw new Error('one work makes one change of the registry');
    const { result, changeset } = rehearse(database, () => {
      const kept = work();
      return { kept, ends: tableEnds(database) };
    });
    if (changeset.length > 0) made = sealedAfter(result.ends, changeset);
    return result.kept;
  };

  function sealedAfter(ends: RegistryChangeset['ends'], bytes: Uint8Array): RegistryChangeset {
    const { version } = core.versions.newest.registry;
    const previous = copied.digestAt(version);
    if (previous === undefined) throw devicesError('DEVICES_REGISTRY_CORRUPT', { version });
    return sealed({ version: version + 1, tables: registryFormat, previous, id, ends, bytes });
  }

  const writer = writerOn(core, { ...options, events: held.events, settle });
  return {
    ...readerOf(core),
    exportFile: () => writer.exportFile(),
    history: (page) => writer.history(page),
    historySlice: (after, limit) => writer.historySlice(after, limit),
    past: writer.past,
    attempt(work, idOfChange) {
      id = idOfChange;
      made = null;
      core.refresh();
      try {
        const result = work(writer);
        return { result, changeset: made, tell: held.take() };
      } catch (error) {
        const tell = held.take();
        // A file that was refused is told of; what was changed, and is not kept, did not happen.
        if (made === null) tell();
        throw error;
      }
    },
  };
}
