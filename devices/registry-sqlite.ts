import { existsSync } from 'node:fs';
import { defaultDevicesConfig, type DevicesConfig } from './config.ts';
import { openDatabase, type Database } from './database.ts';
import { createDevicesEvents } from './events.ts';
import type { Random } from './random.ts';
import { createChange } from './registry/change.ts';
import { createCore, readerOf } from './registry/core.ts';
import { createCredentialStore } from './registry/credential-store.ts';
import { createHistory } from './registry/history.ts';
import { createFileImporter } from './registry/import.ts';
import { createCredentialWriter } from './registry/issue.ts';
import { fileOf } from './registry/records.ts';
import { checkRegistry, migrateRegistry, registryFormat } from './registry/tables.ts';
import {
  closingOnError,
  openExisting,
  type RegistryReaderOptions,
} from './registry-sqlite-reader.ts';
import type { RegistryWriter } from './registry.ts';
import type { Telemetry } from './telemetry.ts';

/** The registry in one SQLite file (`registry/tables.ts` says what is in it): one process writes. */
export interface RegistryWriterOptions extends Omit<RegistryReaderOptions, 'config'> {
  readonly config?: DevicesConfig;
  /** Source of secrets: `openSystemRandom` in the product. */
  readonly random: Random;
  readonly telemetry?: Telemetry;
  /** Codecs that a device may name; without it `codec` is not judged at import. */
  readonly codecs?: ReadonlySet<string>;
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
