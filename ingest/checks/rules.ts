import { createHash } from 'node:crypto';
import type { Datastream, ObservedProperty, Station } from '../../devices/model.ts';
import type { TestId } from '../quality.ts';
import type { SeriesRules } from './check.ts';
import type { ChecksConfig, RuleOverrides } from './config.ts';
import type { DefaultRule } from './default-rules.ts';
import { defaultRuleOf } from './default-rules.ts';
import { createMonthOf } from './local-month.ts';

/** Gap and duplicate inform; whether they count is the operator's choice. */
const countingDefault: readonly TestId[] = [
  'syntax',
  'location',
  'time',
  'sensorRange',
  'climatology',
  'spike',
  'rateOfChange',
  'flatLine',
  'attenuated',
  'multivariate',
  'buddy',
  'seasonal',
  'deviceStatus',
  'drift',
];

/**
 * The rules of a datastream: built in for its property, in which what the configuration says of the
 * property, then of the datastream, takes the place of whole members. The same inputs give the same
 * hash on every machine; every threshold that can change a digit is in it.
 */
export function compileRules(
  datastream: Datastream,
  property: ObservedProperty,
  station: Station,
  overrides: ChecksConfig,
): SeriesRules {
  const built = builtInRules(datastream, property);
  const said: RuleOverrides = {
    ...overrides.properties[property.id],
    ...overrides.datastreams[datastream.id],
  };
  const sensorRange = said.sensorRange === undefined ? built.sensorRange : said.sensorRange;
  const userRange = said.userRange === undefined ? built.userRange : said.userRange;
  const rules = {
    intervalMs: datastream.intervalMs,
    aggregation: datastream.aggregation,
    circular: property.circular === true,
    sensorRange,
    userRange: withinRange(userRange, sensorRange),
    climatology: said.climatology ?? null,
    spike: said.spike === undefined ? built.spike : said.spike,
    rateOfChange: said.rateOfChange === undefined ? built.rateOfChange : rateOf(said.rateOfChange),
    flatLine: said.flatLine === undefined ? built.flatLine : said.flatLine,
    gapMaxMs: said.gapMaxMs ?? built.gapMaxMs,
    counting: said.counting ?? countingDefault,
    timeZone: station.timeZone,
  };
  return { ...rules, monthOf: createMonthOf(station.timeZone), hash: hashOf(rules) };
}

type BuiltIn = Pick<
  SeriesRules,
  'sensorRange' | 'userRange' | 'spike' | 'rateOfChange' | 'flatLine' | 'gapMaxMs'
>;
type Span = { readonly min: number; readonly max: number };

const minuteMs = 60_000;
const dayMs = 86_400_000;

function builtInRules(datastream: Datastream, property: ObservedProperty): BuiltIn {
  const { intervalMs, aggregation } = datastream;
  // A counter and a sum grow and start again as they please.
  const comparable = aggregation !== 'counter' && aggregation !== 'sum';
  const rule = comparable ? defaultRuleOf(property.id) : defaultRuleOf('');
  const stepped = stepOf(rule.step, intervalMs);
  return {
    sensorRange: rangeOf(datastream, property),
    userRange: aggregation === 'counter' ? null : (property.expected ?? null),
    // The wrap of a circle and its calm make no spike of a direction.
    spike:
      stepped === null
        ? null
        : { suspect: stepped.suspect, fail: stepped.fail, method: 'differential' },
    rateOfChange:
      stepped === null
        ? null
        : {
            suspect: stepped.suspect / stepped.seconds,
            fail: stepped.fail === null ? null : stepped.fail / stepped.seconds,
            changeMin: rule.step?.minute ?? 0,
          },
    flatLine: flatOf(rule.flat, intervalMs),
    gapMaxMs: Math.min(dayMs, Math.max(3 * intervalMs, minuteMs)),
  };
}

/** A counter holds a total: only its lower bound is that of the property. */
function rangeOf(datastream: Datastream, property: ObservedProperty): Span {
  const { min, max } = property.plausible;
  return datastream.aggregation === 'counter' ? { min, max: Number.MAX_VALUE } : { min, max };
}

/** The step between two values one interval apart, by the power law through a minute and an hour. */
function stepOf(
  step: DefaultRule['step'],
  intervalMs: number,
): { readonly suspect: number; readonly fail: number | null; readonly seconds: number } | null {
  if (step === null) return null;
  const minutes = Math.max(1, intervalMs / minuteMs);
  const exponent = Math.log(step.hour / step.minute) / Math.log(60);
  const suspect = rounded(step.minute * minutes ** exponent);
  const fail = Number.isFinite(step.fail) ? rounded(suspect * step.fail) : null;
  return { suspect, fail, seconds: minutes * 60 };
}

/** Twelve intervals at least: a run of few values is no line. */
function flatOf(flat: DefaultRule['flat'], intervalMs: number): SeriesRules['flatLine'] {
  if (flat === null) return null;
  const suspectMs = Math.max(flat.suspectMinutes * minuteMs, 12 * intervalMs);
  const failMs = flat.failHours === null ? null : flat.failHours * 60 * minuteMs;
  return {
    tolerance: flat.tolerance,
    suspectMs,
    failMs: failMs === null || failMs > suspectMs ? failMs : null,
    naturalAtMost: flat.naturalAtMost ?? null,
    naturalAtLeast: flat.naturalAtLeast ?? null,
  };
}

/** Thresholds of built-in rules to four digits, so that the hash is the same on every machine. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

function withinRange(user: Span | null, sensor: Span | null): Span | null {
  if (user === null || sensor === null) return user;
  return { min: Math.max(user.min, sensor.min), max: Math.min(user.max, sensor.max) };
}

function rateOf(said: RuleOverrides['rateOfChange']): SeriesRules['rateOfChange'] {
  if (said === null || said === undefined) return null;
  return { suspect: said.suspectPerSecond, fail: said.failPerSecond, changeMin: said.changeMin };
}

function hashOf(rules: Omit<SeriesRules, 'hash' | 'monthOf'>): string {
  return createHash('sha256').update(canonicalJson(rules)).digest('hex').slice(0, 8);
}

/** JSON with sorted keys and no white space; arrays keep their order. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}
