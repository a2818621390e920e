import { ucum } from '@atomic-ehr/ucum';
import ucumLhc from '@lhncbc/ucum-lhc';
import { describe, expect, it } from 'vitest';
import { molarMassOf } from '../units/chemistry.ts';
import { observedProperties, propertyCatalogue } from './catalogue.ts';

const catalogue = propertyCatalogue();
const oracle = ucumLhc.UcumLhcUtils.getInstance();

/** Ids and units that the registry file promises to outsiders. */
const promised: readonly { readonly unit: string | null; readonly ids: string }[] = [
  { unit: 'Cel', ids: 'air-temperature dew-point water-temperature soil-temperature' },
  { unit: '%', ids: 'relative-humidity oxygen-saturation soil-moisture' },
  { unit: 'hPa', ids: 'air-pressure air-pressure-sea-level' },
  { unit: 'm/s', ids: 'wind-speed wind-gust flow-velocity' },
  { unit: 'deg', ids: 'wind-direction' },
  { unit: 'mm', ids: 'rainfall' },
  { unit: 'mm/h', ids: 'rain-rate' },
  { unit: 'W/m2', ids: 'solar-radiation' },
  { unit: 'ug/m3', ids: 'pm1 pm2.5 pm10 tsp o3 no no2 nox so2 nh3 h2s' },
  { unit: 'mg/m3', ids: 'co' },
  { unit: '[ppm]', ids: 'co2' },
  { unit: 'm', ids: 'water-level groundwater-level' },
  { unit: 'm3/s', ids: 'discharge' },
  { unit: 'mg/L', ids: 'dissolved-oxygen tss cod bod5 toc ammonium nitrate nitrite' },
  { unit: 'mg/L', ids: 'phosphate total-nitrogen total-phosphorus' },
  { unit: 'uS/cm', ids: 'conductivity' },
  { unit: 'ug/L', ids: 'chlorophyll-a' },
  { unit: 'V', ids: 'battery-voltage' },
  { unit: null, ids: 'uv-index noise-laeq ph turbidity salinity' },
];

const linkPatterns: Readonly<Record<string, RegExp>> = {
  CF: /^http:\/\/vocab\.nerc\.ac\.uk\/standard_name\/[a-z0-9_]+\/$/,
  WMO: /^http:\/\/codes\.wmo\.int\/wmdr\/ObservedVariable(?:Atmosphere|Terrestrial)\/\d+$/,
  Eionet: /^http:\/\/dd\.eionet\.europa\.eu\/vocabulary\/aq\/pollutant\/\d+$/,
  WISE: /^http:\/\/dd\.eionet\.europa\.eu\/vocabulary\/wise\/ObservedProperty\/(?:CAS|EEA)_[\d-]+$/,
  QUDT: /^http:\/\/qudt\.org\/vocab\/unit\/[A-Za-z0-9_-]+$/,
};

/** UCUM 2.2 (2024) has the code; the second library still has the table of 2.1. */
const newerThanOracle = new Set(['[NTU]']);

describe('the catalogue of observed properties', () => {
  it('has at least 70 properties in every domain that is promised', () => {
    expect(observedProperties.length).toBeGreaterThanOrEqual(70);
    expect(catalogue.size).toBe(observedProperties.length);
    expect(new Set(observedProperties.map(({ domain }) => domain))).toEqual(
      new Set(['weather', 'water', 'air', 'noise', 'soil', 'platform']),
    );
  });

  it.each(promised)('gives $ids in $unit, as the registry file promises', ({ unit, ids }) => {
    for (const id of ids.split(' ')) {
      const property = catalogue.get(id);
      expect(property).toBeDefined();
      expect(property?.unit).toBe(unit ?? property?.unit);
    }
  });

  it('covers reservoirs, abstraction, street floods, wastewater and the sea', () => {
    const ids = [
      'reservoir-level',
      'reservoir-inflow',
      'reservoir-outflow',
      'abstraction-flow',
      'street-flood-depth',
      'wastewater-flow',
      'groundwater-level',
      'tide-level',
    ];
    expect(ids.filter((id) => !catalogue.has(id))).toEqual([]);
  });

  it('covers every symbol of table 34 of Circular 10/2021', () => {
    const symbols =
      'Flow Temp Color pH TSS COD NH4 TP TN TOC Cl RH P NO NO2 CO SO2 O2 H2S NH3 VHg PM O3 PM10 PM2,5';
    const covered = new Set(observedProperties.map(({ nationalSymbol }) => nationalSymbol));
    expect(symbols.split(' ').filter((symbol) => !covered.has(symbol))).toEqual([]);
  });

  it('accepts the pressure of a station at 2,000 m, which 900 hPa would refuse', () => {
    const pressure = catalogue.get('air-pressure');
    expect(pressure?.plausible.min).toBeLessThanOrEqual(500);
    expect(pressure?.expected?.min).toBeLessThanOrEqual(850);
  });

  it('does not lend a sea_water name to fresh water', () => {
    const uris = observedProperties.flatMap(({ links }) => links.map(({ uri }) => uri));
    expect(uris.filter((uri) => uri.includes('sea_water'))).toEqual([]);
  });
});

describe.each(observedProperties.map((property) => [property.id, property] as const))(
  'property %s',
  (id, property) => {
    it('is named by the grammar of property ids and in both languages', () => {
      expect(id).toMatch(/^[a-z0-9]+(?:[.-][a-z0-9]+)*$/);
      expect(property.label.vi.trim()).not.toBe('');
      expect(property.label.en.trim()).not.toBe('');
      expect(property.label.vi.normalize('NFC')).toBe(property.label.vi);
    });

    it('has a unit that is valid UCUM in two libraries', () => {
      expect(ucum.validate(property.unit).valid).toBe(true);
      const status = oracle.validateUnitString(property.unit).status;
      expect(status).toBe(newerThanOracle.has(property.unit) ? 'invalid' : 'valid');
    });

    it('expects less than it holds for possible', () => {
      const { plausible, expected = plausible } = property;
      expect(plausible.min).toBeLessThan(plausible.max);
      expect(expected.min).toBeLessThan(expected.max);
      expect(expected.min).toBeGreaterThanOrEqual(plausible.min);
      expect(expected.max).toBeLessThanOrEqual(plausible.max);
    });

    it('links only where the pattern of the vocabulary leads', () => {
      for (const { scheme, uri } of property.links)
        expect(uri).toMatch(linkPatterns[scheme] ?? /^$/);
      expect(new Set(property.links.map(({ uri }) => uri)).size).toBe(property.links.length);
    });

    it('states a gas at 25 °C with the molar mass of its formula', () => {
      const formula =
        property.molarMassGrams === undefined
          ? undefined
          : (property.species?.[0] ?? property.basis);
      const grams = molarMassOf(formula ?? 'N');
      expect(property.referenceCelsius).toBe(formula === undefined ? undefined : 25);
      expect(Math.abs((property.molarMassGrams ?? grams ?? 0) - (grams ?? 0))).toBeLessThan(0.013);
    });

    it('has a basis and species whose molar mass is known', () => {
      for (const formula of [property.basis ?? 'N', ...(property.species ?? [])]) {
        expect(molarMassOf(formula)).toBeGreaterThan(0);
      }
    });
  },
);
