import type {
  CodecInput,
  Decoded,
  DecodedMeasurement,
  DecodeFault,
  DecodeLimits,
  Codec,
} from './codec.ts';
import { assertNotTooMany, channelFault, codecOf, stop } from './decoding.ts';
import type { CodecErrorCode } from './errors.ts';
import { withoutContradictions } from './repeats.ts';
import { takeFieldNumber, takeInstant, takeLabel } from './scan/json-fields.ts';
import * as json from './scan/json-scanner.ts';
import type { JsonScanner } from './scan/json-scanner.ts';
import { createKeyTable, hasForgotten, startKeys, takeKey } from './scan/key-table.ts';
import type { Key, KeyTable } from './scan/key-table.ts';

/** Reserved keys of an object; `t` is an alias of `ts`. Numbers are bits, to find a repetition. */
const fields = {
  ts: 1,
  t: 1,
  from: 2,
  resultTime: 4,
  seq: 8,
  latitude: 16,
  longitude: 32,
  heightMetres: 64,
  values: 128,
} as const;

/** Members of a value written as an object; others are passed over. */
const members = { value: 1, unit: 2, quality: 4 } as const;

/** A channel met in the object that is being read: its times may still follow. */
interface Candidate {
  channel: string;
  /** NaN stands for null. */
  value: number;
  decimals: number;
  text: string | null;
  unit: string | null;
  quality: string | null;
  offset: number;
}

interface Reader {
  readonly scanner: JsonScanner;
  readonly keys: KeyTable;
  limits: DecodeLimits;
  measurements: DecodedMeasurement[];
  offsets: number[];
  faults: DecodeFault[];
  /** A channel occurred twice in an object, or times do not grow from object to object. */
  hasRepeats: boolean;
  objects: number;
  /** Pool of candidates, kept from message to message; the first `count` are in use. */
  readonly candidates: Candidate[];
  count: number;
  /** Of the object being read. */
  faultsBefore: number;
  hasValues: boolean;
  endAt: number;
  startAt: number;
  timeText: string | null;
  resultAt: number;
  latitude: number;
  longitude: number;
  heightMetres: number;
  seq: number;
  lastEndAt: number;
}

/**
 * The own JSON: one object or an array of objects, each with reserved keys and channels. A single
 * pass over the bytes; see README.md for what is taken and what is a fault.
 */
export function createJsonCodec(): Codec {
  const reader = createReader();
  return codecOf('json', 1, (message, limits) => read(reader, message, limits));
}

function createReader(): Reader {
  return {
    scanner: json.createJsonScanner(),
    keys: createKeyTable(fields, members),
    limits: { decodedBytesMax: 0, expansionRatioMax: 0, depthMax: 0, measurementsMax: 0 },
    measurements: [],
    offsets: [],
    faults: [],
    hasRepeats: false,
    objects: 0,
    candidates: [],
    count: 0,
    faultsBefore: 0,
    hasValues: false,
    endAt: Number.NaN,
    startAt: Number.NaN,
    timeText: null,
    resultAt: Number.NaN,
    latitude: Number.NaN,
    longitude: Number.NaN,
    heightMetres: Number.NaN,
    seq: Number.NaN,
    lastEndAt: Number.NaN,
  };
}

function read(reader: Reader, message: CodecInput, limits: DecodeLimits): Decoded {
  const { scanner } = reader;
  reader.limits = limits;
  reader.measurements = [];
  reader.offsets = [];
  reader.faults = [];
  reader.hasRepeats = false;
  reader.objects = 0;
  json.startJson(scanner, message.payload, limits.depthMax);
  startKeys(reader.keys);
  const byte = json.peek(scanner);
  if (byte === json.braceOpen) readObject(reader, 1);
  else if (byte === json.bracketOpen) readArray(reader);
  else stop('CODEC_SYNTAX', scanner.at, 'one object or an array of objects');
  json.endJson(scanner);
  const { measurements, offsets, faults } = reader;
  if (reader.hasRepeats || hasForgotten(reader.keys)) {
    return withoutContradictions(measurements, offsets, faults);
  }
  return { measurements, faults };
}

