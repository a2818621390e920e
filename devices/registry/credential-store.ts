import type { Database } from '../database.ts';
import type { Credential } from '../registry.ts';

export type CredentialKind = 'device' | 'certificate' | 'token';

/** A credential that still opens something. */
export interface ValidCredential {
  readonly number: number;
  readonly issuedAt: number;
  readonly expiresAt: number | null;
}

/** A certificate, and the device that it stands for. */
export interface PinnedCertificate {
  readonly number: number;
  readonly subject: string;
  readonly issuedAt: number;
}

/** The statements on the table of credentials. Each call belongs to the caller's transaction. */
export interface CredentialStore {
  insert(row: {
    readonly kind: CredentialKind;
    readonly subject: string;
    readonly role: Credential['role'];
    readonly owner: string | undefined;
    readonly recipient?: string | undefined;
    readonly sha256: Uint8Array;
    readonly issuedAt: number;
    readonly version: number;
  }): void;
  /** Whether a device was ever given a secret, valid or not. */
  wasIssued(deviceId: string): boolean;
  /** The valid ones of a subject, the newest first. */
  valid(subject: string, kind: CredentialKind, now: number): ValidCredential[];
  expire(number: number, expiresAt: number, version: number): void;
  revoke(number: number, revokedAt: number, version: number): void;
  /** Ids of the tokens of a recipient that are still valid. */
  tokensOf(recipient: string, now: number): string[];
  /** A certificate that stands for a device now. */
  pinned(sha256: Uint8Array): PinnedCertificate | undefined;
}

export function createCredentialStore(database: Database): CredentialStore {
  const insert = database.prepare(
    `INSERT INTO credential
     (kind, subject, role, owner, recipient, sha256, issued_at, changed_version)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const issued = database.prepare(
    "SELECT 1 FROM credential WHERE kind = 'device' AND subject = ? LIMIT 1",
  );
  const valid = database.prepare(
    `SELECT number, issued_at AS issuedAt, expires_at AS expiresAt FROM credential
     WHERE subject = ? AND kind = ? AND revoked_at IS NULL
     AND (expires_at IS NULL OR expires_at > ?) ORDER BY number DESC`,
  );
  const expire = database.prepare(
    'UPDATE credential SET expires_at = ?, changed_version = ? WHERE number = ?',
  );
  const revoke = database.prepare(
    'UPDATE credential SET revoked_at = ?, changed_version = ? WHERE number = ?',
  );
  const holder = database.prepare(
    `SELECT number, subject, issued_at AS issuedAt FROM credential
     WHERE kind = 'certificate' AND sha256 = ? AND revoked_at IS NULL`,
  );
  const ofRecipient = database.prepare(
    `SELECT subject FROM credential WHERE kind = 'token' AND recipient = ? AND revoked_at IS NULL
     AND (expires_at IS NULL OR expires_at > ?) ORDER BY number`,
  );
  return {
    insert(row) {
      const { kind, subject, role, owner = null, recipient = null } = row;
      const { sha256, issuedAt, version } = row;
      insert.run(kind, subject, role, owner, recipient, sha256, issuedAt, version);
    },
    wasIssued: (deviceId) => issued.get(deviceId) !== undefined,
    valid: (subject, kind, now) => valid.all(subject, kind, now) as unknown as ValidCredential[],
    expire(number, expiresAt, version) {
      expire.run(expiresAt, version, number);
    },
    revoke(number, revokedAt, version) {
      revoke.run(revokedAt, version, number);
    },
    tokensOf: (recipient, now) =>
      ofRecipient.all(recipient, now).map((row) => String(row['subject'])),
    pinned: (sha256) => holder.get(sha256) as unknown as PinnedCertificate | undefined,
  };
}
