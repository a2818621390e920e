import ucumLhc from '@lhncbc/ucum-lhc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObservedProperty } from './model.ts';
import { observedProperties, propertyCatalogue } from './properties/catalogue.ts';
import { conversionTo, createUnitConverter } from './unit.ts';
import { milligramsPerPartPerMillion, molarMassOf } from './units/chemistry.ts';
import { normaliseSpelling } from './units/spelling.ts';

const catalogue = propertyCatalogue();
const oracle = ucumLhc.UcumLhcUtils.getInstance();

function property(id: string): ObservedProperty {
  const found = catalogue.get(id);
  if (found === undefined) throw new Error(`no property ${id}`);
  return found;
}

function convert(id: string, value: number, unit: string): number {
  const outcome = conversionTo(property(id), unit);
  if (!outcome.ok) throw new Error(outcome.detail);
  return value * outcome.scale + outcome.shift;
}

function codeOf(id: string, unit: string): string {
  const outcome = conversionTo(property(id), unit);
  return outcome.ok ? 'converts' : outcome.code;
}

function expectClose(actual: number, expected: number, relative = 1e-9): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(
    relative * Math.max(1e-9, Math.abs(expected)),
  );
}

describe('vectors of published conversions', () => {
  it.each([
    ['air-temperature', 77, '[degF]', 25],
    ['air-temperature', 77, '°F', 25],
    ['air-temperature', -40, 'F', -40],
    ['air-temperature', 300.15, 'K', 27],
    ['air-pressure', 29.92, 'inHg', 29.92 * 33.863788],
    ['air-pressure', 850, 'mbar', 850],
    ['air-pressure', 101_325, 'Pa', 1013.25],
    ['air-pressure', 1, 'atm', 1013.25],
    ['wind-speed', 10, 'kn', 18_520 / 3600],
    ['wind-speed', 10, 'mph', 4.4704],
    ['wind-speed', 36, 'km/h', 10],
    ['rain-rate', 1, 'in/h', 25.4],
    ['rain-rate', 0.001, 'kg m-2 s-1', 3.6],
    ['rainfall', 12.3, 'kg/m2', 12.3],
    ['discharge', 100, 'ft3/s', 2.8316846592],
    ['discharge', 100, 'cfs', 2.8316846592],
    ['water-level', 155, 'cm', 1.55],
    ['conductivity', 1.5, 'mS/cm', 1500],
    ['conductivity', 0.15, 'S/m', 1500],
    ['photosynthetic-radiation', 1200, 'µmol m⁻² s⁻¹', 1200],
    ['cloud-cover', 8, 'okta', 100],
    ['soil-moisture', 0.31, 'm³/m³', 31],
    ['reservoir-storage', 9.5, 'triệu m³', 9.5],
    ['reservoir-storage', 9.5, 'Mm3', 9.5],
    ['wastewater-flow', 2400, 'm³/ngày', 100],
    ['coliform', 12, 'CFU/mL', 1200],
    ['uv254', 0.5, '1/cm', 50],
    ['gamma-dose-rate', 0.1, 'µSv/h', 100],
  ])('%s: %d %s is %d', (id, value, unit, expected) => {
    expectClose(convert(id, value, unit), expected);
  });

  it('gives 1013.2045 hPa for 29.92 inHg, as UCUM defines the inch of mercury', () => {
    expect(convert('air-pressure', 29.92, 'inHg')).toBeCloseTo(1013.2045, 4);
  });
});

describe('gases', () => {
  it.each([
    ['o3', 1.962],
    ['no2', 1.8806],
    ['so2', 2.6188],
    ['no', 1.2266],
    ['nox', 1.8806],
  ])('one ppb of %s is %d µg/m³ at 25 °C', (id, micrograms) => {
    expect(convert(id, 1, 'ppb')).toBeCloseTo(micrograms, 4);
  });

  it('one ppm of CO is 1.1449 mg/m³ at 25 °C', () => {
    expect(convert('co', 1, 'ppm')).toBeCloseTo(1.1449, 4);
  });

  it.each([
    [48, 1.9954],
    [46.01, 1.9127],
    [64.07, 2.6635],
    [28.01, 1.1644],
    [30.01, 1.2476],
  ])('a gas of %d g/mol has %d µg/m³ in a ppb at 20 °C', (grams, micrograms) => {
    expect(milligramsPerPartPerMillion(grams, 20)).toBeCloseTo(micrograms, 3);
  });

  it('goes both ways: ppm to mass and mass to ppm are inverse', () => {
    const there = milligramsPerPartPerMillion(44.01, 25);
    expectClose(convert('co2', there, 'mg/m3'), 1);
    expectClose(convert('co2', 1, 'µmol/mol'), 1);
    expectClose(convert('co2', 0.04, '%'), 400);
  });

  it('takes a cubic metre of QCVN 05 (Nm3) for its own', () => {
    expect(convert('so2', 14.2, 'µg/Nm³')).toBe(14.2);
    expect(convert('stack-so2', 14.2, 'mg/Nm3')).toBe(14.2);
  });

  it('never takes a mass fraction for a volume fraction, nor a mixture for a gas', () => {
    expect(codeOf('co2', 'mg/kg')).toBe('DEVICES_UNIT_MISMATCH');
    expect(codeOf('tvoc', 'ppb')).toBe('DEVICES_UNIT_MISMATCH');
    expect(codeOf('pm2.5', 'ppb')).toBe('DEVICES_UNIT_MISMATCH');
  });

  it('counts moles by the molar mass of the property', () => {
    expectClose(convert('no2', 2, 'umol/m3'), 92.02);
  });
});