function readArray(reader: Reader): void {
  const { scanner } = reader;
  let hasMore = json.enter(scanner, json.bracketClose, 1);
  while (hasMore) {
    if (json.peek(scanner) !== json.braceOpen) stop('CODEC_SYNTAX', scanner.at, 'an object');
    readObject(reader, 2);
    hasMore = json.more(scanner, json.bracketClose);
  }
}

function readObject(reader: Reader, depth: number): void {
  const { scanner, keys } = reader;
  const start = scanner.at;
  startObject(reader);
  let seen = 0;
  let hasMore = json.enter(scanner, json.braceClose, depth);
  while (hasMore) {
    const key = takeKey(keys, scanner);
    const { field } = key;
    if (field !== 0) {
      if ((seen & field) !== 0) stop('CODEC_FIELD_REPEATED', scanner.at, `${key.text} once`);
      seen |= field;
      readField(reader, key, depth);
    } else if (reader.hasValues) json.passValue(scanner, depth + 1);
    else readChannel(reader, key, depth);
    hasMore = json.more(scanner, json.braceClose);
  }
  if (reader.startAt > reader.endAt) stop('CODEC_TIME', start, 'from that is not after ts');
  finishObject(reader);
}

function startObject(reader: Reader): void {
  reader.keys.objects += 1;
  reader.count = 0;
  reader.faultsBefore = reader.faults.length;
  reader.hasValues = false;
  reader.endAt = Number.NaN;
  reader.startAt = Number.NaN;
  reader.timeText = null;
  reader.resultAt = Number.NaN;
  reader.latitude = Number.NaN;
  reader.longitude = Number.NaN;
  reader.heightMetres = Number.NaN;
  reader.seq = Number.NaN;
}

/** Now that the object's times are known, its candidates become measurements. */
function finishObject(reader: Reader): void {
  const { candidates, count, measurements, offsets, endAt, startAt, timeText } = reader;
  const { resultAt, latitude, longitude, heightMetres, seq } = reader;
  if (reader.objects > 0 && !(endAt > reader.lastEndAt)) reader.hasRepeats = true;
  reader.objects += 1;
  reader.lastEndAt = endAt;
  for (let index = 0; index < count; index += 1) {
    const { channel, value, decimals, text, unit, quality, offset } = candidates[index]!;
    offsets.push(offset);
    measurements.push({
      channel,
      value: Number.isNaN(value) ? null : value,
      decimals,
      text,
      unit,
      quality,
      endAt,
      startAt,
      timeText,
      resultAt,
      latitude,
      longitude,
      heightMetres,
      seq,
    });
  }
}

function readField(reader: Reader, key: Key, depth: number): void {
  const { scanner } = reader;
  switch (key.field) {
    case fields.ts:
      reader.endAt = takeInstant(scanner);
      reader.timeText = scanner.text;
      break;
    case fields.from:
      reader.startAt = takeInstant(scanner);
      break;
    case fields.resultTime:
      reader.resultAt = takeInstant(scanner);
      break;
    case fields.seq:
      reader.seq = takeFieldNumber(scanner, key.text);
      break;
    case fields.latitude:
      reader.latitude = takeFieldNumber(scanner, key.text);
      break;
    case fields.longitude:
      reader.longitude = takeFieldNumber(scanner, key.text);
      break;
    case fields.heightMetres:
      reader.heightMetres = takeFieldNumber(scanner, key.text);
      break;
    default:
      readValues(reader, key, depth);
  }
}

/** `values`: if it is an object, its members are the channels, and no key beside it is one. */
function readValues(reader: Reader, key: Key, depth: number): void {
  const { scanner, keys } = reader;
  const offset = scanner.at;
  const byte = json.peek(scanner);
  if (byte !== json.braceOpen) {
    const isNull = byte === json.letterN && scanner.bytes[offset + 1] === json.letterU;
    json.passValue(scanner, depth + 1);
    if (!isNull) addFault(reader, 'CODEC_VALUE_KIND', offset, key.text);
    return;
  }
  reader.hasValues = true;
  reader.count = 0;
  reader.faults.length = reader.faultsBefore;
  keys.objects += 1;
  let hasMore = json.enter(scanner, json.braceClose, depth + 1);
  while (hasMore) {
    readChannel(reader, takeKey(keys, scanner), depth + 1);
    hasMore = json.more(scanner, json.braceClose);
  }
}

