/**
 * What an operator does to the registry, as plain functions: the routes and the control socket call
 * the same. Every change of version ends as a marker in `readings`, which makes it effective: on one
 * machine it is appended here afterwards, in a cluster it is part of the change.
 */
import { fingerprintOf } from '../../devices/certificate.ts';
import type { Clock } from '../../devices/clock.ts';
import type { RegistryChanges } from '../../devices/registry/changes.ts';
import type {
  DeviceSecret,
  HistoryRow,
  ImportOutcome,
  ImportProblem,
  RegistryReader,
  RegistryWriter,
} from '../../devices/registry.ts';
import { apiError } from '../errors.ts';
import type { ApiEvents } from '../events.ts';
import { createMarker, type AppendReading } from './marker.ts';

/** The registry as it is read and given out, by whoever may change it. */
export type ReadRegistry = RegistryReader &
  Pick<RegistryWriter, 'exportFile' | 'history' | 'historySlice' | 'past'>;

/** Whether the marker of a version is appended after the change, or was written within it. */
export type Marking = 'after' | 'within';

export interface RegistryAdminOptions {
  readonly registry: Pick<ReadRegistry, 'current' | 'exportFile' | 'history'>;
  readonly changes: RegistryChanges;
  readonly marking: Marking;
  readonly clock: Clock;
  readonly events: ApiEvents;
  readonly appendReading: AppendReading;
  /** Tells the other rooms to refresh. */
  readonly registryChanged: (version: number) => void | Promise<void>;
}

/** `isInForce` is false while the log of readings cannot be written: the marker follows later. */
export interface Changed {
  readonly version: number;
  readonly isInForce: boolean;
}

interface Imported extends Changed {
  /** How many entries differ from before. */
  readonly changed: number;
}

export type ChangeRegistry = <Result>(
  actor: string,
  work: (writer: RegistryWriter) => Result,
) => Promise<{ readonly result: Result } & Changed>;

export interface RegistryAdmin {
  /** Runs a change and, when it made a version, puts it in force and tells the other rooms. */
  readonly change: ChangeRegistry;
  exportRegistry(): unknown;
  /** All or nothing. Throws API_REGISTRY_INVALID with `problems`. */
  importRegistry(content: unknown, actor: string): Promise<Imported>;
  history(options: {
    readonly afterVersion?: number | undefined;
    readonly limit: number;
  }): HistoryRow[];
  /** Without a list: all devices. Each secret is shown this once. */
  provision(options: {
    readonly devices?: readonly string[] | undefined;
    readonly rotate: boolean;
    readonly actor: string;
  }): Promise<Changed & { readonly devices: readonly DeviceSecret[] }>;
  createToken(options: {
    readonly role: 'operator' | 'reader';
    readonly owner?: string | undefined;
    readonly recipient?: string | undefined;
    readonly actor: string;
  }): Promise<Changed & { readonly id: string; readonly secret: string }>;
  /** Lets a client certificate, given as PEM or by its fingerprint, stand for a device. */
  pinCertificate(options: {
    readonly device: string;
    readonly certificate: string;
    readonly actor: string;
  }): Promise<Changed & { readonly deviceId: string; readonly fingerprint256: string }>;
  /** Ends one certificate at once. */
  unpinCertificate(certificate: string, actor: string): Promise<Changed>;
  /** Ends every secret of a device, or a token, at once. */
  revoke(subject: string, actor: string): Promise<Changed>;
  /**
   * Writes the marker of the newest version unless it is written; `markedVersion` is the one in
   * force by `observations`. Called once at the start, before anything is received.
   */
  markFrom(markedVersion: number): Promise<boolean>;
  close(): void;
}

export function createRegistryAdmin(options: RegistryAdminOptions): RegistryAdmin {
  const { registry, events } = options;
  const marker = createMarker(options);
  const isWithin = options.marking === 'within';

  async function change<Result>(
    actor: string,
    work: (writer: RegistryWriter) => Result,
  ): Promise<{ readonly result: Result } & Changed> {
    const { result, version, changed } = await options.changes.change(work);
    if (!changed) return { result, version, isInForce: isMarked(version) };
    const isInForce = isWithin || (await marker.mark());
    events.registryChanged(version, actor);
    await options.registryChanged(version);
    return { result, version, isInForce };
  }

  function isMarked(version: number): boolean {
    return isWithin || version <= marker.marked;
  }

  return {
    change,
    exportRegistry: () => registry.exportFile(),
    async importRegistry(content, actor) {
      const { result, isInForce } = await change(actor, (writer) =>
        imported(writer, content, actor),
      );
      return { version: result.version, changed: result.changed, isInForce };
    },
    history: ({ afterVersion, limit }) =>
      registry.history({ limit, ...(afterVersion === undefined ? {} : { afterVersion }) }),
    async provision({ devices, rotate, actor }) {
      const { result, ...changed } = await change(actor, (writer) => {
        const ids = devices ?? [...writer.current().devices.keys()].sort();
        return writer.provision(ids, { rotate, actor });
      });
      return { ...changed, devices: result };
    },
    async createToken({ role, owner, recipient, actor }) {
      const { result, ...changed } = await change(actor, (writer) =>
        writer.createToken({
          role,
          actor,
          ...(owner === undefined ? {} : { owner }),
          ...(recipient === undefined ? {} : { recipient }),
        }),
      );
      return { ...changed, ...result };
    },
    async pinCertificate({ device, certificate, actor }) {
      const fingerprint256 = fingerprintOf(certificate);
      const { result: _none, ...changed } = await change(actor, (writer) =>
        writer.pinCertificate(device, fingerprint256, actor),
      );
      return { ...changed, deviceId: device, fingerprint256 };
    },
    async unpinCertificate(certificate, actor) {
      const { result: _none, ...changed } = await change(actor, (writer) =>
        writer.unpinCertificate(fingerprintOf(certificate), actor),
      );
      return changed;
    },
    async revoke(subject, actor) {
      const { result: _none, ...changed } = await change(actor, (writer) =>
        writer.revoke(subject, actor),
      );
      return changed;
    },
    markFrom: async (markedVersion) => isWithin || marker.markFrom(markedVersion),
    close: () => marker.close(),
  };
}

export function imported(
  registry: RegistryWriter,
  content: unknown,
  actor: string,
): Extract<ImportOutcome, { ok: true }> {
  const outcome = registry.importFile(content, actor);
  if (outcome.ok) return outcome;
  throw apiError('API_REGISTRY_INVALID', {
    problems: outcome.problems satisfies readonly ImportProblem[],
  });
}
