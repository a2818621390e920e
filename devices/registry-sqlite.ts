import { existsSync } from 'node:fs';
import type { Clock } from './clock.ts';
import { defaultDevicesConfig, type DevicesConfig } from './config.ts';
import { openDatabase, type Database } from './database.ts';
import { devicesError } from './errors.ts';
import { createDevicesEvents } from './events.ts';
import type { ObservedProperty } from './model.ts';
import type { Random } from './random.ts';
import { createChange } from './registry/change.ts';
import { createCore, readerOf } from './registry/core.ts';
import { createCredentialStore } from './registry/credential-store.ts';
import { createHistory } from './registry/history.ts';
import { createFileImporter } from './registry/import.ts';
import { createCredentialWriter } from './registry/issue.ts';
import { fileOf } from './registry/records.ts';
import { checkRegistry, migrateRegistry, registryFormat } from './registry/tables.ts';
import type { RegistryReader, RegistryWriter } from './registry.ts';
import type { Telemetry } from './telemetry.ts';

/**
 * The registry in one SQLite file (`registry/tables.ts` says what is in it). One process writes;
 * every worker that reads holds its own read-only connection and its own compiled versions, and
 * sees a change when it calls `refresh`.
 */
export interface RegistryReaderOptions {
  /** Wall clock: secrets expire by it. */
  readonly clock: Clock;
  readonly config?: DevicesConfig;
  /** What can be measured; by default the shipped catalogue. */
  readonly properties?: ReadonlyMap<string, ObservedProperty>;
}

export interface RegistryWriterOptions extends RegistryReaderOptions {
  /** Source of secrets: `openSystemRandom` in the product. */
  readonly random: Random;
  readonly telemetry?: Telemetry;
  /** Codecs that a device may name; without it `codec` is not judged at import. */
  readonly codecs?: ReadonlySet<string>;
}

/** Opens an existing registry read-only. Throws DEVICES_REGISTRY_MISSING, …_FOREIGN or …_NEWER. */
export function openRegistryReader(path: string, options: RegistryReaderOptions): RegistryReader {
  const config = options.config ?? defaultDevicesConfig();
  const database = openExisting(path, config.busyTimeoutMs);
  return closingOnError(database, () => {
    if (checkRegistry(database, path) < registryFormat) {
      throw devicesError('DEVICES_REGISTRY_MISSING', { path, reason: 'not made or migrated yet' });
    }
    return readerOf(createCore(database, { ...options, config }));
  });
}

/** Opens, and creates or migrates, the registry for writing. Throws …_FOREIGN or …_NEWER. */
export function openRegistryWriter(path: string, options: RegistryWriterOptions): RegistryWriter {
  const config = options.config ?? defaultDevicesConfig();
  // A foreign or newer file must not even get a write-ahead log beside it.
  if (existsSync(path)) {
    const present = openExisting(path, config.busyTimeoutMs);
    closingOnError(present, () => checkRegistry(present, path));
    present.close();
  }
  const { busyTimeoutMs } = config;
  const database = openDatabase(path, { busyTimeoutMs, synchronous: 'full' });
  return closingOnError(database, () => writerOver(database, path, { ...options, config }));
}

function writerOver(
  database: Database,
  path: string,
  options: RegistryWriterOptions & { readonly config: DevicesConfig },
): RegistryWriter {
  const { config, telemetry } = options;
  const events = telemetry === undefined ? undefined : createDevicesEvents(telemetry);
  const found = migrateRegistry(database, path);
  if (found > 0 && found < registryFormat) {
    events?.registryMigrated({ from: found, to: registryFormat });
  }
  const core = createCore(database, options);
  const history = createHistory(database, config.historyRowsMax);
  const change = createChange(core, history, options.clock);
  events?.registryOpened({ version: core.versions.newest.registry.version, path });
  return {
    ...readerOf(core),
    ...createCredentialWriter({
      store: createCredentialStore(database),
      change,
      events,
      config,
      random: options.random,
      registry: () => core.versions.newest.registry,
      isToken: (id) => core.credentials.isToken(id),
    }),
    importFile: createFileImporter({
      core,
      change,
      events,
      codecs: options.codecs,
      entriesMax: config.importEntitiesMax,
    }),
    exportFile: () => fileOf(core.versions.refresh().records),
    history: (page) => history.read(page),
  };
}

function openExisting(path: string, busyTimeoutMs: number): Database {
  try {
    return openDatabase(path, { readOnly: true, busyTimeoutMs });
  } catch (error) {
    // SQLITE_NOTADB: the file is there, and is no database.
    const isForeign = error instanceof Error && 'errcode' in error && error.errcode === 26;
    const code = isForeign ? 'DEVICES_REGISTRY_FOREIGN' : 'DEVICES_REGISTRY_MISSING';
    throw devicesError(code, { path }, error);
  }
}

function closingOnError<Result>(database: Database, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    database.close();
    throw error;
  }
}
