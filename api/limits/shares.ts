/**
 * A bounded number of places for what lasts (long answers, live clients, charts), shared out so that
 * nobody takes them all: one client has at most `clientMax` of them, clients without a key leave some
 * to keys and operators, keys leave some to operators. Where no place is free, that of the client who
 * has lately cost most is taken from it, if it can be cut and the newcomer has cost far less.
 */
import { apiError, type ApiErrorCode } from '../errors.ts';

/** Whoever wants a place. */
export interface Client {
  readonly standing: 'operator' | 'key' | 'keyless';
  /** Equal for those who count as one. */
  readonly key: string;
  /** Equal for clients around it that count together too: these may hold twice as much. */
  readonly siteKey?: string | undefined;
  /** False for those without a quota: they have no share either. */
  readonly isBounded: boolean;
  /** Share of its quota that it has used lately: 0 to 2. */
  recentCost(): number;
}

export interface Shares {
  /**
   * A place, held until the function returned is called (again is nothing). `cut` is called when it
   * is taken away before; without it, it never is. Throws the error of these shares.
   */
  take(client: Client, cut?: () => void): () => void;
  readonly taken: number;
}

export interface SharesOptions {
  readonly placesMax: number;
  /** Of all places, one client may have so many percent. */
  readonly clientPercentMax: number;
  /** So many percent are left to keys and operators; a quarter of these to operators alone. */
  readonly keptPercent: number;
  readonly code: ApiErrorCode;
}

/** Who has used less of its quota lately is never cut. */
const lightCost = 0.05;
/** Who is cut has cost so many times as much as the newcomer. */
const cutFactor = 2;
/** So many times the share of one client have those around it together. */
const siteTimes = 2;

interface Place {
  readonly client: Client;
  readonly cut: (() => void) | undefined;
}

export function createShares(options: SharesOptions): Shares {
  const { placesMax, code } = options;
  const clientMax = Math.max(1, Math.floor((placesMax * options.clientPercentMax) / 100));
  const kept = Math.min(placesMax - 1, Math.ceil((placesMax * options.keptPercent) / 100));
  const places = new Set<Place>();
  const byClient = new Map<string, number>();
  let keyless = 0;

  function count({ standing, key, siteKey, isBounded }: Client, change: 1 | -1): void {
    if (!isBounded) return;
    if (standing === 'keyless') keyless += change;
    for (const each of siteKey === undefined ? [key] : [key, siteKey]) {
      const now = (byClient.get(each) ?? 0) + change;
      if (now === 0) byClient.delete(each);
      else byClient.set(each, now);
    }
  }

  function requireShare({ key, siteKey = '' }: Client): void {
    const isOver =
      (byClient.get(key) ?? 0) >= clientMax ||
      (byClient.get(siteKey) ?? 0) >= clientMax * siteTimes;
    if (isOver) throw apiError(code, { clientMax });
  }

  function hasRoom({ standing, isBounded }: Client): boolean {
    if (!isBounded) return places.size < placesMax;
    const isLeft = places.size < placesMax - Math.floor(kept / 4);
    return isLeft && (standing === 'key' || keyless < placesMax - kept);
  }

  function drop(place: Place): void {
    if (places.delete(place)) count(place.client, -1);
  }

  /** Without a key nobody takes the place of a key. */
  function makeRoom(newcomer: Client): void {
    const least = Math.max(lightCost, newcomer.recentCost() * cutFactor);
    const isOver = newcomer.standing === 'keyless' && newcomer.isBounded;
    const mayCut = [...places].filter(({ client, cut }) => {
      const isProtected = isOver && client.standing !== 'keyless';
      return cut !== undefined && client.isBounded && !isProtected;
    });
    const found = dearest(mayCut, least);
    if (found === undefined) return;
    drop(found);
    found.cut?.();
  }

  return {
    take(client, cut) {
      if (client.isBounded) requireShare(client);
      if (!hasRoom(client)) makeRoom(client);
      if (!hasRoom(client)) throw apiError(code);
      const place = { client, cut };
      places.add(place);
      count(client, 1);
      return () => drop(place);
    },
    get taken() {
      return places.size;
    },
  };
}

/** The newest place of who has cost most, and more than `least`. */
function dearest(places: readonly Place[], least: number): Place | undefined {
  let found: Place | undefined;
  let most = least;
  for (const place of places) {
    const cost = place.client.recentCost();
    if (cost < most || cost <= least) continue;
    most = cost;
    found = place;
  }
  return found;
}
