import type { Codec, CodecInput, Decoded, DecodeLimits } from './codec.ts';
import { assertNotTooMany, codecOf, stop } from './decoding.ts';
import * as json from './scan/json-scanner.ts';
import type { JsonScanner } from './scan/json-scanner.ts';
import { decodeSenml } from './senml.ts';
import type { SenmlField, SenmlRecord } from './senml.ts';

/** SenML as JSON (RFC 8428 §5), `application/senml+json`. */
export function createSenmlJsonCodec(): Codec {
  const scanner = json.createJsonScanner();
  return codecOf('senml-json', 1, (message, limits) => read(scanner, message, limits));
}

function read(scanner: JsonScanner, { payload }: CodecInput, limits: DecodeLimits): Decoded {
  json.startJson(scanner, payload, limits.depthMax);
  if (json.peek(scanner) !== json.bracketOpen) {
    stop('CODEC_SYNTAX', scanner.at, 'an array of records');
  }
  const records: SenmlRecord[] = [];
  let hasMore = json.enter(scanner, json.bracketClose, 1);
  while (hasMore) {
    records.push(readRecord(scanner));
    assertNotTooMany(records.length, limits, scanner.at);
    hasMore = json.more(scanner, json.bracketClose);
  }
  json.endJson(scanner);
  return decodeSenml(records, limits);
}

function readRecord(scanner: JsonScanner): SenmlRecord {
  if (json.peek(scanner) !== json.braceOpen) stop('CODEC_SYNTAX', scanner.at, 'a record');
  const offset = scanner.at;
  const fields = new Map<string, SenmlField>();
  let hasMore = json.enter(scanner, json.braceClose, 2);
  while (hasMore) {
    json.peek(scanner);
    const keyAt = scanner.at;
    const label = json.takeString(scanner);
    if (fields.has(label)) stop('CODEC_FIELD_REPEATED', keyAt, `${label} once in a record`);
    json.passColon(scanner);
    fields.set(label, readField(scanner));
    hasMore = json.more(scanner, json.braceClose);
  }
  return { offset, fields };
}

function readField(scanner: JsonScanner): SenmlField {
  const byte = json.peek(scanner);
  if (byte === json.quote) return { kind: 'text', text: json.takeString(scanner) };
  if (byte === json.braceOpen || byte === json.bracketOpen) {
    json.passValue(scanner, 3);
    return { kind: 'other' };
  }
  if (json.takeLiteral(scanner, byte)) return literal(byte);
  json.takeNumber(scanner);
  const { value, decimals, text } = scanner;
  return {
    kind: 'number',
    number: { value: Number.isNaN(value) ? null : value, decimals, text },
  };
}

/** A null is read as a number that is missing, as in the own JSON. */
function literal(byte: number): SenmlField {
  if (byte !== json.letterN) return { kind: 'boolean' };
  return { kind: 'number', number: { value: null, decimals: -1, text: null } };
}
