import { hash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Database } from '../database.ts';
import type { Credential, Registry } from '../registry.ts';
import type { CredentialKind } from './credential-store.ts';

/** Who may come in. Kept in memory whole: a log-in touches no disk. */
export interface CredentialIndex {
  /** Reads the credentials that a version after `loadedVersion` added or ended. */
  refresh(version: number): void;
  authenticate(username: string, secret: string): Credential | undefined;
  authenticateCertificate(fingerprint256: string): Credential | undefined;
  authenticateToken(secret: string): Credential | undefined;
  tokenOf(id: string): Credential | undefined;
  isToken(id: string): boolean;
  readonly tokenIds: ReadonlySet<string>;
}

interface Secret {
  readonly kind: CredentialKind;
  readonly subject: string;
  readonly sha256: Uint8Array;
  expiresAt: number;
  revoked: boolean;
  credential: Credential;
}

interface CredentialRow {
  readonly number: number;
  readonly kind: CredentialKind;
  readonly subject: string;
  readonly role: Credential['role'];
  readonly owner: string | null;
  readonly recipient: string | null;
  readonly sha256: Uint8Array;
  readonly expires_at: number | null;
  readonly revoked_at: number | null;
}

/** Compared with where no such user exists, so that the answer takes as long. */
const nobody = new Uint8Array(32);

export function createCredentialIndex(
  database: Database,
  options: {
    readonly clock: Clock;
    readonly current: () => Registry;
    readonly secretCharactersMax: number;
  },
): CredentialIndex {
  const changedSince = database.prepare(
    `SELECT number, kind, subject, role, owner, recipient, sha256, expires_at, revoked_at FROM credential
     WHERE changed_version > ? ORDER BY number`,
  );
  const table = createSecretTable(() => options.clock.now());
  let loadedVersion = 0;

  /** A device's owner may change with a version; the credential follows it. */
  function granted(secret: Secret): Credential {
    if (secret.kind === 'token') return secret.credential;
    const owner = options.current().devices.get(secret.subject)?.owner;
    if (owner !== undefined && owner !== secret.credential.owner) {
      secret.credential = { kind: 'device', subject: secret.subject, role: 'device', owner };
    }
    return secret.credential;
  }

  function isValid(secret: Secret): boolean {
    return !secret.revoked && secret.expiresAt > options.clock.now();
  }

  /** The one of `candidates` that has this hash and is valid; always compares at least once. */
  function matching(digest: Uint8Array, candidates: readonly Secret[]): Credential | undefined {
    let found: Secret | undefined;
    if (candidates.length === 0) timingSafeEqual(digest, nobody);
    for (const candidate of candidates) {
      if (timingSafeEqual(digest, candidate.sha256) && isValid(candidate)) found = candidate;
    }
    return found === undefined ? undefined : granted(found);
  }

  return {
    tokenIds: table.tokenIds,
    tokenOf(id) {
      const token = table.ofSubject(id).find((one) => one.kind === 'token' && isValid(one));
      return token && granted(token);
    },
    isToken: (id) => table.tokenIds.has(id),
    refresh(version) {
      if (version === loadedVersion) return;
      const rows = changedSince.all(loadedVersion) as unknown as CredentialRow[];
      for (const row of rows) table.put(row);
      loadedVersion = version;
    },
    authenticate(username, secret) {
      if (secret.length > options.secretCharactersMax) return undefined;
      return matching(hash('sha256', secret, 'buffer'), table.ofSubject(username));
    },
    authenticateCertificate(fingerprint256) {
      const digest = fingerprintBytes(fingerprint256);
      return digest && matching(digest, table.ofHash('certificate', digest));
    },
    authenticateToken(secret) {
      if (secret.length > options.secretCharactersMax) return undefined;
      const digest = hash('sha256', secret, 'buffer');
      return matching(digest, table.ofHash('token', digest));
    },
  };
}

/** Every secret in memory that may still open something, found by user name or by hash. */
interface SecretTable {
  /** Also of revoked tokens: their ids are never given to a device. */
  readonly tokenIds: ReadonlySet<string>;
  /** Adds a row, or takes over when it ends. */
  put(row: CredentialRow): void;
  /** Passwords of a device, or the secret of a token. */
  ofSubject(subject: string): readonly Secret[];
  ofHash(kind: 'certificate' | 'token', digest: Uint8Array): readonly Secret[];
}

const none: readonly Secret[] = [];

function createSecretTable(now: () => number): SecretTable {
  const byNumber = new Map<number, Secret>();
  const bySubject = new Map<string, readonly Secret[]>();
  const byHash = new Map<string, readonly Secret[]>();
  const tokenIds = new Set<string>();

  /** What ended is left out, so that a device rotated daily for years still costs one compare. */
  function push(map: Map<string, readonly Secret[]>, key: string, secret: Secret): void {
    const going = (map.get(key) ?? none).filter((one) => !one.revoked && one.expiresAt > now());
    map.set(key, [...going, secret]);
  }

  return {
    tokenIds,
    put(row) {
      const { number, kind, subject, sha256 } = row;
      const expiresAt = row.expires_at ?? Number.POSITIVE_INFINITY;
      const revoked = row.revoked_at !== null;
      if (kind === 'token') tokenIds.add(subject);
      const known = byNumber.get(number);
      if (known !== undefined) {
        known.expiresAt = expiresAt;
        known.revoked = revoked;
        if (revoked) byNumber.delete(number);
      } else if (!revoked && expiresAt > now()) {
        const credential = credentialOf(row);
        const secret: Secret = { kind, subject, sha256, expiresAt, revoked, credential };
        byNumber.set(number, secret);
        if (kind !== 'certificate') push(bySubject, subject, secret);
        if (kind !== 'device') push(byHash, `${kind} ${hexOf(sha256)}`, secret);
      }
    },
    ofSubject: (subject) => bySubject.get(subject) ?? none,
    ofHash: (kind, digest) => byHash.get(`${kind} ${hexOf(digest)}`) ?? none,
  };
}

/** The 32 bytes of a fingerprint written as 64 hexadecimal digits, with or without colons. */
export function fingerprintBytes(fingerprint256: string): Uint8Array | undefined {
  const digits = fingerprint256.replace(/:/g, '');
  if (!/^[0-9a-fA-F]{64}$/.test(digits)) return undefined;
  return new Uint8Array(Buffer.from(digits, 'hex'));
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

function credentialOf(row: CredentialRow): Credential {
  const base = {
    kind: row.kind === 'token' ? ('token' as const) : ('device' as const),
    subject: row.subject,
    role: row.role,
  };
  return {
    ...base,
    ...(row.owner === null ? {} : { owner: row.owner }),
    ...(row.recipient === null ? {} : { recipient: row.recipient }),
  };
}
