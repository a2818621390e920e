import { X509Certificate } from 'node:crypto';
import { devicesError } from './errors.ts';

/**
 * The SHA-256 fingerprint of a client certificate, as 64 hexadecimal digits: from the PEM text of the
 * certificate, or from the fingerprint itself as tools print it. Throws DEVICES_CERTIFICATE_INVALID.
 */
export function fingerprintOf(text: string): string {
  const given = text.trim();
  const digits = given.replace(/^sha256 Fingerprint=/i, '').replace(/:/g, '');
  if (/^[0-9a-fA-F]{64}$/.test(digits)) return digits.toLowerCase();
  try {
    return new X509Certificate(given).fingerprint256.replace(/:/g, '').toLowerCase();
  } catch (error) {
    throw devicesError('DEVICES_CERTIFICATE_INVALID', {}, error);
  }
}
