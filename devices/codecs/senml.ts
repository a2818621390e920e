import type { Decoded, DecodeLimits } from './codec.ts';
import { createCollector } from './collector.ts';
import type { Collector } from './collector.ts';
import { stop } from './decoding.ts';
import { decimalOfNumber, sumOf, textOf } from './scan/decimal.ts';
import type { Decimal } from './scan/decimal.ts';
import { ucumOfSenmlUnit } from './senml-units.ts';

/** One record as sent. */
export interface SenmlRecord {
  /** Where it begins in the payload. */
  readonly offset: number;
  readonly fields: ReadonlyMap<string, SenmlField>;
}

/** The value of a label. `other` is an array, an object, bytes, or null. */
export type SenmlField =
  | { readonly kind: 'number'; readonly number: Decimal }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'boolean' | 'other' };

/** Seconds below which a time is relative to the arrival (RFC 8428 §4.5.3). */
const absoluteSecondsMin = 2 ** 28;

/**
 * Versions: 10 of RFC 8428 and the drafts before it; bit 4 says that secondary units may be used
 * (RFC 9100), which they always may here.
 */
const versionMax = 10;
const versionSecondaryUnits = 26;

/** Base fields in force: each lasts until a later record sets it anew. */
interface Base {
  name: string;
  time: Decimal | undefined;
  unit: string | undefined;
  value: Decimal | undefined;
  sum: Decimal | undefined;
  version: number | undefined;
}

interface Moment {
  /** NaN where the record gives no absolute time. */
  readonly endAt: number;
  readonly timeText: string | null;
  /** Relative to the arrival, and not zero. */
  readonly isRelative: boolean;
}

interface Resolved {
  readonly record: SenmlRecord;
  readonly channel: string;
  readonly unit: string | null;
  readonly moment: Moment;
  readonly value: Decimal | undefined;
  readonly sum: Decimal | undefined;
}

/**
 * Resolves the records of a pack (RFC 8428 §4.6) into measurements. The channel is base name + name,
 * the unit the UCUM code of the SenML unit; an integrated value (`s`) is the channel `name#sum`, in
 * the unit times second. A time relative to the arrival becomes no time, its text being kept; where
 * a channel has several values without an absolute time, the relative ones are faults.
 */
export function decodeSenml(records: readonly SenmlRecord[], limits: DecodeLimits): Decoded {
  const base: Base = {
    name: '',
    time: undefined,
    unit: undefined,
    value: undefined,
    sum: undefined,
    version: undefined,
  };
  const resolved: Resolved[] = [];
  for (const record of records) {
    assertUnderstood(record);
    updateBase(base, record);
    if (isBaseOnly(record)) continue;
    resolved.push(resolve(base, record));
  }
  const collector = createCollector(limits);
  const timeless = countTimeless(resolved);
  for (const entry of resolved) collect(collector, entry, timeless);
  return collector.finish();
}

/** RFC 8428 §4.4: a label that ends with `_` must be understood, and none of them is. */
function assertUnderstood({ fields, offset }: SenmlRecord): void {
  for (const label of fields.keys()) {
    if (label.endsWith('_')) stop('CODEC_FIELD', offset, `no extension that must be understood`);
  }
}

function updateBase(base: Base, record: SenmlRecord): void {
  base.name = textField(record, 'bn') ?? base.name;
  base.time = numberField(record, 'bt') ?? base.time;
  base.unit = textField(record, 'bu') ?? base.unit;
  base.value = numberField(record, 'bv') ?? base.value;
  base.sum = numberField(record, 'bs') ?? base.sum;
  const version = numberField(record, 'bver')?.value ?? undefined;
  if (version === undefined) return;
  const isKnown = Number.isInteger(version) && version > 0 && version <= versionMax;
  const isSame = base.version === undefined || base.version === version;
  if ((!isKnown && version !== versionSecondaryUnits) || !isSame) {
    stop('CODEC_VERSION', record.offset, 'base version 10 or lower, or 26, one in a pack');
  }
  base.version = version;
}

function isBaseOnly({ fields }: SenmlRecord): boolean {
  for (const label of fields.keys()) {
    if (!label.startsWith('b')) return false;
  }
  return true;
}

