import type { DecodedMeasurement } from '../../devices/codecs/codec.ts';
import type { ChannelBinding } from '../../devices/registry.ts';
import {
  createUnitConverter,
  type Conversion,
  type UnitConverter,
  type UnitProblem,
} from '../../devices/unit.ts';
import { packGiven } from '../checks/digits.ts';
import { locationDigit } from '../checks/location.ts';
import { syntaxDigit } from '../checks/syntax.ts';
import { timeDigit, type TimeSource } from '../checks/time.ts';
import type { ObservationKey, Raw } from '../observation.ts';
import { DecimalRaw } from '../observations/decimal-raw.ts';
import { maskOf, type Reason } from '../quality.ts';
import type { Reading } from '../reading.ts';
import type { NormaliseConfig } from './config.ts';
import { convert } from './convert.ts';
import type { NormaliseErrorCode } from './errors.ts';
import { nativeQualityOf, type NativeQuality } from './native-quality.ts';
import { deployedAt, firstDeployedAt } from './deployed.ts';
import { isSentinel } from './sentinel.ts';
import {
  createResolvedTime,
  resolveEnd,
  resolveResult,
  resolveStart,
  type ResolvedTime,
  type TimeRule,
} from './time.ts';

/** A measurement that has a series, a time and a result in the canonical unit; not yet judged. */
export interface Candidate extends ObservationKey {
  readonly ok: true;
  readonly binding: ChannelBinding;
  readonly result: number | null;
  /** Digits of syntax, location, time and device status (`checks/digits.ts`); duplicate is 1. */
  readonly given: number;
  /** Mask over `qualifiers`. */
  readonly qualifiers: number;
  readonly reason: Reason | null;
  readonly raw: Raw;
  /** The device's own result time; NaN where none. */
  readonly resultAt: number;
  /**
   * `receive`: the end is the time of arrival, since the message carried none or none that can be;
   * so payload and arrival tell a repeat (promise 3). `replaced`: only its start or result time was.
   */
  readonly timeSource: TimeSource;
  /** Own position, both or none (NaN): one that failed its test is not passed on. */
  readonly latitude: number;
  readonly longitude: number;
}

/** Why a measurement goes to quarantine. */
export interface Refusal {
  readonly ok: false;
  readonly channel: string;
  readonly code: NormaliseErrorCode;
  readonly detail: string;
}

export interface Normaliser {
  /**
   * `bindings`: those of the measurement's channel, at the registry version in force. The candidate
   * is good until the next call: it is filled anew for each measurement.
   */
  normalise(
    measurement: DecodedMeasurement,
    bindings: readonly ChannelBinding[] | undefined,
    reading: Circumstance,
  ): Candidate | Refusal;
}

const clockMask = maskOf(['CLOCK']);
const lateMask = maskOf(['LATE']);
const backfillMask = maskOf(['BACKFILL']);

/** The configuration, ready to apply, and what is filled anew for each measurement. */
interface Settings {
  readonly rule: TimeRule;
  readonly lateAfterMs: number;
  readonly sentinels: ReadonlySet<number>;
  readonly units: UnitConverter;
  readonly time: ResolvedTime;
  candidate: Filled<Candidate> | undefined;
}

type Filled<Shape> = { -readonly [Member in keyof Shape]: Shape[Member] };

/** Remembers the conversions of units met: one for each worker. */
export function createNormaliser(config: NormaliseConfig): Normaliser {
  const settings: Settings = {
    rule: {
      plausibleFromAt: Date.parse(config.plausibleFromAt),
      futureMaxMs: config.futureMaxMs,
      intervalMsMax: config.intervalMsMax,
    },
    lateAfterMs: config.lateAfterMs,
    sentinels: new Set(config.sentinels),
    units: createUnitConverter({ entriesMax: config.unitsRememberedMax }),
    time: createResolvedTime(),
    candidate: undefined,
  };
  return {
    normalise(measurement, bindings, reading) {
      if (bindings === undefined || bindings.length === 0) {
        return refuse(measurement, 'INGEST_UNMAPPED_CHANNEL', reading.device);
      }
      const binding = deploy(measurement, bindings, reading.receivedAt, settings);
      if (binding === undefined) {
        return refuse(measurement, 'INGEST_NO_DEPLOYMENT', instantText(settings.time.endAt));
      }
      const conversion = conversionOf(binding, measurement.unit, settings.units);
      if ('detail' in conversion) {
        return refuse(measurement, refusalOfUnit(conversion), conversion.detail);
      }
      return valued(measurement, binding, conversion, { reading, settings });
    },
  };
}

/** Resolves the times, and with their end the deployment in force. */
function deploy(
  measurement: DecodedMeasurement,
  bindings: readonly ChannelBinding[],
  receivedAt: number,
  { rule, time }: Settings,
): ChannelBinding | undefined {
  const fromAt = Math.max(rule.plausibleFromAt, firstDeployedAt(bindings));
  resolveEnd(measurement, { fromAt, receivedAt, futureMaxMs: rule.futureMaxMs }, time);
  const binding = deployedAt(bindings, time.endAt);
  if (binding === undefined) return undefined;
  resolveStart(measurement, binding.datastream, rule, time);
  resolveResult(measurement, rule, receivedAt, time);
  return binding;
}

