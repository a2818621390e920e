import { toCanonicalForm, ucum } from '@atomic-ehr/ucum';
import type { ObservedProperty } from './model.ts';
import { milligramsPerPartPerMillion } from './units/chemistry.ts';
import { fixedFactorOf, partsPerMillionOf } from './units/fixed.ts';
import { splitBasis } from './units/basis.ts';
import { compactSpelling, normaliseSpelling, ucumCodeOf } from './units/spelling.ts';

/**
 * From the unit a device writes to the canonical unit of a property, as `result = value × scale +
 * shift`. Worked out once per spelling through the UCUM library; a value then costs one multiply
 * and one add. The vectors are UCUM 2.2's; the test suite compares with a second UCUM library.
 *
 * Rules, in this order:
 * 1. Field spellings win over UCUM codes (`mph`, `C`, `F` are UCUM for something else).
 * 2. Units without a dimension convert only within the closed lists of `units/fixed.ts`.
 * 3. A gas converts between volume fraction and mass at the property's own reference temperature
 *    and 101,325 Pa; Nm3 is that volume (QCVN 05:2023/BTNMT).
 * 4. A formula in the unit (`mg NO3/L`, `mg/L{N}`) must be one of the property's; none means its basis.
 */
export type ConversionOutcome = Conversion | UnitProblem;

export interface Conversion {
  readonly ok: true;
  readonly scale: number;
  readonly shift: number;
}

export interface UnitProblem {
  readonly ok: false;
  readonly code: 'DEVICES_UNIT_UNKNOWN' | 'DEVICES_UNIT_MISMATCH' | 'DEVICES_UNIT_BASIS';
  /** The unit, the property and what is accepted, in one sentence. */
  readonly detail: string;
}

/** Conversions by property and spelling, each worked out once. */
export interface UnitConverter {
  /** `null` or `undefined` is the canonical unit. Never throws, whatever the text. */
  conversionTo(property: ObservedProperty, unit: string | null | undefined): ConversionOutcome;
}

/** Longer texts are refused unread: no unit needs them, and devices write this text. */
const spellingCharactersMax = 64;

const identity: Conversion = { ok: true, scale: 1, shift: 0 };

/** Linear, but with a zero of their own; everything else is a factor. Exact by definition. */
const temperatures: ReadonlyMap<string, Conversion> = new Map([
  ['Cel', identity],
  ['K', { ok: true, scale: 1, shift: -273.15 }],
  ['[degF]', { ok: true, scale: 5 / 9, shift: -160 / 9 }],
  ['[degR]', { ok: true, scale: 5 / 9, shift: -273.15 }],
  ['[degRe]', { ok: true, scale: 1.25, shift: 0 }],
]);

/**
 * A converter that remembers. At `entriesMax` remembered spellings it forgets them all and starts
 * again: a device that invents units costs time, never memory.
 */
export function createUnitConverter(options: { readonly entriesMax: number }): UnitConverter {
  let remembered = new Map<ObservedProperty, Map<string, ConversionOutcome>>();
  let entries = 0;
  return {
    conversionTo(property, unit) {
      if (unit === null || unit === undefined || unit === property.unit) return identity;
      const known = remembered.get(property)?.get(unit);
      if (known !== undefined) return known;
      if (unit.length > spellingCharactersMax) return conversionTo(property, unit);
      if (entries >= options.entriesMax) {
        remembered = new Map();
        entries = 0;
      }
      const outcome = conversionTo(property, unit);
      const ofProperty = remembered.get(property) ?? new Map<string, ConversionOutcome>();
      remembered.set(property, ofProperty.set(unit, outcome));
      entries += 1;
      return outcome;
    },
  };
}

/** The conversion of one spelling, worked out anew: 5–50 µs. Pipelines use `createUnitConverter`. */
export function conversionTo(property: ObservedProperty, unit: string): ConversionOutcome {
  if (unit === property.unit) return identity;
  if (unit.length > spellingCharactersMax) return unknown(property, `${unit.slice(0, 16)}…`);
  const written = normaliseSpelling(unit);
  const based = splitBasis(property, written);
  if (!based.ok) {
    return problem('DEVICES_UNIT_BASIS', property, unit, `accepted are ${based.accepted}`);
  }
  const factor = factorTo(property, based.unit, based.molarMassGrams);
  if (typeof factor === 'number') return linear(factor * based.factor);
  if (factor !== undefined) return factor;
  return parses(ucumCodeOf(based.unit))
    ? problem('DEVICES_UNIT_MISMATCH', property, unit, `its unit is ${property.unit}`)
    : unknown(property, unit);
}

