/**
 * How many webhooks there may be, of whom and to where. Those made with keys are counted apart, so
 * that nobody without one can take their room, and what is of no use any more makes room.
 */
import { isIP } from 'node:net';

import type { ApiConfig } from '../config.ts';
import { apiError } from '../errors.ts';
import { hostOf } from './address.ts';
import type { Hook } from './hook.ts';

/** Throws API_TOO_MANY_WEBHOOKS where this one would be one too many. */
export function requireRoom(all: ReadonlyMap<string, Hook>, config: ApiConfig, hook: Hook): void {
  const isKeyless = hook.subject === null;
  const host = hostOf(new URL(hook.url));
  const domain = domainOf(host);
  let [alike, ofMaker, ofHost, ofDomain] = [0, 0, 0, 0];
  for (const each of all.values()) {
    if ((each.subject === null) !== isKeyless) continue;
    alike += 1;
    if (each.subject === hook.subject && each.network === hook.network) ofMaker += 1;
    const eachHost = hostOf(new URL(each.url));
    if (eachHost === host) ofHost += 1;
    if (domainOf(eachHost) === domain) ofDomain += 1;
  }
  const isFull =
    all.size >= config.hooksMax ||
    (isKeyless && alike >= config.hooksKeylessMax) ||
    ofMaker >= config.hooksPerMakerMax ||
    ofHost >= config.hooksPerHostMax ||
    ofDomain >= config.hooksPerDomainMax;
  if (isFull) throw apiError('API_TOO_MANY_WEBHOOKS', { host });
}

/** Nothing is sent to it any more, and for so long that its owner has had time to see why. */
export function isOfNoUse(hook: Hook, config: ApiConfig, nowAt: number): boolean {
  if (!hook.isVerified) return nowAt - hook.createdAt >= config.hooksUnverifiedMsMax;
  const isIdle = hook.state !== 'active' && hook.state !== 'paused';
  return isIdle && nowAt - hook.stateSince >= config.hooksIdleMsMax;
}

/** Under a country's name these stand for many, as in com.vn (VNNIC) or co.uk. */
const shared = new Set(
  'ac ai biz co com edu go gov health id info int io name net or org pro'.split(' '),
);

/**
 * What one owner has, as far as can be told without the list of public suffixes: the last two labels,
 * or three where the last is a country's and the one before it is shared. An address is its own.
 */
export function domainOf(host: string): string {
  if (isIP(host) !== 0) return host;
  const labels = host.split('.');
  const isShared = labels.at(-1)?.length === 2 && shared.has(labels.at(-2) ?? '');
  return labels.slice(isShared ? -3 : -2).join('.');
}
