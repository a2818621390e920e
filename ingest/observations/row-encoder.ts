import type { ObservationRow, Raw, Verdict } from '../observation.ts';
import { changeCauses, changeTypes } from '../observation.ts';
import { reasons } from '../quality.ts';
import {
  reserve,
  varintBytesMax,
  writeByte,
  writeDouble,
  writeSigned,
  writeText,
  writeVarint,
  type Writer,
} from './bytes.ts';
import { powersOfTen, scaleDecimal, scanDecimal, type Decimal } from './decimal-text.ts';
import {
  groupBits,
  profileBits,
  rulesPattern,
  testsPattern,
  timeMax,
  valueModes,
  type Profile,
} from './row-layout.ts';
import { timeTextKind } from './time-text.ts';

/** A group and a row without their texts never take more than this. */
const rowBytesMax = 32 * varintBytesMax;
/** A name with more profiles than this in one batch defines a new one rather than searching on. */
const profilesSearchedMax = 8;

/** What the encoder of one batch has already written and may name by number. */
export interface RowEncoder {
  readonly writer: Writer;
  readonly texts: Map<string, number>;
  readonly judgements: Map<string, number>;
  readonly rules: Map<string, number>;
  readonly profiles: Profile[];
  readonly profilesByName: Map<string, number[]>;
  /** Number of the profile written last: its successor is the best guess for the next row. */
  lastProfile: number;
  lastSeries: number;
  lastPosition: number;
  lastReceivedAt: number;
  readonly decimal: Decimal;
}

/** The last position and the publishing of a batch are near those of its first row. */
export function createRowEncoder(
  writer: Writer,
  near: { readonly consumed: number; readonly publishedAt: number },
): RowEncoder {
  return {
    writer,
    texts: new Map(),
    judgements: new Map(),
    rules: new Map(),
    profiles: [],
    profilesByName: new Map(),
    lastProfile: -1,
    lastSeries: 0,
    lastPosition: near.consumed,
    lastReceivedAt: near.publishedAt,
    decimal: { scaled: 0, decimals: 0 },
  };
}

export function encodeRows(encoder: RowEncoder, rows: readonly ObservationRow[]): void {
  writeVarint(encoder.writer, rows.length);
  let previous: ObservationRow | undefined;
  let start = 0;
  while (start < rows.length) {
    const first = rows[start];
    if (first === undefined) break;
    let end = start + 1;
    while (end < rows.length && isSameGroup(first, rows[end])) end++;
    encodeGroup(encoder, { first, previous, count: end - start });
    for (let index = start; index < end; index++) {
      const row = rows[index];
      if (row !== undefined) encodeRow(encoder, row);
    }
    previous = first;
    start = end;
  }
}

/** A text that the batch has named before is its number; a new one follows where it first occurs. */
export function encodeName(encoder: RowEncoder, text: string | null): void {
  reserve(encoder.writer, varintBytesMax);
  if (text === null) return writeByte(encoder.writer, 0);
  const known = encoder.texts.get(text);
  if (known !== undefined) return writeVarint(encoder.writer, known);
  const number = encoder.texts.size + 1;
  encoder.texts.set(text, number);
  writeVarint(encoder.writer, number);
  writeText(encoder.writer, text);
}

function isSameGroup(a: ObservationRow, b: ObservationRow | undefined): boolean {
  return b !== undefined && isSameInstant(a, b) && isSameMessage(a, b);
}

function isSameInstant(a: ObservationRow, b: ObservationRow): boolean {
  return (
    a.endAt === b.endAt &&
    a.raw.time === b.raw.time &&
    a.payloadHash === b.payloadHash &&
    Object.is(a.resultAt, b.resultAt) &&
    Object.is(a.heightMm, b.heightMm) &&
    Object.is(a.latitude, b.latitude) &&
    Object.is(a.longitude, b.longitude)
  );
}

function isSameMessage(a: ObservationRow, b: ObservationRow): boolean {
  return (
    a.receivedAt === b.receivedAt &&
    a.device === b.device &&
    a.rank.at === b.rank.at &&
    a.rank.node === b.rank.node &&
    a.rank.position === b.rank.position
  );
}

