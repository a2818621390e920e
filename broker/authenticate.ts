/**
 * Who is at the door. One policy for every door: a name and a secret, a pinned client certificate,
 * or nobody in particular, who may read what is public.
 */
import type { Credential, RegistryReader } from '../devices/registry.ts';
import type { Principal } from '../devices/visible.ts';

/** What a client showed. A user name without a password is not anonymous: it is a failed login. */
export interface Presented {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** SHA-256 of the client certificate, hex, lower case; only where the handshake proved the key. */
  readonly certificateFingerprint?: string | undefined;
}

export type Refusal = 'unknown' | 'certificate-unknown' | 'certificate-mismatch';

export type Authenticated =
  | { readonly principal: Principal; readonly refused?: never }
  | { readonly refused: Refusal; readonly principal?: never };

/** User name of any bearer token, beside its own id: the password decides whose it is. */
const tokenUsername = 'token';

export function authenticate(registry: RegistryReader, presented: Presented): Authenticated {
  const { username, certificateFingerprint: fingerprint } = presented;
  const byCertificate =
    fingerprint === undefined ? undefined : registry.authenticateCertificate(fingerprint);
  if (username === undefined) {
    if (byCertificate !== undefined) return { principal: byCertificate };
    return fingerprint === undefined
      ? { principal: 'anonymous' }
      : { refused: 'certificate-unknown' };
  }
  if (byCertificate !== undefined && presented.password === undefined) {
    // The name beside a certificate is a claim that has to agree with it.
    return byCertificate.subject === username
      ? { principal: byCertificate }
      : { refused: 'certificate-mismatch' };
  }
  const bySecret = authenticateSecret(registry, username, presented.password ?? '');
  if (bySecret === undefined) return { refused: 'unknown' };
  if (byCertificate !== undefined && byCertificate.subject !== bySecret.subject) {
    return { refused: 'certificate-mismatch' };
  }
  return { principal: bySecret };
}

function authenticateSecret(
  registry: RegistryReader,
  username: string,
  secret: string,
): Credential | undefined {
  const known = registry.authenticate(username, secret);
  if (known !== undefined) return known;
  const token = registry.authenticateToken(secret);
  return username === tokenUsername || username === token?.subject ? token : undefined;
}

/** Two connections are of the same credential when this is equal. */
export function principalKey(principal: Principal): string {
  return principal === 'anonymous' ? 'anonymous' : `${principal.kind}:${principal.subject}`;
}
