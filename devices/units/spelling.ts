/**
 * From what stands on a data sheet to a UCUM code. Naive UCUM is dangerous: `mph` is a milliphot,
 * `C` a coulomb, `F` a farad, `ft` a femtotonne, `pH` a picohenry; so spellings go first.
 */

/** Whole spellings, compared without spaces and case; the value is a UCUM code. */
const wholeSpellings = spellings({
  Cel: ['c', '°c', 'oc', 'degc', 'deg.c', 'degreec', 'degreesc', 'celsius', 'centigrade'],
  '[degF]': ['f', '°f', 'of', 'degf', 'deg.f', 'degreef', 'degreesf', 'fahrenheit'],
  K: ['k', 'kelvin', '°k', 'degk'],
  '%': [
    '%',
    'pct',
    'percent',
    '%rh',
    'rh%',
    '%vol',
    'vol%',
    '%v/v',
    '%v',
    '%(v/v)',
    '%vwc',
    '%sat',
    '%saturation',
  ],
  '[ppth]': ['‰', 'permille', 'promille'],
  '[ppm]': ['ppm', 'ppmv', 'ppm(v)', 'umol/mol', '[ppm]'],
  '[ppb]': ['ppb', 'ppbv', 'ppb(v)', 'nmol/mol', '[ppb]'],
  'm/s': ['mps', 'ms-1', 'm/s', 'metre/second'],
  'km/h': ['km/h', 'km/hr', 'kph', 'kmph', 'kmh', 'kmh-1'],
  '[mi_i]/h': ['mph', 'mi/h', 'mi/hr', 'milesperhour'],
  '[kn_i]': ['kn', 'kt', 'kts', 'knot', 'knots'],
  '[ft_i]/s': ['fps', 'ft/s', 'ft/sec'],
  '[ft_i]3/s': ['cfs', 'ft3/s', 'cusec', 'cuft/s'],
  'm3/s': ['cms', 'cumec', 'cumecs'],
  "[in_i'Hg]": ['inhg', 'in.hg', "in_i'hg", '"hg'],
  'mm[Hg]': ['mmhg', 'torr'],
  mbar: ['mb', 'mbar', 'millibar', 'mbars'],
  hPa: ['hpa', 'hectopascal', 'hectopascals'],
  kPa: ['kpa', 'cb', 'cbar', 'centibar'],
  '[psi]': ['psi'],
  deg: ['deg', '°', 'degree', 'degrees', 'degtrue', '°true', '°t'],
  'W/m2': ['w/m2', 'wm-2', 'w.m-2', 'watt/m2', 'watts/m2'],
  'umol/m2/s': ['umol/m2/s', 'umolm-2s-1', 'umol.m-2.s-1', 'ppfd'],
  lx: ['lux', 'lx'],
  V: ['v', 'volt', 'volts', 'vdc'],
  mV: ['mv', 'millivolt', 'millivolts'],
  'uS/cm': ['us/cm', 'uscm', 'us.cm-1', 'uscm-1', 'micros/cm', 'umho/cm', 'umhos/cm'],
  'mS/cm': ['ms/cm', 'mscm', 'ms.cm-1', 'mscm-1', 'mmho/cm'],
  'mg/L': ['mg/l', 'mgl-1', 'mg.l-1'],
  'ug/L': ['ug/l', 'ugl-1', 'ug.l-1', 'mcg/l'],
  'ug/m3': ['ug/m3', 'ugm-3', 'ug.m-3', 'ug/nm3', 'mcg/m3', 'ug/cum'],
  'mg/m3': ['mg/m3', 'mgm-3', 'mg.m-3', 'mg/nm3'],
  hm3: ['mcm', 'millionm3', '106m3', '10^6m3', '10*6.m3', '10^6.m3', 'triệum3', 'tr.m3', 'trm3'],
  'hm3/d': ['mcm/d', 'mcm/day'],
  'ML/d': ['mld', 'ml/day', 'megalitre/day'],
});

/** Whole spellings in which only the case tells what is meant. */
const exactSpellings: ReadonlyMap<string, string> = new Map([
  ['Mm3', 'hm3'],
  ['uM', 'umol/L'],
  ['mM', 'mmol/L'],
]);

/** Words inside a compound; without regard to case from three letters on (`S` is not `s`). */
const words = spellings({
  h: ['h', 'hr', 'hrs', 'hour', 'hours', 'giờ'],
  min: ['min', 'mins', 'minute', 'minutes', 'phút'],
  s: ['s', 'sec', 'secs', 'second', 'seconds', 'giây'],
  d: ['d', 'day', 'days', 'ngày', 'ngđ'],
  '[in_i]': ['in', 'inch', 'inches', '"'],
  '[ft_i]': ['ft', 'feet', 'foot'],
  '[mi_i]': ['mi', 'mile', 'miles'],
  '[yd_i]': ['yd', 'yard', 'yards'],
  '[gal_us]': ['gal', 'gallon', 'gallons'],
  m: ['metre', 'metres', 'meter', 'meters'],
  mm: ['millimetre', 'millimetres', 'millimeter', 'millimeters'],
  cm: ['centimetre', 'centimetres', 'centimeter', 'centimeters'],
  m3: ['nm3', 'cum', 'cbm'],
  L: ['litre', 'litres', 'liter', 'liters', 'ltr', 'lít'],
  mg: ['milligram', 'milligrams'],
  ug: ['microgram', 'micrograms', 'mcg'],
});

function spellings(table: Readonly<Record<string, readonly string[]>>): Map<string, string> {
  const bySpelling = new Map<string, string>();
  for (const [code, written] of Object.entries(table)) {
    for (const spelling of written) bySpelling.set(spelling, code);
  }
  return bySpelling;
}

/**
 * One way of writing: compatibility forms folded (µ, ², ℃, ㎥), Greek mu as `u`, every dash as `-`,
 * every multiplication dot as `.`, exponents without `^`, single spaces.
 */
export function normaliseSpelling(written: string): string {
  return written
    .replace(/[º˚]/g, '°')
    .normalize('NFKC')
    .replace(/\u03bc/g, 'u')
    .replace(/[\u2010-\u2015\u2212]/g, '-')
    .replace(/[·⋅∙•×]/g, '.')
    .replace(/(?<!10)(?:\^|\*\*)(?=[-+\d])/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** For comparison with a table of spellings: no spaces, lower case. */
export function compactSpelling(normalised: string): string {
  return normalised.replace(/ /g, '').toLowerCase();
}

/** The UCUM code that a normalised spelling stands for; the text itself where none is known. */
export function ucumCodeOf(normalised: string): string {
  const whole = exactSpellings.get(normalised) ?? wholeSpellings.get(compactSpelling(normalised));
  if (whole !== undefined) return whole;
  const product = normalised
    .replace(/ ?\/ ?/g, '/')
    .replace(/ ?\bper\b ?/g, '/')
    .replace(/ /g, '.');
  return product.replace(/[^./()\d{}-][^./(){}-]*?(?=-?\d*(?:$|[./(){}]))/g, (word) => {
    const exact = words.get(word);
    if (exact !== undefined) return exact;
    return (word.length > 2 ? words.get(word.toLowerCase()) : undefined) ?? word;
  });
}