/** The chain of rules: a factor, a temperature, or undefined when none applies. */
function factorTo(
  property: ObservedProperty,
  unit: string,
  molarMassGrams: number | undefined,
): number | Conversion | undefined {
  const compact = compactSpelling(unit);
  const code = ucumCodeOf(unit);
  if (code === property.unit) return 1;
  if (property.unit === 'Cel') return temperatures.get(code);
  const fixed = fixedFactorOf(property, compact, code);
  if (fixed.factor !== undefined) return fixed.factor;
  const gas = gasFactorTo(property, compact, code);
  if (gas !== undefined) return gas;
  if (fixed.exhaustive || hasArbitraryUnit(code)) return undefined;
  return libraryFactor(code, property.unit) ?? molarFactorTo(property, code, molarMassGrams);
}

/** Between volume fraction and mass of a gas; undefined where the property is none. */
function gasFactorTo(
  property: ObservedProperty,
  compact: string,
  code: string,
): number | undefined {
  if (property.molarMassGrams === undefined || property.referenceCelsius === undefined) {
    return undefined;
  }
  const perPart = milligramsPerPartPerMillion(property.molarMassGrams, property.referenceCelsius);
  if (property.unit === '[ppm]') {
    const milligrams = libraryFactor(code, 'mg/m3');
    return milligrams === undefined ? undefined : milligrams / perPart;
  }
  const parts = partsPerMillionOf(compact, code);
  const canonical = libraryFactor('mg/m3', property.unit);
  return parts === undefined || canonical === undefined ? undefined : parts * perPart * canonical;
}

/** Moles per volume to mass per volume: by the molar mass of what the property counts. */
function molarFactorTo(
  property: ObservedProperty,
  code: string,
  molarMassGrams: number | undefined,
): number | undefined {
  const grams = property.molarMassGrams ?? molarMassGrams;
  if (grams === undefined || !code.includes('mol')) return undefined;
  const moles = libraryFactor(code, 'mol/L');
  const canonical = libraryFactor('g/L', property.unit);
  return moles === undefined || canonical === undefined ? undefined : moles * grams * canonical;
}

/** Factor between two UCUM codes of the same dimension, without a scale of their own. */
function libraryFactor(from: string, to: string): number | undefined {
  try {
    if (ucum.isSpecialUnit(from) || !ucum.isConvertible(from, to)) return undefined;
    if (Object.keys(toCanonicalForm(from).dimension).length === 0) return undefined;
    return ucum.convert(1, from, to);
  } catch {
    // The library throws for what it cannot parse: that is the answer "not convertible".
    return undefined;
  }
}

/** The library lets an arbitrary unit (`[CFU]`, `[iU]`) pass for 1: never through it. */
function hasArbitraryUnit(code: string): boolean {
  for (const [bracketed] of code.matchAll(/\[[^\]]*\]/g)) {
    if (parses(bracketed) && ucum.isArbitraryUnit(bracketed)) return true;
  }
  return false;
}

function parses(code: string): boolean {
  // The library's table of units is a plain object: what every object has is no unit.
  if (Object.hasOwn(Object.prototype, code)) return false;
  try {
    return ucum.validate(code).valid;
  } catch {
    // The lexer throws where the parser would report: either way it is no unit.
    return false;
  }
}

/** Fifteen digits: 1.0000000000000002 of a chain of products becomes the 1 it is. */
function linear(factor: number): Conversion {
  return { ok: true, scale: Number(factor.toPrecision(15)), shift: 0 };
}

function unknown(property: ObservedProperty, unit: string): UnitProblem {
  return problem('DEVICES_UNIT_UNKNOWN', property, unit, `its unit is ${property.unit}`);
}

function problem(
  code: UnitProblem['code'],
  property: ObservedProperty,
  unit: string,
  accepted: string,
): UnitProblem {
  return { ok: false, code, detail: `"${unit}" does not convert to ${property.id}: ${accepted}` };
}
