import type { Codec } from './codec.ts';
import { createCsvRowCodec } from './csv-row.ts';
import { createInfluxLineCodec } from './influx-line.ts';
import { createJsonCodec } from './json.ts';
import { createSenmlCborCodec } from './senml-cbor.ts';
import { createSenmlJsonCodec } from './senml-json.ts';

/** Every payload format, by its id in the registry. Each has testcases/ and a row in README.md. */
export const codecs: readonly Codec[] = [
  createJsonCodec(),
  createSenmlJsonCodec(),
  createSenmlCborCodec(),
  createInfluxLineCodec(),
  createCsvRowCodec(),
];

/** Codec of a device that names none: the own JSON. */
const defaultCodecId = 'json';

const byId: ReadonlyMap<string, Codec> = new Map(codecs.map((codec) => [codec.id, codec]));

/** The codec of a device's `codec`, or undefined where there is none of that id. */
export function codecFor(id: string = defaultCodecId): Codec | undefined {
  return byId.get(id);
}
