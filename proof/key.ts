/**
 * Keys of signatures: Ed25519 (RFC 8032), public ones as JSON Web Keys (RFC 8037), each named by its
 * thumbprint (RFC 7638), so that a name stands for one key.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';

export interface PublicKey {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  /** 32 bytes in base64url. */
  readonly x: string;
  /** Thumbprint: base64url of SHA-256. */
  readonly kid: string;
}

export interface SigningKey {
  readonly publicKey: PublicKey;
  /** PKCS 8 in PEM: the secret. */
  readonly pem: string;
  /** In a thread of the pool; resolves to 64 bytes in base64url. */
  sign(bytes: Uint8Array): Promise<string>;
}

/** What stands before the 32 bytes of an Ed25519 key in PKCS 8 (RFC 8410 §7). */
const privateHead = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The key of 32 random bytes. */
export function makeSigningKey(seed: Uint8Array): SigningKey {
  if (seed.length !== 32) throw new RangeError('an Ed25519 key is made of 32 bytes');
  const key = createPrivateKey({
    key: Buffer.concat([privateHead, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  return signingKeyOf(key);
}

/** Throws where the text is no private key in PEM. */
export function readSigningKey(pem: string): SigningKey {
  return signingKeyOf(createPrivateKey(pem));
}

function signingKeyOf(key: KeyObject): SigningKey {
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
  return {
    publicKey: publicKeyOf(x),
    pem: String(key.export({ format: 'pem', type: 'pkcs8' })),
    sign: (bytes) =>
      new Promise((resolve, reject) => {
        sign(null, bytes, key, (error, signature) =>
          error === null ? resolve(signature.toString('base64url')) : reject(error),
        );
      }),
  };
}

/** Throws RangeError where `x` is not 32 bytes. */
export function publicKeyOf(x: string): PublicKey {
  const bytes = Buffer.from(x, 'base64url');
  if (bytes.length !== 32 || bytes.toString('base64url') !== x) {
    throw new RangeError('the public key is not 32 bytes in base64url');
  }
  // RFC 7638 §3.2: the required members, by name, without white space.
  const thumbprint = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`);
  return { kty: 'OKP', crv: 'Ed25519', x, kid: thumbprint.digest('base64url') };
}

/** False for any signature that is not exactly the one text of 64 bytes. */
export function isSignedBy({ x }: PublicKey, bytes: Uint8Array, signature: string): boolean {
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== 64 || given.toString('base64url') !== signature) return false;
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return verify(null, bytes, key, given);
}