describe('chemical basis', () => {
  it.each([
    ['nitrate', 'mg NO3/L', 0.2259],
    ['nitrate', 'mg/L NO3', 0.2259],
    ['nitrate', 'mg{NO3}/L', 0.2259],
    ['nitrate', 'mgNO3/l', 0.2259],
    ['nitrate', 'mg/L as NO3-', 0.2259],
    ['ammonium', 'mg NH4/L', 0.7765],
    ['ammonium', 'mg/L NH4+', 0.7765],
    ['phosphate', 'mg PO4/L', 0.3261],
    ['phosphate', 'mg/L PO4 3-', 0.3261],
  ])('%s in %s is × %d as the element', (id, unit, factor) => {
    expect(convert(id, 1, unit)).toBeCloseTo(factor, 4);
  });

  it.each(['mg/L', 'mg N/L', 'mg/L N', 'mg/L{N}', 'mg{N}/L', 'mg/L as N', 'mg/L (as N)'])(
    'nitrate in %s is already as N',
    (unit) => {
      expect(convert('nitrate', 3.5, unit)).toBe(3.5);
    },
  );

  it.each(['mg/L NO3-N', 'mg NO3-N/L', 'mg/l-N', 'ppm', 'mgN/L'])(
    'nitrate in %s is as N too',
    (unit) => {
      expect(convert('nitrate', 3.5, unit)).toBe(3.5);
    },
  );

  it('converts moles by what the basis counts', () => {
    expectClose(convert('nitrate', 1000, 'µmol/L'), 14.007);
    expectClose(convert('nitrate', 1, 'mM'), 14.007);
    expectClose(convert('dissolved-oxygen', 250, 'umol/L'), 7.9995);
  });

  it('refuses a formula that the property does not have, and says which it has', () => {
    expect(codeOf('nitrate', 'mg NH4/L')).toBe('DEVICES_UNIT_BASIS');
    expect(codeOf('no2', 'ug{NO}/m3')).toBe('DEVICES_UNIT_BASIS');
    expect(codeOf('tss', 'mg N/L')).toBe('DEVICES_UNIT_BASIS');
    expect(conversionTo(property('nitrate'), 'mg NH4/L')).toMatchObject({
      detail: expect.stringContaining('N, NO3'),
    });
  });

  it('takes no annotation for a formula that is none', () => {
    expect(convert('pm2.5', 7, 'ug{PM}/m3')).toBe(7);
  });
});