interface Group {
  readonly first: ObservationRow;
  /** First row of the group before. */
  readonly previous: ObservationRow | undefined;
  readonly count: number;
}

function encodeGroup(encoder: RowEncoder, group: Group): void {
  const { writer } = encoder;
  const { first, previous, count } = group;
  reserve(writer, rowBytesMax);
  const bits = groupBitsOf(first, previous);
  const timeKind = timeTextKind(first.raw.time, first.endAt);
  writeByte(writer, bits);
  writeByte(writer, timeKind * 16 + (count < 16 ? count : 0));
  if (count >= 16) writeVarint(writer, count);
  if ((bits & groupBits.sameMessage) === 0) {
    encodeName(encoder, first.device);
    reserve(writer, rowBytesMax);
    writeSigned(writer, first.rank.position - encoder.lastPosition);
    encoder.lastPosition = first.rank.position;
  }
  if ((bits & groupBits.oddTimes) === 0) {
    if ((bits & groupBits.sameMessage) === 0) {
      writeSigned(writer, first.receivedAt - encoder.lastReceivedAt);
      encoder.lastReceivedAt = first.receivedAt;
    }
    writeSigned(writer, first.receivedAt - first.endAt);
  } else {
    writeDouble(writer, first.receivedAt);
    writeDouble(writer, first.endAt);
  }
  encodeGroupExtras(writer, first, bits);
  if (timeKind === 1) encodeName(encoder, first.raw.time);
}

function encodeGroupExtras(writer: Writer, first: ObservationRow, bits: number): void {
  if ((bits & groupBits.resultAt) !== 0) writeDouble(writer, first.resultAt);
  if ((bits & groupBits.place) !== 0) {
    writeDouble(writer, first.latitude);
    writeDouble(writer, first.longitude);
  }
  if ((bits & groupBits.height) !== 0) writeDouble(writer, first.heightMm);
  if ((bits & groupBits.payloadHash) !== 0) writeVarint(writer, first.payloadHash);
  if ((bits & groupBits.rank) !== 0) {
    writeDouble(writer, first.rank.at);
    writeVarint(writer, first.rank.node);
  }
}

function groupBitsOf(first: ObservationRow, previous: ObservationRow | undefined): number {
  const hasResultAt = !Number.isNaN(first.resultAt);
  const usualAt = hasResultAt ? first.resultAt : first.receivedAt;
  let bits = 0;
  if (hasResultAt) bits |= groupBits.resultAt;
  if (!Number.isNaN(first.latitude) || !Number.isNaN(first.longitude)) bits |= groupBits.place;
  if (!Number.isNaN(first.heightMm)) bits |= groupBits.height;
  if (first.payloadHash !== -1) bits |= groupBits.payloadHash;
  if (first.rank.node !== 0 || first.rank.at !== usualAt) bits |= groupBits.rank;
  if (!isUsualTime(first.receivedAt) || !isUsualTime(first.endAt)) bits |= groupBits.oddTimes;
  else if (
    previous !== undefined &&
    isUsualTime(previous.receivedAt) &&
    isUsualTime(previous.endAt) &&
    isSameMessage(first, previous)
  ) {
    bits |= groupBits.sameMessage;
  }
  return bits;
}

function isUsualTime(at: number): boolean {
  return Number.isInteger(at) && at < timeMax && at > -timeMax;
}

function encodeRow(encoder: RowEncoder, row: ObservationRow): void {
  const { writer, decimal } = encoder;
  reserve(writer, rowBytesMax);
  const mode = valueModeOf(row, decimal);
  const number = profileOf(encoder, row, mode);
  if (number < 0) defineProfile(encoder, row, mode);
  else {
    writeVarint(writer, number);
    encoder.lastProfile = number;
  }
  writeSigned(writer, row.series - encoder.lastSeries);
  encoder.lastSeries = row.series;
  if (mode <= valueModes.decimalMissing) writeSigned(writer, decimal.scaled);
  else if (mode <= valueModes.textMissing) writeText(writer, row.raw.value ?? '');
  if (row.result !== null && mode !== valueModes.decimal) {
    reserve(writer, 8);
    writeDouble(writer, row.result);
  }
}

