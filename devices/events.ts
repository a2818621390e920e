import type { ImportProblem } from './registry.ts';
import type { Telemetry } from './telemetry.ts';

/** What happens in the registry: log line and counter from one place. No secret comes here. */
export interface DevicesEvents {
  registryOpened(fields: { readonly version: number; readonly path: string }): void;
  registryMigrated(fields: { readonly from: number; readonly to: number }): void;
  importAccepted(fields: {
    readonly version: number;
    readonly changed: number;
    readonly actor: string;
  }): void;
  importRefused(problems: readonly ImportProblem[], actor: string): void;
  secretsIssued(fields: {
    readonly issued: number;
    readonly rotated: number;
    readonly actor: string;
  }): void;
  tokenCreated(fields: {
    readonly id: string;
    readonly role: string;
    readonly actor: string;
  }): void;
  accessDecided(fields: {
    readonly id: string;
    readonly state: string;
    readonly actor: string;
  }): void;
  recipientClosed(fields: {
    readonly recipient: string;
    readonly grants: number;
    readonly keys: number;
    readonly actor: string;
  }): void;
  timeFollowed(fields: { readonly version: number; readonly expired: number }): void;
  certificateUnpinned(fields: { readonly deviceId: string; readonly actor: string }): void;
  certificatePinned(fields: { readonly deviceId: string; readonly actor: string }): void;
  subjectRevoked(fields: { readonly subject: string; readonly actor: string }): void;
}

export function createDevicesEvents({ logger, metrics }: Telemetry): DevicesEvents {
  const version = metrics.gauge('quantrac_devices_registry_version', 'Version of the registry');
  const imports = metrics.counter(
    'quantrac_devices_imports_total',
    'Registry files imported, by outcome',
    ['outcome'],
  );
  const credentials = metrics.counter(
    'quantrac_devices_credentials_total',
    'Changes of credentials, by kind of change',
    ['change'],
  );
  const decisions = metrics.counter(
    'quantrac_devices_access_total',
    'Requests and grants of access, by the state that they came to',
    ['state'],
  );
  return {
    accessDecided(fields) {
      decisions.increase(1, { state: fields.state });
      logger.info(fields, 'A request or grant of access came to another state.');
    },
    recipientClosed(fields) {
      logger.info(fields, 'A recipient was closed: its grants and keys have ended.');
    },
    timeFollowed(fields) {
      version.set(fields.version);
      decisions.increase(fields.expired, { state: 'expired' });
      logger.info(fields, 'A moment has come by which the registry shows something differently.');
    },
    registryOpened(fields) {
      version.set(fields.version);
      logger.info(fields, 'The registry is open.');
    },
    registryMigrated(fields) {
      logger.info(fields, 'The registry was migrated to the present format.');
    },
    importAccepted(fields) {
      version.set(fields.version);
      imports.increase(1, { outcome: fields.changed === 0 ? 'unchanged' : 'changed' });
      logger.info(fields, 'A registry file was imported.');
    },
    importRefused(problems, actor) {
      imports.increase(1, { outcome: 'refused' });
      const first = problems.slice(0, 5);
      logger.warn({ actor, problems: problems.length, first }, 'A registry file was refused.');
    },
    secretsIssued(fields) {
      credentials.increase(fields.issued, { change: 'issued' });
      credentials.increase(fields.rotated, { change: 'rotated' });
      logger.info(fields, 'Secrets of devices were issued.');
    },
    tokenCreated(fields) {
      credentials.increase(1, { change: 'token' });
      logger.info(fields, 'A token was created.');
    },
    certificatePinned(fields) {
      credentials.increase(1, { change: 'certificate' });
      logger.info(fields, 'A certificate was pinned to a device.');
    },
    certificateUnpinned(fields) {
      credentials.increase(1, { change: 'revoked' });
      logger.info(fields, 'A certificate of a device was ended.');
    },
    subjectRevoked(fields) {
      credentials.increase(1, { change: 'revoked' });
      logger.info(fields, 'Credentials were revoked.');
    },
  };
}