describe('spellings', () => {
  it.each([
    ['air-temperature', ['Cel', 'C', '°C', 'degC', 'deg C', 'oC', '℃', 'ºC', 'celsius']],
    ['wind-speed', ['m/s', 'mps', 'm s-1', 'm.s-1', 'm s⁻¹', 'm/sec', 'metre/second']],
    ['pm2.5', ['ug/m3', 'µg/m³', 'μg/m3', 'ug/m^3', 'µg m⁻³', 'ug/m**3', 'µg/Nm3']],
    ['turbidity', ['NTU', 'FNU', 'ntu', '[NTU]', '{NTU}', '{FNU}', 'FTU']],
    ['salinity', ['psu', 'PSU', '{psu}', '‰', 'ppt', '1']],
    ['ph', ['pH', '[pH]', 'pH units', '', '-', '1']],
    ['uv-index', ['index', 'UVI', '1']],
    ['noise-laeq', ['dB', 'dBA', 'dB(A)', 'dB[SPL]']],
    ['relative-humidity', ['%', '%RH', '% RH', 'percent']],
    ['conductivity', ['uS/cm', 'µS/cm', 'μS/cm', 'umho/cm']],
    ['discharge', ['m3/s', 'm³/s', 'm^3/s', 'cumecs', 'm3.s-1', 'm³/giây']],
    ['rain-rate', ['mm/h', 'mm/hr', 'mm h-1', 'mm/giờ', 'mm per hour']],
    ['wind-direction', ['deg', '°', 'degrees', '°T']],
    ['dissolved-oxygen', ['mg/L', 'mg/l', 'mg O2/L', 'mg{O2}/L', 'ppm']],
    ['signal-strength', ['dBm']],
    ['colour', ['Pt-Co', 'TCU', 'mg/L Pt']],
  ])('%s is the same in each of %j', (id, units) => {
    const same = { ok: true, scale: 1, shift: 0 };
    expect(units.map((unit) => conversionTo(property(id), unit))).toEqual(units.map(() => same));
  });

  it('is not deceived by UCUM codes of other things', () => {
    // Milliphot, coulomb, farad and femtotonne are what UCUM says.
    expect(codeOf('wind-speed', 'mph')).toBe('converts');
    expect(codeOf('illuminance', 'mph')).toBe('DEVICES_UNIT_MISMATCH');
    expect(convert('water-level', 10, 'ft')).toBeCloseTo(3.048, 12);
    expect(convert('air-temperature', 212, 'F')).toBeCloseTo(100, 9);
  });

  it('keeps apart what only the case tells apart', () => {
    expectClose(convert('conductivity', 1, 'S/m'), 10_000);
    expect(codeOf('conductivity', 's/m')).toBe('DEVICES_UNIT_MISMATCH');
  });

  it.each([
    ['turbidity', '%'],
    ['turbidity', '1'],
    ['relative-humidity', '[NTU]'],
    ['co2', '[pH]'],
    ['ph', '%'],
    ['salinity', '[ppm]'],
    ['noise-laeq', 'B[SPL]'],
    ['noise-laeq', 'Pa'],
    ['wind-direction', '%'],
    ['abstraction-volume', '[iU]'],
    ['solar-radiation', 'MJ/m2'],
    ['air-temperature', 'm'],
  ])('%s does not convert from %s', (id, unit) => {
    expect(codeOf(id, unit)).toBe('DEVICES_UNIT_MISMATCH');
  });

  it.each(['furlong/fortnight', '', '__proto__', 'constructor', '/', '{', '🌧', 'x'.repeat(65)])(
    'refuses %j by name',
    (unit) => {
      expect(codeOf('rainfall', unit)).toBe('DEVICES_UNIT_UNKNOWN');
    },
  );

  it('folds compatibility forms but keeps the power of ten of UCUM', () => {
    expect(normaliseSpelling('10^6 m³')).toBe('10^6 m3');
    expect(normaliseSpelling(' µg · m⁻³ ')).toBe('ug . m-3');
  });
});