/** Also fills `decimal` where the text is one. */
function valueModeOf(row: ObservationRow, decimal: Decimal): number {
  const { result } = row;
  if (!isDecimal(row.raw, decimal)) {
    if (row.raw.value === null) return result === null ? valueModes.noneMissing : valueModes.none;
    return result === null ? valueModes.textMissing : valueModes.text;
  }
  if (result === null) return valueModes.decimalMissing;
  const isIdentity = Object.is(result, decimal.scaled / (powersOfTen[decimal.decimals] ?? 1));
  return isIdentity ? valueModes.decimal : valueModes.decimalConverted;
}

function isDecimal(raw: Raw, decimal: Decimal): boolean {
  const { sentNumber, sentDecimals } = raw;
  if (sentNumber !== undefined && sentDecimals !== undefined) {
    if (scaleDecimal(sentNumber, sentDecimals, decimal)) return true;
  }
  return raw.value !== null && scanDecimal(raw.value, decimal);
}

/** Number of a profile already written that fits the row, or -1. */
function profileOf(encoder: RowEncoder, row: ObservationRow, mode: number): number {
  const decimals = mode <= valueModes.decimalMissing ? encoder.decimal.decimals : 0;
  const guess = encoder.lastProfile + 1;
  if (fits(encoder.profiles[guess], row, mode, decimals)) return guess;
  const numbers = encoder.profilesByName.get(row.raw.name);
  if (numbers === undefined) return -1;
  const oldest = Math.max(0, numbers.length - profilesSearchedMax);
  for (let index = numbers.length - 1; index >= oldest; index--) {
    const number = numbers[index] ?? 0;
    if (fits(encoder.profiles[number], row, mode, decimals)) return number;
  }
  return -1;
}

function fits(
  profile: Profile | undefined,
  row: ObservationRow,
  mode: number,
  decimals: number,
): boolean {
  return (
    profile !== undefined &&
    profile.name === row.raw.name &&
    profile.verdict === row.verdict &&
    profile.mode === mode &&
    profile.decimals === decimals &&
    profile.spanMs === row.endAt - row.startAt &&
    profile.unit === row.raw.unit &&
    profile.revision === row.revision &&
    hasShape(profile, row)
  );
}

function hasShape(profile: Profile, row: ObservationRow): boolean {
  return (
    profile.type === row.type &&
    profile.cause === row.cause &&
    profile.current === row.current &&
    profile.klass === row.rank.klass
  );
}

function defineProfile(encoder: RowEncoder, row: ObservationRow, mode: number): void {
  const { writer, profiles } = encoder;
  const previous = profiles.at(-1);
  const profile: Profile = {
    name: row.raw.name,
    unit: row.raw.unit,
    spanMs: row.endAt - row.startAt,
    verdict: row.verdict,
    mode,
    decimals: mode <= valueModes.decimalMissing ? encoder.decimal.decimals : 0,
    type: row.type,
    cause: row.cause,
    revision: row.revision,
    current: row.current,
    klass: row.rank.klass,
  };
  let bits = previous === undefined ? 0 : profileBitsOf(profile, previous, row);
  const { rules } = profile.verdict;
  if (!encoder.rules.has(rules) && rulesPattern.test(rules)) bits |= profileBits.newRules;
  if (!isUsualTime(profile.spanMs)) bits = (bits & ~profileBits.span) | profileBits.oddSpan;
  encoder.lastProfile = profiles.length;
  writeVarint(writer, profiles.length);
  rememberProfile(encoder, profile);
  writeByte(writer, bits);
  encodeName(encoder, profile.name);
  if ((bits & profileBits.unit) === 0) encodeName(encoder, profile.unit);
  reserve(writer, rowBytesMax);
  if ((bits & profileBits.oddSpan) !== 0) writeDouble(writer, profile.spanMs);
  else if ((bits & profileBits.span) === 0) writeSigned(writer, profile.spanMs);
  if ((bits & profileBits.mode) === 0) writeByte(writer, mode * 16 + profile.decimals);
  if ((bits & profileBits.shape) === 0) {
    writeByte(writer, shapeOf(profile));
    writeVarint(writer, profile.current ? profile.revision + 1 : -1 - profile.revision);
  }
  if ((bits & profileBits.judgement) === 0) encodeJudgement(encoder, profile.verdict);
  if ((bits & profileBits.newRules) !== 0) encodeNewRules(encoder, profile.verdict.rules);
  else if ((bits & profileBits.rules) === 0) encodeRules(encoder, profile.verdict.rules);
}

