import type { Clock } from '../clock.ts';
import type { DevicesConfig } from '../config.ts';
import type { Database } from '../database.ts';
import { createZones, type Zones } from '../instant.ts';
import type { ObservedProperty } from '../model.ts';
import { propertyCatalogue } from '../properties/catalogue.ts';
import type { Registry, RegistryReader } from '../registry.ts';
import { createUnitConverter, type UnitConverter } from '../unit.ts';
import { createCredentialIndex, type CredentialIndex } from './credentials.ts';
import { createVersionLoader, type VersionLoader } from './loader.ts';

/** What reading and writing share: one connection and what was read through it. */
export interface RegistryCore {
  readonly database: Database;
  readonly versions: VersionLoader;
  readonly credentials: CredentialIndex;
  readonly properties: ReadonlyMap<string, ObservedProperty>;
  readonly units: UnitConverter;
  readonly zones: Zones;
  /** Reads what was committed since, entries and credentials of the same instant. */
  refresh(): Registry;
}

export function createCore(
  database: Database,
  options: {
    readonly clock: Clock;
    readonly config: DevicesConfig;
    readonly properties?: ReadonlyMap<string, ObservedProperty>;
  },
): RegistryCore {
  const { clock, config } = options;
  const properties = options.properties ?? propertyCatalogue();
  const units = createUnitConverter({ entriesMax: config.unitSpellingsCachedMax });
  const zones = createZones();
  const versions = createVersionLoader(
    database,
    { properties, units, zones, series: new Map() },
    config.versionsCachedMax,
  );
  const credentials = createCredentialIndex(database, {
    clock,
    current: () => versions.newest.registry,
    secretCharactersMax: config.secretCharactersMax,
  });

  function refreshAll(): Registry {
    const { registry } = versions.refresh();
    credentials.refresh(registry.version);
    return registry;
  }

  function refresh(): Registry {
    if (database.isTransaction) return refreshAll();
    database.exec('BEGIN');
    try {
      return refreshAll();
    } finally {
      database.exec('COMMIT');
    }
  }

  refresh();
  return { database, versions, credentials, properties, units, zones, refresh };
}

/** The read side of the port over a core. */
export function readerOf(core: RegistryCore): RegistryReader {
  return {
    current: () => core.versions.newest.registry,
    at: (version) => core.versions.at(version).registry,
    refresh: () => core.refresh(),
    authenticate: (username, secret) => core.credentials.authenticate(username, secret),
    authenticateCertificate: (fingerprint256) =>
      core.credentials.authenticateCertificate(fingerprint256),
    tokenOf: (id) => core.credentials.tokenOf(id),
    authenticateToken: (secret) => core.credentials.authenticateToken(secret),
    close: () => core.database.close(),
  };
}
