/** Whom a client over TLS takes for the server: MQTT and HTTPS alike. */
import { X509Certificate } from 'node:crypto';
import { checkServerIdentity } from 'node:tls';
import { simulatorsError } from './errors.ts';

/** Options of `tls.connect`. */
export interface Trust {
  /** PEM. */
  readonly ca: string;
  /** Any certificate of the file is an anchor, not only one that signed itself. */
  readonly allowPartialTrustChain: true;
  readonly checkServerIdentity: typeof checkServerIdentity;
}

/**
 * From a PEM file: the authorities of the server's certificate, or that certificate itself. A server
 * that shows the file's first certificate is the right one whatever its names are; any other must
 * have the name that was asked for (RFC 9525). Throws SIMULATORS_CERTIFICATE_INVALID.
 */
export function trustIn(file: string, read: (file: string) => string): Trust {
  try {
    const pem = read(file);
    const { fingerprint256 } = new X509Certificate(pem);
    return {
      ca: pem,
      allowPartialTrustChain: true,
      checkServerIdentity: (host, shown) =>
        shown.fingerprint256 === fingerprint256 ? undefined : checkServerIdentity(host, shown),
    };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw simulatorsError('SIMULATORS_CERTIFICATE_INVALID', { file, problem }, error);
  }
}
