/** Certificate and key from files, and their replacement while the server runs. */
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Clock, Scheduled } from '../../devices/clock.ts';
import { brokerError } from '../errors.ts';
import type { BrokerEvents } from '../events.ts';

export type ReadFile = (path: string) => Promise<Buffer>;

export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** TLS 1.2 is the least: older versions are broken. */
export const secureContextOptions = {
  minVersion: 'TLSv1.2',
} as const satisfies SecureContextOptions;

/** Throws BROKER_TLS_FILE_UNREADABLE or BROKER_TLS_PAIR_INVALID. */
export async function readPair(readFile: ReadFile, files: CertificateFiles): Promise<Pair> {
  const read = async (key: string, path: string): Promise<Buffer> => {
    try {
      return await readFile(path);
    } catch (error) {
      throw brokerError('BROKER_TLS_FILE_UNREADABLE', { key, path }, error);
    }
  };
  const [cert, key] = await Promise.all([
    read('tlsCertificateFile', files.certificate),
    read('tlsKeyFile', files.key),
  ]);
  try {
    createSecureContext({ ...secureContextOptions, cert, key });
  } catch (error) {
    throw brokerError('BROKER_TLS_PAIR_INVALID', { ...files }, error);
  }
  return { cert, key };
}

export interface ReloadOptions {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly readFile: ReadFile;
  readonly files: CertificateFiles;
  readonly events: BrokerEvents;
  readonly initial: Pair;
  readonly replace: (pair: Pair) => void;
}

/**
 * Looks at the files' content now and then, which sees every way of replacing them (rename, link,
 * rewrite). A pair that is not usable is told once, and the old one stays.
 */
export function watchPair(options: ReloadOptions): { stop(): void } {
  let current = options.initial;
  let rejected: Pair | undefined;
  let stopped = false;
  let scheduled: Scheduled = options.clock.schedule(options.everyMs, look);

  function look(): void {
    void examine().then(() => {
      if (!stopped) scheduled = options.clock.schedule(options.everyMs, look);
    });
  }

  async function examine(): Promise<void> {
    let found: Pair | undefined;
    try {
      const { certificate, key } = options.files;
      const [cert, keyBytes] = await Promise.all([
        options.readFile(certificate),
        options.readFile(key),
      ]);
      found = { cert, key: keyBytes };
      if (stopped || isEqual(found, current) || isEqual(found, rejected)) return;
      createSecureContext({ ...secureContextOptions, ...found });
      options.replace(found);
      current = found;
      options.events.certificateReloaded();
    } catch (error) {
      if (found !== undefined) rejected = found;
      options.events.certificateRejected(error);
    }
  }

  return {
    stop() {
      stopped = true;
      scheduled.cancel();
    },
  };
}

function isEqual(pair: Pair, other: Pair | undefined): boolean {
  return other !== undefined && pair.cert.equals(other.cert) && pair.key.equals(other.key);
}
