/**
 * How many verifications are sent in an hour: to one host, for one maker, and to one address, since
 * any number of names may stand for one. Else anybody could have anybody flooded. Kept in memory.
 */
import type { ApiConfig } from '../config.ts';
import { clientNetwork } from '../../devices/client-network.ts';
import { hostOf } from './address.ts';
import type { Hook } from './hook.ts';

export interface ChallengeLimit {
  /** Takes one of its host and its maker; false where either has no more. Nothing was looked up yet. */
  begin(hook: Hook, nowAt: number): boolean;
  /** Takes one of the address. */
  reach(address: string, nowAt: number): boolean;
}

const hourMs = 3_600_000;

export function createChallengeLimit(config: ApiConfig): ChallengeLimit {
  const hosts = createHourly(config.hooksChallengesPerHourMax);
  const makers = createHourly(config.hooksChallengesPerMakerMax);
  const addresses = createHourly(config.hooksChallengesPerAddressMax);
  return {
    begin({ url, subject, network }, nowAt) {
      const host = hostOf(new URL(url));
      const maker = JSON.stringify([subject, network]);
      if (!hosts.hasRoom(host, nowAt) || !makers.hasRoom(maker, nowAt)) return false;
      hosts.take(host, nowAt);
      makers.take(maker, nowAt);
      return true;
    },
    reach(address, nowAt) {
      const name = clientNetwork(address) ?? address;
      const hasRoom = addresses.hasRoom(name, nowAt);
      if (hasRoom) addresses.take(name, nowAt);
      return hasRoom;
    },
  };
}

function createHourly(timesMax: number) {
  const taken = new Map<string, number[]>();
  let sweptAt = 0;

  /** Also behind a wall clock that was set back. */
  const isRecent = (at: number, nowAt: number): boolean => Math.abs(nowAt - at) < hourMs;

  function sweep(nowAt: number): void {
    if (isRecent(sweptAt, nowAt)) return;
    sweptAt = nowAt;
    for (const [name, times] of taken) {
      if (!times.some((at) => isRecent(at, nowAt))) taken.delete(name);
    }
  }

  return {
    hasRoom: (name: string, nowAt: number): boolean =>
      (taken.get(name) ?? []).filter((at) => isRecent(at, nowAt)).length < timesMax,
    take(name: string, nowAt: number): void {
      sweep(nowAt);
      const recent = (taken.get(name) ?? []).filter((at) => isRecent(at, nowAt));
      taken.set(name, [...recent, nowAt]);
    },
  };
}
