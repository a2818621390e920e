import type { Codec } from './codec.ts';
import { createJsonCodec } from './json.ts';

/** Every payload format, by its id in the registry. Each has testcases/ and a row in README.md. */
export const codecs: readonly Codec[] = [createJsonCodec()];

/** Codec of a device that names none: the own JSON. */
export const defaultCodecId = 'json';

const byId: ReadonlyMap<string, Codec> = new Map(codecs.map((codec) => [codec.id, codec]));

/** The codec of a device's `codec`, or undefined where there is none of that id. */
export function codecFor(id: string = defaultCodecId): Codec | undefined {
  return byId.get(id);
}