function readChannel(reader: Reader, key: Key, depth: number): void {
  const { scanner, keys } = reader;
  const offset = scanner.at;
  if (key.seenIn === keys.objects) reader.hasRepeats = true;
  key.seenIn = keys.objects;
  const candidate = candidateOf(reader);
  candidate.channel = key.text;
  candidate.unit = null;
  candidate.quality = null;
  candidate.offset = offset;
  const fault =
    json.peek(scanner) === json.braceOpen
      ? readValueObject(reader, candidate, depth + 1)
      : readValue(reader, candidate, depth);
  if (fault === undefined) reader.count += 1;
  else addFault(reader, fault, offset, key.text);
  const total = reader.measurements.length + reader.faults.length + reader.count;
  if (total > reader.limits.measurementsMax) assertNotTooMany(total, reader.limits, offset);
}

function candidateOf(reader: Reader): Candidate {
  const { candidates, count } = reader;
  if (count < candidates.length) return candidates[count]!;
  const candidate: Candidate = {
    channel: '',
    value: 0.5,
    decimals: 0,
    text: null,
    unit: null,
    quality: null,
    offset: 0,
  };
  candidates.push(candidate);
  return candidate;
}

/** A value that stands alone; gives the code of what is wrong with it. */
function readValue(
  reader: Reader,
  candidate: Candidate,
  depth: number,
): CodecErrorCode | undefined {
  const { scanner } = reader;
  const byte = json.peek(scanner);
  if (byte === json.quote) return readText(scanner, candidate);
  if (byte === json.bracketOpen || byte === json.braceOpen) {
    json.passValue(scanner, depth + 1);
    return 'CODEC_VALUE_KIND';
  }
  if (json.takeLiteral(scanner, byte)) {
    candidate.value = Number.NaN;
    candidate.decimals = -1;
    candidate.text = null;
    return byte === json.letterN ? undefined : 'CODEC_VALUE_BOOLEAN';
  }
  json.takeNumber(scanner);
  candidate.value = scanner.value;
  candidate.decimals = scanner.decimals;
  candidate.text = scanner.text;
  return undefined;
}

/** An empty text is a missing value, as an empty cell is; any other text is none for a number. */
function readText(scanner: JsonScanner, candidate: Candidate): CodecErrorCode | undefined {
  candidate.value = Number.NaN;
  candidate.decimals = -1;
  candidate.text = json.takeString(scanner);
  return candidate.text === '' ? undefined : 'CODEC_VALUE_TEXT';
}

/** `{"value", "unit"?, "quality"?}`; members of other names are passed over. */
function readValueObject(
  reader: Reader,
  candidate: Candidate,
  depth: number,
): CodecErrorCode | undefined {
  const { scanner, keys } = reader;
  let seen = 0;
  let fault: CodecErrorCode | undefined;
  let hasMore = json.enter(scanner, json.braceClose, depth);
  while (hasMore) {
    const key = takeKey(keys, scanner);
    const { member } = key;
    if (member !== 0 && (seen & member) !== 0) fault ??= 'CODEC_CHANNEL_REPEATED';
    seen |= member;
    if (member === members.value) {
      const valueFault = readValue(reader, candidate, depth);
      fault ??= valueFault;
    } else if (member === members.unit) {
      candidate.unit = takeLabel(scanner, depth);
    } else if (member === members.quality) {
      candidate.quality = takeLabel(scanner, depth);
    } else json.passValue(scanner, depth + 1);
    hasMore = json.more(scanner, json.braceClose);
  }
  if ((seen & members.value) === 0) return 'CODEC_VALUE_KIND';
  return fault;
}

function addFault(reader: Reader, code: CodecErrorCode, offset: number, channel: string): void {
  reader.faults.push(channelFault(code, offset, channel, expected[code] ?? 'a number'));
}

const expected: Partial<Record<CodecErrorCode, string>> = {
  CODEC_VALUE_KIND: 'a number, null, or an object with the member value',
  CODEC_CHANNEL_REPEATED: 'each member of the value once',
};
