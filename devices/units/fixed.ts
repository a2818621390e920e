/**
 * Units without a dimension, and those on a scale of their own. The library would convert any of
 * them into any other (1 % = 0.01 NTU), so each canonical unit lists what it accepts. Keys are
 * compact spellings (`compactSpelling`) or the lower-cased UCUM code; values are factors.
 */
type Factors = Readonly<Record<string, number>>;

const fixedFactors = tableOf({
  '%': {
    '%': 1,
    '1': 100,
    fraction: 100,
    ratio: 100,
    'm3/m3': 100,
    'm3.m-3': 100,
    'm3m-3': 100,
    'cm3/cm3': 100,
    'v/v': 100,
    '[ppth]': 0.1,
  },
  '[ppm]': {
    '[ppm]': 1,
    '[ppb]': 1e-3,
    '[pptr]': 1e-6,
    pptv: 1e-6,
    'pmol/mol': 1e-6,
    '[ppth]': 1e3,
    'mmol/mol': 1e3,
    '%': 1e4,
  },
  '[pH]': {
    ph: 1,
    '[ph]': 1,
    '{ph}': 1,
    phunit: 1,
    phunits: 1,
    unit: 1,
    units: 1,
    's.u.': 1,
    su: 1,
    stdunits: 1,
    '1': 1,
    '': 1,
    '-': 1,
  },
  // NTU (EPA 180.1) and FNU (ISO 7027) differ in the lamp, and agree on the formazin standard that
  // both are calibrated with. The spelling as sent is kept with the raw value.
  '[NTU]': {
    '[ntu]': 1,
    '{ntu}': 1,
    ntu: 1,
    ntus: 1,
    '[fnu]': 1,
    '{fnu}': 1,
    fnu: 1,
    ftu: 1,
    fntu: 1,
    'ntu/fnu': 1,
    'fnu/ntu': 1,
  },
  // Practical salinity has no unit. Meters print it as "ppt" or ‰ and mean PSS-78.
  '{psu}': {
    '{psu}': 1,
    psu: 1,
    pss: 1,
    'pss-78': 1,
    ppt: 1,
    '[ppth]': 1,
    '1': 1,
    '': 1,
    '-': 1,
  },
  '{index}': {
    '{index}': 1,
    index: 1,
    uvi: 1,
    uvindex: 1,
    '{uvi}': 1,
    unitless: 1,
    '1': 1,
    '': 1,
    '-': 1,
  },
  '{count}': {
    '{count}': 1,
    count: 1,
    counts: 1,
    '{strikes}': 1,
    strikes: 1,
    '1': 1,
    '': 1,
    '-': 1,
  },
  '{Pt-Co}': {
    '{pt-co}': 1,
    'pt-co': 1,
    ptco: 1,
    'pt/co': 1,
    pcu: 1,
    tcu: 1,
    cu: 1,
    hazen: 1,
    apha: 1,
    'mgpt/l': 1,
    'mg/lpt-co': 1,
    'mg/lpt': 1,
  },
  // QCVN 08:2023/BTNMT sets its limits "MPN or CFU per 100 mL".
  '{MPN}/dL': {
    '{mpn}/dl': 1,
    '[cfu]/dl': 1,
    '{cfu}/dl': 1,
    'mpn/dl': 1,
    'cfu/dl': 1,
    'mpn/100ml': 1,
    'cfu/100ml': 1,
    'mpn/ml': 100,
    'cfu/ml': 100,
    '[cfu]/ml': 100,
    '{mpn}/ml': 100,
    'mpn/l': 0.1,
    'cfu/l': 0.1,
    '[cfu]/l': 0.1,
  },
  'dB[SPL]': { 'db[spl]': 1, db: 1, dba: 1, 'db(a)': 1, 'db{a}': 1, decibel: 1, decibels: 1 },
  dB: { db: 1, decibel: 1, decibels: 1 },
  'dB{mW}': { 'db{mw}': 1, dbm: 1, 'db[mw]': 1, dbmw: 1 },
});

/** Spellings that mean something only for one property, or one canonical unit with a dimension. */
const extraFactors = tableOf({
  'cloud-cover': { okta: 12.5, oktas: 12.5, '/8': 12.5, '{okta}': 12.5 },
  // One kilogram of water on a square metre is one millimetre.
  mm: { 'kg/m2': 1, 'kg.m-2': 1, 'kgm-2': 1 },
  'mm/h': {
    'kg/m2/s': 3600,
    'kg.m-2.s-1': 3600,
    'kgm-2s-1': 3600,
    'kg/m2/h': 1,
    'kg.m-2.h-1': 1,
  },
  // Field practice: a litre of water weighs a kilogram.
  'mg/L': { '[ppm]': 1, '[ppb]': 1e-3, 'mg/kg': 1, 'ug/kg': 1e-3 },
  'ug/L': { '[ppb]': 1, '[ppm]': 1e3, 'ug/kg': 1, 'mg/kg': 1e3 },
  '/m': { 'abs/m': 1, 'abs/cm': 100, 'au/cm': 100, 'abs.cm-1': 100 },
});

/** Maps, not objects: a device may write `constructor` where a unit belongs. */
function tableOf(
  table: Readonly<Record<string, Factors>>,
): ReadonlyMap<string, ReadonlyMap<string, number>> {
  return new Map(
    Object.entries(table).map(([key, factors]) => [key, new Map(Object.entries(factors))]),
  );
}

/** Factor of a spelling in a closed list, or undefined; `exhaustive` when no other way is allowed. */
export function fixedFactorOf(
  property: { readonly id: string; readonly unit: string },
  compact: string,
  code: string,
): { readonly factor: number | undefined; readonly exhaustive: boolean } {
  const closed = fixedFactors.get(property.unit);
  const key = code.toLowerCase();
  for (const factors of [extraFactors.get(property.id), closed, extraFactors.get(property.unit)]) {
    const factor = factors?.get(compact) ?? factors?.get(key);
    if (factor !== undefined) return { factor, exhaustive: true };
  }
  return { factor: undefined, exhaustive: closed !== undefined };
}

/** Factor of a volume fraction in parts per million, or undefined when it is none. */
export function partsPerMillionOf(compact: string, code: string): number | undefined {
  const factors = fixedFactors.get('[ppm]');
  return factors?.get(code) ?? factors?.get(compact);
}
