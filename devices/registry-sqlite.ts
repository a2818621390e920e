import { defaultDevicesConfig, type DevicesConfig } from './config.ts';
import { openDatabase, type Database } from './database.ts';
import { devicesError } from './errors.ts';
import { createDevicesEvents, type DevicesEvents } from './events.ts';
import type { Random } from './random.ts';
import { createChange, keepChange, type Settle } from './registry/change.ts';
import { isCopy } from './registry/copied.ts';
import { createCore, readerOf, type RegistryCore } from './registry/core.ts';
import { createCredentialStore } from './registry/credential-store.ts';
import { createAccessWriter } from './registry/grants.ts';
import { createHistory } from './registry/history.ts';
import { createFileImporter } from './registry/import.ts';
import { createCredentialWriter } from './registry/issue.ts';
import { createRegistryPast } from './registry/past.ts';
import { fileOf } from './registry/records.ts';
import { migrateRegistry, registryFormat } from './registry/tables.ts';
import {
  closingOnError,
  refuseStrange,
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
  /** By which embargoes and grants end (`judged-time.ts`); without it, the clock. */
  readonly judgedNow?: () => number;
  /** Codecs that a device may name; without it `codec` is not judged at import. */
  readonly codecs?: ReadonlySet<string>;
}

/** Opens, and creates or migrates, the registry for writing. Throws …_FOREIGN, …_NEWER or …_COPY. */
export function openRegistryWriter(path: string, options: RegistryWriterOptions): RegistryWriter {
  const config = options.config ?? defaultDevicesConfig();
  const { busyTimeoutMs } = config;
  refuseStrange(path, busyTimeoutMs);
  const database = openDatabase(path, { busyTimeoutMs, synchronous: 'full' });
  return closingOnError(database, () => writerOver(database, path, { ...options, config }));
}

function writerOver(
  database: Database,
  path: string,
  options: RegistryWriterOptions & { readonly config: DevicesConfig },
): RegistryWriter {
  const { telemetry } = options;
  const events = telemetry === undefined ? undefined : createDevicesEvents(telemetry);
  const found = migrateRegistry(database, path);
  if (isCopy(database)) throw devicesError('DEVICES_REGISTRY_COPY', { path });
  if (found > 0 && found < registryFormat) {
    events?.registryMigrated({ from: found, to: registryFormat });
  }
  const core = createCore(database, options);
  events?.registryOpened({ version: core.versions.newest.registry.version, path });
  return writerOn(core, { ...options, events, settle: keepChange });
}

/** The writer over a core; `settle` says what becomes of its changes. */
export function writerOn(
  core: RegistryCore,
  options: Omit<RegistryWriterOptions, 'telemetry'> & {
    readonly config: DevicesConfig;
    readonly events: DevicesEvents | undefined;
    readonly settle: Settle;
  },
): RegistryWriter {
  const { config, events } = options;
  const history = createHistory(core.database, config.historyRowsMax);
  const change = createChange(core, history, options);
  const store = createCredentialStore(core.database);
  return {
    ...readerOf(core),
    ...createAccessWriter({ core, change, events, store }),
    ...createCredentialWriter({
      store,
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
    historySlice: (after, limit) => history.readSlice(after, limit),
    past: createRegistryPast(core.database, core.versions, options),
  };
}
