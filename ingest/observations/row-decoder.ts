import type { ObservationRow, Rank, Raw, Verdict } from '../observation.ts';
import { changeCauses, changeTypes } from '../observation.ts';
import { reasons, type Flag } from '../quality.ts';
import { readByte, readDouble, readSigned, readText, readVarint, type Reader } from './bytes.ts';
import { DecimalRaw } from './decimal-raw.ts';
import { powersOfTen } from './decimal-text.ts';
import { groupBits, profileBits, valueModes, type Profile } from './row-layout.ts';
import { printTime } from './time-text.ts';

type Judgement = Omit<Verdict, 'rules'>;

/** What the decoder of one batch has already read and may find named by number. */
export interface RowDecoder {
  readonly reader: Reader;
  readonly publishedAt: number;
  readonly texts: string[];
  readonly judgements: Judgement[];
  readonly rules: string[];
  readonly profiles: Profile[];
  /** Verdicts by judgement × 65,536 + rules, so that rows share them. */
  readonly verdicts: Map<number, Verdict>;
  lastJudgement: number;
  lastRules: number;
  lastSeries: number;
  lastPosition: number;
  lastReceivedAt: number;
}

export function createRowDecoder(
  reader: Reader,
  near: { readonly consumed: number; readonly publishedAt: number },
): RowDecoder {
  return {
    reader,
    publishedAt: near.publishedAt,
    texts: [],
    judgements: [],
    rules: [],
    profiles: [],
    verdicts: new Map(),
    lastJudgement: 0,
    lastRules: 0,
    lastSeries: 0,
    lastPosition: near.consumed,
    lastReceivedAt: near.publishedAt,
  };
}

export function decodeRows(decoder: RowDecoder): ObservationRow[] {
  const { reader } = decoder;
  const rows: ObservationRow[] = [];
  const total = readVarint(reader);
  let group: Group | undefined;
  while (rows.length < total) {
    group = decodeGroup(decoder, group);
    for (let index = 0; index < group.count; index++) rows.push(decodeRow(decoder, group));
    if (reader.at > reader.bytes.length) throw new RangeError('Rows end beyond their record');
  }
  if (rows.length !== total) throw new RangeError('A group holds more rows than the batch');
  return rows;
}

export function decodeName(decoder: RowDecoder): string | null {
  const number = readVarint(decoder.reader);
  if (number === 0) return null;
  if (number === decoder.texts.length + 1) decoder.texts.push(readText(decoder.reader));
  return known(decoder.texts, number - 1);
}

export function decodeNamePresent(decoder: RowDecoder): string {
  const text = decodeName(decoder);
  if (text === null) throw new RangeError('A text that must be there is missing');
  return text;
}

interface Group {
  count: number;
  readonly device: string;
  readonly position: number;
  readonly receivedAt: number;
  readonly endAt: number;
  readonly resultAt: number;
  readonly latitude: number;
  readonly longitude: number;
  readonly heightMm: number;
  readonly payloadHash: number;
  /** The ranks of the group's rows, of class 0 and 1, shared by them. */
  readonly ranks: readonly [Rank, Rank];
  readonly timeText: string | null;
}

function decodeGroup(decoder: RowDecoder, previous: Group | undefined): Group {
  const { reader } = decoder;
  const bits = readByte(reader);
  const second = readByte(reader);
  const count = (second & 15) === 0 ? readVarint(reader) : second & 15;
  const isOdd = (bits & groupBits.oddTimes) !== 0;
  const same = (bits & groupBits.sameMessage) === 0 ? undefined : previous;
  const { device, position } = same ?? decodeSender(decoder, isOdd);
  const receivedAt = isOdd ? readDouble(reader) : (same?.receivedAt ?? decoder.lastReceivedAt);
  const endAt = isOdd ? readDouble(reader) : receivedAt - readSigned(reader);
  const resultAt = doubleIf(reader, bits & groupBits.resultAt);
  const latitude = doubleIf(reader, bits & groupBits.place);
  const longitude = doubleIf(reader, bits & groupBits.place);
  const heightMm = doubleIf(reader, bits & groupBits.height);
  const payloadHash = (bits & groupBits.payloadHash) === 0 ? -1 : readVarint(reader);
  const usualAt = Number.isNaN(resultAt) ? receivedAt : resultAt;
  const at = (bits & groupBits.rank) === 0 ? usualAt : readDouble(reader);
  const node = (bits & groupBits.rank) === 0 ? 0 : readVarint(reader);
  return {
    count,
    device,
    position,
    receivedAt,
    endAt,
    resultAt,
    latitude,
    longitude,
    heightMm,
    payloadHash,
    ranks: [
      { klass: 0, at, node, position },
      { klass: 1, at, node, position },
    ],
    timeText: decodeTime(decoder, second >> 4, endAt),
  };
}

function decodeSender(decoder: RowDecoder, isOdd: boolean): Pick<Group, 'device' | 'position'> {
  const device = decodeNamePresent(decoder);
  decoder.lastPosition += readSigned(decoder.reader);
  if (!isOdd) decoder.lastReceivedAt += readSigned(decoder.reader);
  return { device, position: decoder.lastPosition };
}

function doubleIf(reader: Reader, bit: number): number {
  return bit === 0 ? Number.NaN : readDouble(reader);
}

function decodeTime(decoder: RowDecoder, kind: number, endAt: number): string | null {
  if (kind === 0) return null;
  return kind === 1 ? decodeNamePresent(decoder) : printTime(kind, endAt);
}