/** The binding's own conversion, or that of the unit in the message, behind the same calibration. */
function conversionOf(
  binding: ChannelBinding,
  unit: string | null,
  units: UnitConverter,
): ChannelBinding | Conversion | UnitProblem {
  const { deployment, property } = binding;
  if (unit === null || unit === (deployment.unit ?? property.unit)) return binding;
  const sent = units.conversionTo(property, unit);
  if (!sent.ok) return sent;
  const { factor = 1, offset = 0 } = deployment;
  return { ok: true, scale: factor * sent.scale, shift: offset * sent.scale + sent.shift };
}

function valued(
  measurement: DecodedMeasurement,
  binding: ChannelBinding,
  { scale, shift }: { readonly scale: number; readonly shift: number },
  circumstances: { readonly reading: Circumstance; readonly settings: Settings },
): Candidate | Refusal {
  const { reading, settings } = circumstances;
  const native = nativeQualityOf(measurement.quality);
  const { value } = measurement;
  let reason: Reason | null = value === null ? 'MISSING' : null;
  let result: number | null = null;
  if (value !== null) {
    result = convert(value, scale, shift);
    if (isSentinel(value, result, binding, settings.sentinels)) reason = 'SENTINEL';
    else if (!Number.isFinite(result)) {
      return refuse(measurement, 'INGEST_RESULT_NOT_FINITE', String(value));
    } else if (native.isNoMeasurement) reason = 'DEVICE_STATUS';
    if (reason !== null) result = null;
  }
  const qualifiers = native.qualifiers | qualifiersOf(reading, settings);
  return fillCandidate(measurement, binding, settings, { result, reason, native, qualifiers });
}

/** What the normaliser needs of the reading that held the measurement. */
export type Circumstance = Pick<Reading, 'device' | 'kind' | 'receivedAt'>;

function qualifiersOf(reading: Circumstance, { time, lateAfterMs }: Settings): number {
  let mask = reading.kind === 'backfill' ? backfillMask : 0;
  if (time.source !== 'device') mask |= clockMask;
  if (reading.receivedAt - time.endAt > lateAfterMs) mask |= lateMask;
  return mask;
}

/** Fields that hold fractions or NaN begin with one, so that they are stored as such in place. */
function createCandidate(binding: ChannelBinding): Filled<Candidate> {
  return {
    ok: true,
    binding,
    series: 0,
    endAt: 0.5,
    startAt: 0.5,
    heightMm: 0.5,
    result: null,
    given: 0,
    qualifiers: 0,
    reason: null,
    raw: { name: '', value: null, unit: null, time: null },
    resultAt: 0.5,
    timeSource: 'device',
    latitude: 0.5,
    longitude: 0.5,
  };
}

function fillCandidate(
  measurement: DecodedMeasurement,
  binding: ChannelBinding,
  settings: Settings,
  judged: Pick<Candidate, 'result' | 'reason' | 'qualifiers'> & { readonly native: NativeQuality },
): Candidate {
  const { time } = settings;
  const candidate = (settings.candidate ??= createCandidate(binding));
  const { latitude, longitude, heightMetres } = measurement;
  const location = locationDigit(latitude, longitude);
  const syntax = syntaxDigit(measurement.value, measurement.text);
  candidate.binding = binding;
  candidate.series = binding.datastream.series;
  candidate.endAt = time.endAt;
  candidate.startAt = time.startAt;
  // Adding 0 makes of −0 the 0 that a key needs.
  candidate.heightMm = Number.isFinite(heightMetres)
    ? Math.round(heightMetres * 1_000) + 0
    : Number.NaN;
  candidate.result = judged.result;
  candidate.given = packGiven(syntax, location, timeDigit(time.source), judged.native.digit);
  candidate.qualifiers = judged.qualifiers;
  candidate.reason = judged.reason;
  candidate.raw = rawOf(measurement);
  candidate.resultAt = time.resultAt;
  candidate.timeSource = time.isArrival ? 'receive' : time.source;
  candidate.latitude = location === 1 ? latitude : Number.NaN;
  candidate.longitude = location === 1 ? longitude : Number.NaN;
  return candidate;
}

/** The measurement as sent, for ever: its text is made only when somebody reads it. */
function rawOf(measurement: DecodedMeasurement): Raw {
  const { channel: name, unit, timeText: time, value, decimals } = measurement;
  if (value !== null && decimals >= 0) return new DecimalRaw({ name, unit, time }, value, decimals);
  return { name, value: measurement.text, unit, time };
}

function refusalOfUnit(problem: UnitProblem): NormaliseErrorCode {
  return problem.code === 'DEVICES_UNIT_UNKNOWN' ? 'INGEST_UNIT_UNKNOWN' : 'INGEST_UNIT_MISMATCH';
}

function refuse(
  measurement: DecodedMeasurement,
  code: NormaliseErrorCode,
  detail: string,
): Refusal {
  return { ok: false, channel: measurement.channel, code, detail };
}

/** The instant as text; a time beyond the calendar as its number. */
function instantText(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : date.toISOString();
}
