/** Certificate and key from the operator's files, and their replacement while the server runs. */
import { createSecureContext } from 'node:tls';

import type { Clock, Scheduled } from '../devices/clock.ts';
import type { ApiConfig } from './config.ts';
import { apiError } from './errors.ts';
import type { ApiEvents } from './events.ts';

export type ReadFile = (path: string) => Promise<Buffer>;

export interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** TLS 1.2 is the least: older versions are broken (RFC 8996). */
export const tlsMinVersion = 'TLSv1.2';

/** The pair, or null where HTTPS is not asked for. Throws API_CERTIFICATE_INVALID. */
export async function readPair(
  config: Pick<ApiConfig, 'tlsCertificateFile' | 'tlsKeyFile'>,
  readFile: ReadFile,
): Promise<Pair | null> {
  const { tlsCertificateFile, tlsKeyFile } = config;
  if (tlsCertificateFile === undefined && tlsKeyFile === undefined) return null;
  if (tlsCertificateFile === undefined || tlsKeyFile === undefined) {
    const missing = tlsKeyFile === undefined ? 'tlsKeyFile' : 'tlsCertificateFile';
    throw apiError('API_CERTIFICATE_INVALID', { missing });
  }
  try {
    const [cert, key] = await Promise.all([readFile(tlsCertificateFile), readFile(tlsKeyFile)]);
    createSecureContext({ cert, key, minVersion: tlsMinVersion });
    return { cert, key };
  } catch (error) {
    throw apiError('API_CERTIFICATE_INVALID', { tlsCertificateFile, tlsKeyFile }, error);
  }
}

export interface WatchOptions {
  readonly config: Pick<ApiConfig, 'tlsCertificateFile' | 'tlsKeyFile' | 'tlsReloadMs'>;
  readonly readFile: ReadFile;
  readonly clock: Clock;
  readonly events: ApiEvents;
  readonly initial: Pair;
  readonly replace: (pair: Pair) => void;
}

/**
 * Reads the files now and then, which sees every way of replacing them (rename, link, rewrite). A
 * pair that cannot be used is told once, and the old one stays.
 */
export function watchPair(options: WatchOptions): { stop(): void } {
  const { clock, config, events } = options;
  let current = options.initial;
  let refusal = '';
  let isStopped = false;
  let scheduled: Scheduled = clock.schedule(config.tlsReloadMs, look);

  function look(): void {
    void readPair(config, options.readFile)
      .then((pair) => {
        refusal = '';
        if (isStopped || pair === null || isEqual(pair, current)) return;
        options.replace(pair);
        current = pair;
        events.certificateReloaded();
      })
      .catch((error: unknown) => {
        const text = String(error instanceof Error ? (error.cause ?? error) : error);
        if (text !== refusal) events.certificateRefused(error);
        refusal = text;
      })
      .finally(() => {
        if (!isStopped) scheduled = clock.schedule(config.tlsReloadMs, look);
      });
  }

  return {
    stop() {
      isStopped = true;
      scheduled.cancel();
    },
  };
}

function isEqual(a: Pair, b: Pair): boolean {
  return a.cert.equals(b.cert) && a.key.equals(b.key);
}
