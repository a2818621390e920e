/**
 * Who asked for access proves it by a secret that is shown once. The id of the request is the digest
 * of the secret, so that nothing is kept beside the request to compare it with: any node knows it,
 * also after a restore, and whoever reads the registry learns nothing of it
 * (docs/decisions/0011-access.md).
 */
import { hash, timingSafeEqual } from 'node:crypto';

import type { Random } from '../../devices/random.ts';

const secretBytes = 24;
/** Hexadecimal digits of the digest in the id: 160 bits. */
const digestDigits = 40;

export function newRequest(random: Random): { readonly id: string; readonly secret: string } {
  // The prefix lets scanners of source code know a leaked one.
  const secret = `qar_${Buffer.from(random.bytes(secretBytes)).toString('base64url')}`;
  return { id: idOf(secret), secret };
}

/** In the same time whatever is wrong with it. */
export function isSecretOf(id: string, secret: string): boolean {
  const expected = Buffer.from(idOf(secret));
  const given = Buffer.from(id);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function idOf(secret: string): string {
  return `request-${hash('sha256', secret, 'hex').slice(0, digestDigits)}`;
}
