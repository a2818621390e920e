import type { Access, Applicant, Grant, GrantScope } from './access.ts';
import type { Datastream, Deployment, Device, ObservedProperty, Owner, Station } from './model.ts';

/**
 * The registry at one version: what is measured, where, by what, in which unit, with which
 * credential. A value of this type never changes; a change of the network is the next version.
 */
export interface Registry {
  readonly version: number;
  readonly owners: ReadonlyMap<string, Owner>;
  readonly stations: ReadonlyMap<string, Station>;
  readonly datastreams: ReadonlyMap<string, Datastream>;
  readonly devices: ReadonlyMap<string, Device>;
  readonly properties: ReadonlyMap<string, ObservedProperty>;
  readonly deployments: readonly Deployment[];
  /** Datastreams by their internal number; `undefined` where a number is not in use. */
  readonly bySeries: readonly (Datastream | undefined)[];
  /** Who was granted what. */
  readonly access: Access;
  /** The channels of a device, compiled for the pipeline; `undefined` for an unknown device. */
  channelsOf(deviceId: string): ReadonlyMap<string, readonly ChannelBinding[]> | undefined;
}

/** One deployment, ready to apply: `result = raw × scale + shift` in the canonical unit. */
export interface ChannelBinding {
  readonly deployment: Deployment;
  readonly datastream: Datastream;
  readonly property: ObservedProperty;
  readonly station: Station;
  /** Of the deployment's own unit (or the canonical one). A unit inside the message overrides it. */
  readonly scale: number;
  readonly shift: number;
}

/** How a device or a person proves who it is. The secret itself is stored nowhere. */
export interface Credential {
  readonly kind: 'device' | 'token';
  /** Device id, or the id of the token. */
  readonly subject: string;
  /** Of a token: its role. Of a device: `device`. */
  readonly role: 'device' | 'operator' | 'reader';
  readonly owner?: string;
  /** Of a token of the role reader: the recipient whose grants it reads by. */
  readonly recipient?: string;
}

/** Read side: every worker opens it read-only. */
export interface RegistryReader {
  /** The newest version that `refresh` has loaded. */
  current(): Registry;
  /** Exactly that version, or an error by name: ingest judges by versions, not by "now". */
  at(version: number): Registry;
  /** Loads what the writer has committed since; resolves to the newest version. */
  refresh(): Registry;
  /**
   * Who this is, or undefined. Constant-time compare of SHA-256; a revoked or expired secret is
   * undefined from the moment `refresh` has seen it. User name of a device = its id.
   */
  authenticate(username: string, secret: string): Credential | undefined;
  /** By certificate: the SHA-256 fingerprint of the client certificate (hex, lower case). */
  authenticateCertificate(fingerprint256: string): Credential | undefined;
  /** By bearer token alone. */
  authenticateToken(secret: string): Credential | undefined;
  /** What a token opens that was shown before; undefined once it is revoked. */
  tokenOf(id: string): Credential | undefined;
  close(): void;
}

/** One error of an import, at its place in the file. */
export interface ImportProblem {
  /** RFC 6901 JSON pointer. */
  readonly pointer: string;
  readonly code: string;
  readonly message: string;
}

export type ImportOutcome =
  | { readonly ok: true; readonly version: number; readonly changed: number }
  | { readonly ok: false; readonly problems: readonly ImportProblem[] };

export interface DeviceSecret {
  readonly deviceId: string;
  readonly clientId: string;
  readonly username: string;
  /** Shown once; null for a device that already had one, unless it was rotated. */
  readonly password: string | null;
  readonly topic: string;
}

