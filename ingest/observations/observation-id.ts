/**
 * The outside name of an observation: its key, written so that it can be read back, and nothing
 * else (interfaces.md §1). So it is the same after a restore, a reprocess and on every profile,
 * and finding the observation needs no index.
 *
 *   id     = time "." datastream            datastream = the datastream's own id
 *          | time ".." hash                 where the first form would pass 64 characters
 *   time   = end [ "-" length ] [ "_" height ]
 *   end    = 9 digits of base 36: milliseconds from 0001-01-01T00:00Z to the end of the phenomenon
 *   length = base 36: milliseconds from start to end; absent for an instant
 *   height = [ "N" ] base 36: own height in millimetres, "N" when negative; absent where none
 *   hash   = 25 digits of base 36: the first 128 bits of the SHA-256 of the datastream's id
 *
 * `time` holds no dot and a datastream's id never begins with one, so the first dot decides.
 */
import { createHash } from 'node:crypto';

import type { Registry } from '../../devices/registry.ts';
import type { ObservationKey } from '../observation.ts';

export const observationIdCharactersMax = 64;

/** From 0001-01-01T00:00Z to 1970-01-01T00:00Z in milliseconds. */
const yearOneMs = 62_135_596_800_000;
const fivePlaces = 36 ** 5;
const endMax = 36 ** 9;
const digits = '0123456789abcdefghijklmnopqrstuvwxyz';
const pairs: readonly string[] = Array.from(
  { length: 36 * 36 },
  (_, value) => digits.charAt(Math.floor(value / 36)) + digits.charAt(value % 36),
);
const grammar =
  /^([0-9a-z]{9})(?:-([0-9a-z]{1,11}))?(?:_(N?[0-9a-z]{1,10}))?\.(\.?)([A-Za-z0-9][A-Za-z0-9._-]{0,63})$/;

/** The part before the dot. Throws RangeError for a time outside the years 1 to 3218. */
export function encodeTimePart(key: ObservationKey): string {
  const end = key.endAt + yearOneMs;
  if (!(end >= 0 && end < endMax)) {
    throw new RangeError('an observation id holds times of the years 1 to 3218');
  }
  const high = Math.floor(end / fivePlaces);
  const low = end - high * fivePlaces;
  let text =
    (pairs[(high / 1296) | 0] ?? '') +
    (pairs[high % 1296] ?? '') +
    (pairs[(low / 46_656) | 0] ?? '') +
    (pairs[((low / 36) | 0) % 1296] ?? '') +
    digits.charAt(low % 36);
  if (key.startAt !== key.endAt) text += '-' + (key.endAt - key.startAt).toString(36);
  if (key.heightMm === key.heightMm) {
    const height = Math.round(key.heightMm);
    text += height < 0 ? '_N' + (-height).toString(36) : '_' + height.toString(36);
  }
  return text;
}

/** The part from the dot on, for ids whose time part has `timeCharacters` characters. */
export function datastreamPart(datastreamId: string, timeCharacters: number): string {
  return timeCharacters + 1 + datastreamId.length <= observationIdCharactersMax
    ? '.' + datastreamId
    : '..' + datastreamHash(datastreamId);
}

export function encodeObservationId(datastreamId: string, key: ObservationKey): string {
  const time = encodeTimePart(key);
  return time + datastreamPart(datastreamId, time.length);
}

/**
 * The key that an id stands for; undefined when it is not an id of a datastream of this registry.
 * Each key has exactly one id: any other spelling is undefined too.
 */
export function decodeObservationId(id: string, registry: Registry): ObservationKey | undefined {
  const parts = grammar.exec(id);
  if (parts === null) return undefined;
  const [, end, length, height, hashed, name = ''] = parts;
  const datastream = hashed === '.' ? byHash(registry).get(name) : registry.datastreams.get(name);
  if (datastream === undefined) return undefined;
  const endAt = Number.parseInt(end ?? '', 36) - yearOneMs;
  const key: ObservationKey = {
    series: datastream.series,
    endAt,
    startAt: endAt - (length === undefined ? 0 : Number.parseInt(length, 36)),
    heightMm: decodeHeight(height),
  };
  return encodeObservationId(datastream.id, key) === id ? key : undefined;
}

function decodeHeight(text: string | undefined): number {
  if (text === undefined) return NaN;
  return text.startsWith('N') ? -Number.parseInt(text.slice(1), 36) : Number.parseInt(text, 36);
}

function datastreamHash(datastreamId: string): string {
  const bits = createHash('sha256').update(datastreamId).digest('hex').slice(0, 32);
  return BigInt('0x' + bits)
    .toString(36)
    .padStart(25, '0');
}

/** Made once for a registry, and only when a shortened id is asked for. */
const hashes = new WeakMap<Registry, ReadonlyMap<string, { id: string; series: number }>>();

function byHash(registry: Registry): ReadonlyMap<string, { id: string; series: number }> {
  let found = hashes.get(registry);
  if (found === undefined) {
    found = new Map(
      [...registry.datastreams.values()].map((datastream) => [
        datastreamHash(datastream.id),
        { id: datastream.id, series: datastream.series },
      ]),
    );
    hashes.set(registry, found);
  }
  return found;
}