function rememberProfile(encoder: RowEncoder, profile: Profile): void {
  const sameName = encoder.profilesByName.get(profile.name);
  if (sameName === undefined) encoder.profilesByName.set(profile.name, [encoder.profiles.length]);
  else sameName.push(encoder.profiles.length);
  encoder.profiles.push(profile);
}

function profileBitsOf(profile: Profile, previous: Profile, row: ObservationRow): number {
  let bits = 0;
  if (profile.unit === previous.unit) bits |= profileBits.unit;
  if (Object.is(profile.spanMs, previous.spanMs)) bits |= profileBits.span;
  if (profile.mode === previous.mode && profile.decimals === previous.decimals) {
    bits |= profileBits.mode;
  }
  if (hasShape(previous, row) && profile.revision === previous.revision) bits |= profileBits.shape;
  if (judgementKey(profile.verdict) === judgementKey(previous.verdict)) {
    bits |= profileBits.judgement;
  }
  if (profile.verdict.rules === previous.verdict.rules) bits |= profileBits.rules;
  return bits;
}

/** Bit 0 current, bit 1 rank class, bits 2–3 type, bits 4–6 cause. */
function shapeOf(profile: Profile): number {
  return (
    (profile.current ? 1 : 0) +
    profile.klass * 2 +
    changeTypes.indexOf(profile.type) * 4 +
    changeCauses.indexOf(profile.cause) * 16
  );
}

function judgementKey(verdict: Verdict): string {
  return `${verdict.flag} ${verdict.qualifiers} ${verdict.reason} ${verdict.tests}`;
}

function encodeJudgement(encoder: RowEncoder, verdict: Verdict): void {
  const { writer, judgements } = encoder;
  const key = judgementKey(verdict);
  const known = judgements.get(key);
  reserve(writer, rowBytesMax);
  writeVarint(writer, known ?? judgements.size);
  if (known !== undefined) return;
  judgements.set(key, judgements.size);
  const reason = verdict.reason === null ? 0 : reasons.indexOf(verdict.reason) + 1;
  const isUsual = testsPattern.test(verdict.tests);
  writeByte(writer, verdict.flag + (isUsual ? 16 : 0));
  writeByte(writer, reason);
  writeVarint(writer, verdict.qualifiers);
  if (!isUsual) return writeText(writer, verdict.tests);
  for (let index = 0; index < 16; index += 2) {
    writeByte(writer, Number.parseInt(verdict.tests.slice(index, index + 2), 16));
  }
}

function encodeNewRules(encoder: RowEncoder, rules: string): void {
  encoder.rules.set(rules, encoder.rules.size);
  reserve(encoder.writer, rowBytesMax);
  for (let index = 0; index < 8; index += 2) {
    writeByte(encoder.writer, Number.parseInt(rules.slice(index, index + 2), 16));
  }
}

/** A rule set met before, or one whose name is not the usual 8 hex digits. */
function encodeRules(encoder: RowEncoder, rules: string): void {
  const { writer } = encoder;
  const known = encoder.rules.get(rules);
  reserve(writer, rowBytesMax);
  writeVarint(writer, known ?? encoder.rules.size);
  if (known !== undefined) return;
  encoder.rules.set(rules, encoder.rules.size);
  writeText(writer, rules);
}
