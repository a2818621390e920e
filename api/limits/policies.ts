/** Which quota a client has: that of everybody, of everybody with a key, or of a class of keys. */
import type { ApiConfig } from '../config.ts';
import type { Policy } from './rate-fields.ts';

export interface Policies {
  readonly keyless: Policy;
  /** Of a /48 of IPv6 without a key. */
  readonly site: Policy;
  /** By the id of the token. */
  ofKey(tokenId: string): Policy;
}

type QuotaConfig = Pick<
  ApiConfig,
  'quotaWindowMs' | 'quotaKeylessUnits' | 'quotaSiteTimes' | 'quotaKeyUnits' | 'quotaClasses'
>;

export function createPolicies(config: QuotaConfig): Policies {
  const windowMs = config.quotaWindowMs;
  const policy = (name: string, units: number): Policy => ({ name, quota: { units, windowMs } });
  const byToken = new Map(
    config.quotaClasses.flatMap(({ name, units, tokens }) =>
      tokens.map((token) => [token, policy(name, units)] as const),
    ),
  );
  const key = policy('key', config.quotaKeyUnits);
  return {
    keyless: policy('default', config.quotaKeylessUnits),
    site: policy('site', config.quotaKeylessUnits * config.quotaSiteTimes),
    ofKey: (tokenId) => byToken.get(tokenId) ?? key,
  };
}