/** One row of the append-only history. */
export interface HistoryRow {
  readonly version: number;
  readonly at: number;
  readonly actor: string;
  readonly kind: string;
  readonly id: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** A wish for a grant. */
export interface AccessRequest {
  /** Never used before. */
  readonly id: string;
  /** Who asks: a recipient, or somebody who is none yet. */
  readonly recipient?: string;
  readonly applicant?: Applicant;
  readonly scope: GrantScope;
  readonly purpose: string;
  readonly requestedBy: string;
  /** By when it must be decided, ms UTC. */
  readonly deadlineAt?: number;
  /** Requests of its kind (applicants, recipients) that may be undecided, and that anybody may have made within a day. */
  readonly bounds?: { readonly openMax: number; readonly applicantsPerDayMax: number };
}
export interface AccessDecision {
  readonly id: string;
  readonly decision: 'grant' | 'refuse';
  readonly reason: string;
  readonly actor: string;
  /** Who is meant, where an applicant asked. */
  readonly recipient?: string;
  /** Ms UTC; in force from the decision on without it. */
  readonly fromAt?: number;
  /** Ms UTC; without end without it. */
  readonly untilAt?: number;
}
/** Requests, decisions and their time. Each throws by name where the state does not let it. */
export interface AccessWriter {
  /** Throws DEVICES_RECIPIENT_UNKNOWN, …_GRANT_TAKEN, …_REQUESTS_FULL. Ids of the scope are not looked up: nobody learns by asking what there is. */
  requestAccess(request: AccessRequest): Grant;
  /** Throws DEVICES_GRANT_UNKNOWN, …_GRANT_STATE, …_GRANT_RECIPIENT, …_GRANT_SCOPE, …_PERIOD. */
  decideAccess(decision: AccessDecision): Grant;
  /** A grant without a request before it: asked for and decided by the actor, in one version. */
  grantAccess(request: AccessRequest, decision: Omit<AccessDecision, 'id' | 'decision'>): Grant;
  /** Ends a request or a grant. */
  withdrawAccess(id: string, reason: string, actor: string): Grant;
  /** Ends every grant, request and key of a recipient; it stays in the registry. */
  closeRecipient(
    id: string,
    reason: string,
    actor: string,
  ): { readonly grants: number; readonly keys: number };
  /**
   * Follows the rules of time up to now: embargoes that end, grants that begin or end, requests
   * whose deadline passes. Changes nothing where no moment has come. Answers whether one has.
   */
  followTime(actor: string): boolean;
}
/** Some rows of the history, and the place behind them. */
export interface HistorySlice {
  readonly rows: readonly HistoryRow[];
  /** Where the next slice goes on; the same as before where there is nothing more. */
  readonly end: number;
}
/** Versions of earlier, on a thread that answers others meanwhile. `worked` is told of its ms. */
export interface RegistryPast {
  /**
   * The version that was the newest at a moment, ms UTC; 0 before the first. A version counts as
   * made no earlier than the one before it, whatever its clock said: so every copy of the history
   * says the same, for ever.
   */
  versionAt(at: number, worked?: (ms: number) => void): Promise<number>;
  /** The last version up to this one that was of more than secrets; as of the last `versionAt`. */
  entriesChangedAt(version: number): number;
  /** Rows of the history that `at` has to go through, as of the last `versionAt`. */
  rowsTo(version: number): number;
  /** When the first version was made from which on there are so few rows to go through, at most. */
  sinceWithin(rows: number): number;
  /** That version. Throws DEVICES_VERSION_UNKNOWN. */
  at(version: number, worked?: (ms: number) => void): Promise<Registry>;
}
/** Write side: one writer for an installation. Each call that changes anything is one version. */
export interface RegistryWriter extends RegistryReader, AccessWriter {
  /**
   * All or nothing; importing the same file twice changes nothing the second time. Adds and changes,
   * never deletes: what the file does not name stays. A deployment (known by device, datastream,
   * channel and `from`) ends by its `to`; with `to` equal to `from` it never served.
   */
  importFile(content: unknown, actor: string): ImportOutcome;
  /** The same file back, sorted by id: `importFile(exportFile())` changes nothing. */
  exportFile(): unknown;
  /**
   * Gives a secret to each device of the list that never had one; `rotate` gives all a new one, and
   * alone opens the door again after `revoke`. Throws for an unknown device, changing nothing.
   */
  provision(
    deviceIds: readonly string[],
    options: { readonly rotate: boolean; readonly actor: string },
  ): DeviceSecret[];
  /** Lets a client certificate stand for a device. */
  pinCertificate(deviceId: string, fingerprint256: string, actor: string): void;
  /** Ends one certificate at once; what else proves the device stays. */
  unpinCertificate(fingerprint256: string, actor: string): void;
  createToken(options: {
    readonly role: 'operator' | 'reader';
    readonly actor: string;
    readonly owner?: string;
    /** Only with the role reader. */
    readonly recipient?: string;
  }): {
    readonly id: string;
    readonly secret: string;
  };
  /** Ends every secret of a device, or a token, at once. */
  revoke(subject: string, actor: string): void;
  /** Oldest first. A page of about `limit` rows; it never cuts a version in two. */
  history(options?: { readonly afterVersion?: number; readonly limit?: number }): HistoryRow[];
  /** The same, at most `limit` rows from behind a place (−1: the beginning), through versions too. */
  historySlice(after: number, limit: number): HistorySlice;
  readonly past: RegistryPast;
}
