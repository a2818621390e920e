import { expect, test } from 'vitest';

import { isSignedBy, makeSigningKey, publicKeyOf, readSigningKey } from './key.ts';

/** RFC 8032 §7.1, test 1, which is the key of RFC 8037, appendix A. */
const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';

test('signs as RFC 8032 shows, and names the key as RFC 8037 does', async () => {
  const key = makeSigningKey(seed);
  expect(key.publicKey).toEqual({
    kty: 'OKP',
    crv: 'Ed25519',
    x,
    kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
  });
  const signature = await key.sign(new Uint8Array());
  expect(Buffer.from(signature, 'base64url').toString('hex')).toBe(
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  );
  expect(isSignedBy(key.publicKey, new Uint8Array(), signature)).toBe(true);
  expect(isSignedBy(key.publicKey, Buffer.from('x'), signature)).toBe(false);
  expect(isSignedBy(key.publicKey, new Uint8Array(), `${signature}A`)).toBe(false);
});

test('is the same key when it is read back, and refuses what is none', () => {
  const key = makeSigningKey(seed);
  expect(readSigningKey(key.pem).publicKey).toEqual(key.publicKey);
  expect(() => makeSigningKey(seed.subarray(1))).toThrow(RangeError);
  expect(() => publicKeyOf(x.slice(1))).toThrow(RangeError);
});