function resolve(base: Base, record: SenmlRecord): Resolved {
  const channel = base.name + (textField(record, 'n') ?? '');
  if (channel === '') stop('CODEC_FIELD', record.offset, 'a name (n or bn)');
  const unit = textField(record, 'u') ?? base.unit;
  const hasOther = ['vs', 'vb', 'vd'].some((label) => record.fields.has(label));
  const own = numberField(record, 'v');
  const ownSum = numberField(record, 's');
  const isBased = !hasOther && own === undefined && ownSum === undefined;
  const value = isBased || own !== undefined ? plus(base.value, own) : undefined;
  return {
    record,
    channel,
    unit: unit === undefined ? null : ucumOfSenmlUnit(unit),
    moment: momentOf(base.time, numberField(record, 't')),
    value,
    sum: ownSum === undefined ? undefined : plus(base.sum, ownSum),
  };
}

/** A missing part counts as zero (RFC 8428 §4.5), and leaves the other one's text as it is. */
function plus(left: Decimal | undefined, right: Decimal | undefined): Decimal | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return sumOf(left, right);
}

function momentOf(base: Decimal | undefined, own: Decimal | undefined): Moment {
  const time = plus(base, own);
  if (time === undefined || time.value === null || time.value === 0) {
    return { endAt: Number.NaN, timeText: null, isRelative: false };
  }
  if (time.value < absoluteSecondsMin) {
    return { endAt: Number.NaN, timeText: textOf(time), isRelative: true };
  }
  return { endAt: Math.round(time.value * 1_000), timeText: textOf(time), isRelative: false };
}

/** How many values without an absolute time each channel has. */
function countTimeless(resolved: readonly Resolved[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { channel, moment } of resolved) {
    if (Number.isNaN(moment.endAt)) counts.set(channel, (counts.get(channel) ?? 0) + 1);
  }
  return counts;
}

function collect(
  collector: Collector,
  entry: Resolved,
  timeless: ReadonlyMap<string, number>,
): void {
  const { record, channel, unit, moment, value, sum } = entry;
  const { offset } = record;
  const { endAt, timeText } = moment;
  if (endAt > 8.64e15) stop('CODEC_TIME', offset, 'seconds since 1970 within the calendar');
  if (moment.isRelative && (timeless.get(channel) ?? 0) > 1) {
    collector.fault('CODEC_TIME_RELATIVE', offset, channel, 'an absolute time (2^28 s or more)');
    return;
  }
  if (value !== undefined) {
    collector.add({ channel, decimal: value, unit, endAt, timeText, offset });
  }
  if (sum !== undefined) {
    const sumUnit = unit === null ? null : `${unit}.s`;
    const sumChannel = `${channel}#sum`;
    collector.add({ channel: sumChannel, decimal: sum, unit: sumUnit, endAt, timeText, offset });
  }
  collectOther(collector, entry);
}

/** Values that are no numbers, and a record with none at all. */
function collectOther(collector: Collector, { record, channel, value, sum }: Resolved): void {
  const { fields, offset } = record;
  const expected = 'a number (v)';
  if (fields.has('vs')) collector.fault('CODEC_VALUE_TEXT', offset, channel, expected);
  else if (fields.has('vb')) collector.fault('CODEC_VALUE_BOOLEAN', offset, channel, expected);
  else if (fields.has('vd') || (value === undefined && sum === undefined)) {
    collector.fault('CODEC_VALUE_KIND', offset, channel, expected);
  }
}

function textField(record: SenmlRecord, label: string): string | undefined {
  const field = record.fields.get(label);
  if (field === undefined) return undefined;
  if (field.kind !== 'text') stop('CODEC_FIELD', record.offset, `a text as ${label}`);
  return field.text;
}

function numberField(record: SenmlRecord, label: string): Decimal | undefined {
  const field = record.fields.get(label);
  if (field === undefined) return undefined;
  if (field.kind !== 'number') stop('CODEC_FIELD', record.offset, `a number as ${label}`);
  return field.number;
}

/** A number without a text of its own, as CBOR carries it. */
export function numberWithoutText(value: number): SenmlField {
  if (Number.isFinite(value)) return { kind: 'number', number: decimalOfNumber(value) };
  return { kind: 'number', number: { value: null, decimals: -1, text: String(value) } };
}