function decodeRow(decoder: RowDecoder, group: Group): ObservationRow {
  const { reader } = decoder;
  const number = readVarint(reader);
  const profile =
    number === decoder.profiles.length ? decodeProfile(decoder) : known(decoder.profiles, number);
  decoder.lastSeries += readSigned(reader);
  const raw = decodeRaw(reader, profile, group.timeText);
  return {
    series: decoder.lastSeries,
    endAt: group.endAt,
    startAt: group.endAt - profile.spanMs,
    heightMm: group.heightMm,
    revision: profile.revision,
    current: profile.current,
    type: profile.type,
    cause: profile.cause,
    result: decodeResult(reader, profile, raw),
    verdict: profile.verdict,
    resultAt: group.resultAt,
    receivedAt: group.receivedAt,
    publishedAt: decoder.publishedAt,
    rank: group.ranks[profile.klass],
    device: group.device,
    raw,
    payloadHash: group.payloadHash,
    latitude: group.latitude,
    longitude: group.longitude,
  };
}

function decodeRaw(reader: Reader, profile: Profile, time: string | null): Raw {
  const { name, unit, mode } = profile;
  if (mode <= valueModes.decimalMissing) {
    const number = readSigned(reader) / (powersOfTen[profile.decimals] ?? 1);
    return new DecimalRaw({ name, unit, time }, number, profile.decimals);
  }
  const value = mode <= valueModes.textMissing ? readText(reader) : null;
  return { name, value, unit, time };
}

function decodeResult(reader: Reader, profile: Profile, raw: Raw): number | null {
  switch (profile.mode) {
    case valueModes.decimal:
      return raw.sentNumber ?? null;
    case valueModes.decimalConverted:
    case valueModes.text:
    case valueModes.none:
      return readDouble(reader);
    default:
      return null;
  }
}

function decodeProfile(decoder: RowDecoder): Profile {
  const { reader, profiles } = decoder;
  const previous = profiles.at(-1);
  const bits = readByte(reader);
  const name = decodeNamePresent(decoder);
  const unit = (bits & profileBits.unit) === 0 ? decodeName(decoder) : (previous?.unit ?? null);
  const spanMs = decodeSpan(reader, bits, previous?.spanMs ?? 0);
  const modeByte = (bits & profileBits.mode) === 0 ? readByte(reader) : modeByteOf(previous);
  const isSameShape = (bits & profileBits.shape) !== 0 && previous !== undefined;
  const shape = isSameShape ? previous : decodeShape(reader);
  if ((bits & profileBits.judgement) === 0) decoder.lastJudgement = decodeJudgement(decoder);
  if ((bits & profileBits.newRules) !== 0) {
    decoder.lastRules = decoder.rules.push(readHex(reader, 4)) - 1;
  } else if ((bits & profileBits.rules) === 0) {
    decoder.lastRules = decodeRules(decoder);
  }
  const profile: Profile = {
    name,
    unit,
    spanMs,
    verdict: verdictOf(decoder),
    mode: modeByte >> 4,
    decimals: modeByte & 15,
    type: shape.type,
    cause: shape.cause,
    revision: shape.revision,
    current: shape.current,
    klass: shape.klass,
  };
  profiles.push(profile);
  return profile;
}

function decodeSpan(reader: Reader, bits: number, previousMs: number): number {
  if ((bits & profileBits.oddSpan) !== 0) return readDouble(reader);
  return (bits & profileBits.span) === 0 ? readSigned(reader) : previousMs;
}

function modeByteOf(profile: Profile | undefined): number {
  return profile === undefined ? 0 : profile.mode * 16 + profile.decimals;
}

type Shape = Pick<Profile, 'type' | 'cause' | 'revision' | 'current' | 'klass'>;

function decodeShape(reader: Reader): Shape {
  const byte = readByte(reader);
  const current = (byte & 1) === 1;
  const number = readVarint(reader);
  return {
    current,
    klass: (byte & 2) === 0 ? 0 : 1,
    type: known(changeTypes, (byte >> 2) & 3),
    cause: known(changeCauses, byte >> 4),
    revision: current ? number - 1 : -1 - number,
  };
}

function decodeJudgement(decoder: RowDecoder): number {
  const { reader, judgements } = decoder;
  const number = readVarint(reader);
  if (number !== judgements.length) return number;
  const byte = readByte(reader);
  const reason = readByte(reader);
  const qualifiers = readVarint(reader);
  judgements.push({
    flag: (byte & 15) as Flag,
    tests: (byte & 16) === 0 ? readText(reader) : readHex(reader, 8),
    qualifiers,
    reason: reason === 0 ? null : known(reasons, reason - 1),
  });
  return number;
}

function decodeRules(decoder: RowDecoder): number {
  const { reader, rules } = decoder;
  const number = readVarint(reader);
  if (number === rules.length) rules.push(readText(reader));
  return number;
}

function readHex(reader: Reader, lengthBytes: number): string {
  const start = reader.at;
  reader.at += lengthBytes;
  return reader.bytes.toString('hex', start, reader.at);
}

function verdictOf(decoder: RowDecoder): Verdict {
  const key = decoder.lastJudgement * 65_536 + decoder.lastRules;
  const found = decoder.verdicts.get(key);
  if (found !== undefined) return found;
  const { flag, tests, qualifiers, reason } = known(decoder.judgements, decoder.lastJudgement);
  const rules = known(decoder.rules, decoder.lastRules);
  const verdict: Verdict = { flag, tests, qualifiers, reason, rules };
  decoder.verdicts.set(key, verdict);
  return verdict;
}

function known<Value>(list: readonly Value[], number: number): Value {
  const value = list[number];
  if (value === undefined) throw new RangeError('A number names nothing that came before it');
  return value;
}