describe('any text', () => {
  it('never throws, and answers a finite, non-zero factor or a named problem', () => {
    const pieces = fc.constantFrom(
      'm',
      'g',
      'L',
      '/',
      '.',
      '3',
      '-1',
      '[',
      ']',
      '{',
      '}',
      'µ',
      '%',
      ' ',
      'N',
      'O3',
      '(',
      ')',
      '^',
      '10*',
      'u',
      'h',
      's',
      '"',
      '°',
    );
    const unit = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 10 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(fc.constantFrom(...observedProperties), unit, (one, text) => {
        const outcome = conversionTo(one, text);
        if (!outcome.ok) return outcome.code.startsWith('DEVICES_UNIT_');
        return (
          Number.isFinite(outcome.shift) && Number.isFinite(outcome.scale) && outcome.scale !== 0
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('leaves a value in the canonical unit exactly as it is', () => {
    for (const one of observedProperties) {
      expect(conversionTo(one, one.unit)).toEqual({ ok: true, scale: 1, shift: 0 });
    }
  });
});

describe('against a second UCUM library', () => {
  /** Codes of the same dimension as each canonical unit; the rest is closed lists of our own. */
  const sameDimension: Readonly<Record<string, readonly string[]>> = {
    Cel: ['[degF]', 'K'],
    hPa: ['Pa', 'kPa', 'mbar', 'bar', "[in_i'Hg]", 'mm[Hg]', '[psi]', 'atm'],
    kPa: ['hPa', 'bar', '[psi]'],
    'm/s': ['km/h', '[kn_i]', '[mi_i]/h', '[ft_i]/s', 'cm/s', 'm/min'],
    'mm/s': ['m/s', 'cm/s'],
    deg: ['rad', 'gon', "'"],
    mm: ['cm', 'm', '[in_i]', 'L/m2'],
    'mm/h': ['[in_i]/h', 'mm/min', 'cm/h', 'mm/d', 'm/s'],
    cm: ['m', 'mm', '[in_i]', '[ft_i]'],
    m: ['cm', 'mm', 'km', '[ft_i]', '[in_i]', '[mi_i]', '[yd_i]'],
    'W/m2': ['kW/m2', 'mW/cm2', 'cal/(cm2.min)'],
    'umol/m2/s': ['mmol/m2/s', 'mol/(m2.s)', 'nmol/m2/s'],
    lx: ['klx'],
    min: ['s', 'h', 'd'],
    s: ['ms', 'min', 'h', 'd'],
    'ug/m3': ['mg/m3', 'ng/m3', 'g/m3', 'ug/L', 'pg/m3'],
    'mg/m3': ['ug/m3', 'g/m3', 'mg/L'],
    'nSv/h': ['uSv/h', 'mSv/h', 'Sv/a'],
    'm3/h': ['L/s', 'm3/s', 'L/min', 'm3/d', '[gal_us]/min'],
    'm3/s': ['L/s', 'm3/h', 'm3/d', '[ft_i]3/s', 'km3/a'],
    hm3: ['m3', 'L', 'km3', '10*6.m3', '[ft_i]3'],
    m3: ['L', 'hm3', '[gal_us]', '[ft_i]3'],
    'mg/L': ['ug/L', 'g/L', 'mg/m3', 'g/m3', 'kg/m3', 'ng/mL'],
    'ug/L': ['mg/L', 'ng/L', 'mg/m3'],
    'uS/cm': ['mS/cm', 'S/m', 'mS/m', 'dS/m'],
    mV: ['V', 'uV'],
    V: ['mV', 'kV'],
    mA: ['A', 'uA'],
    '/m': ['/cm', '/mm'],
  };

  it.each(observedProperties.map(({ id, unit }) => [id, unit] as const))(
    '%s agrees to 1e-9 on every code of the dimension of %s',
    (id, unit) => {
      for (const code of sameDimension[unit] ?? []) {
        for (const value of [1, 37.25, -12.5]) {
          const answer = oracle.convertUnitTo(code, value, unit);
          expect(answer.status).toBe('succeeded');
          expectClose(convert(id, value, code), Number(answer.toVal), 1e-9);
        }
      }
      expect(convert(id, 1, unit)).toBe(1);
    },
  );

  it('covers every canonical unit, or knows that its list is closed', () => {
    const closed = [
      '%',
      '[ppm]',
      '[pH]',
      '[NTU]',
      '{psu}',
      '{index}',
      '{count}',
      '{Pt-Co}',
      '{MPN}/dL',
      'dB[SPL]',
      'dB',
      'dB{mW}',
    ];
    const units = new Set(observedProperties.map(({ unit }) => unit));
    expect([...units].filter((unit) => !(unit in sameDimension) && !closed.includes(unit))).toEqual(
      [],
    );
  });
});

describe('the remembering converter', () => {
  it('answers as the plain one, and the same object the second time', () => {
    const units = createUnitConverter({ entriesMax: 100 });
    const first = units.conversionTo(property('no2'), 'ppb');
    expect(first).toEqual(conversionTo(property('no2'), 'ppb'));
    expect(units.conversionTo(property('no2'), 'ppb')).toBe(first);
    expect(units.conversionTo(property('no2'), null)).toEqual({ ok: true, scale: 1, shift: 0 });
    expect(units.conversionTo(property('o3'), 'ppb')).not.toEqual(first);
  });

  it('forgets at its bound, and goes on answering', () => {
    const units = createUnitConverter({ entriesMax: 10 });
    const first = units.conversionTo(property('no2'), 'ppb');
    for (let index = 0; index < 50; index += 1) units.conversionTo(property('no2'), `u${index}`);
    const again = units.conversionTo(property('no2'), 'ppb');
    expect(again).toEqual(first);
    expect(again).not.toBe(first);
  });

  it('does not keep texts longer than a unit', () => {
    const units = createUnitConverter({ entriesMax: 10 });
    const long = 'm'.repeat(1000);
    expect(units.conversionTo(property('no2'), long)).not.toBe(
      units.conversionTo(property('no2'), long),
    );
  });
});

describe('molar masses', () => {
  it('reads formulas and refuses what is none', () => {
    expect(molarMassOf('CaCO3')).toBeCloseTo(100.086, 3);
    expect(molarMassOf('Xx2')).toBeUndefined();
    expect(molarMassOf('')).toBeUndefined();
    expect(molarMassOf('no3')).toBeUndefined();
  });
});
