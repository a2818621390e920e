import type { ObservedProperty } from '../model.ts';
import { qudt } from './links.ts';

/**
 * Flue gas of regulated plants (Circular 10/2021/TT-BTNMT). The same gases as in ambient air, in
 * other ranges and in mg/Nm3; Nm3 is 25 °C and 101,325 Pa here too.
 */
const referenceCelsius = 25;
const milligrams = [qudt('MilliGM-PER-M3')];

export const emissionProperties: readonly ObservedProperty[] = [
  {
    id: 'stack-dust',
    label: { vi: 'Bụi trong khí thải (PM)', en: 'Dust in flue gas' },
    domain: 'air',
    unit: 'mg/m3',
    plausible: { min: 0, max: 50_000 },
    expected: { min: 0, max: 2000 },
    nationalSymbol: 'PM',
    links: milligrams,
  },
  stackGas('stack-so2', { vi: 'SO2 trong khí thải', en: 'SO2 in flue gas' }, 'SO2', 64.07),
  stackGas('stack-no', { vi: 'NO trong khí thải', en: 'NO in flue gas' }, 'NO', 30.01),
  stackGas('stack-no2', { vi: 'NO2 trong khí thải', en: 'NO2 in flue gas' }, 'NO2', 46.01),
  {
    id: 'stack-nox',
    label: { vi: 'NOx trong khí thải (tính theo NO2)', en: 'NOx in flue gas (as NO2)' },
    domain: 'air',
    unit: 'mg/m3',
    basis: 'NO2',
    plausible: { min: -5, max: 50_000 },
    expected: { min: 0, max: 5000 },
    molarMassGrams: 46.01,
    referenceCelsius,
    links: milligrams,
  },
  stackGas('stack-co', { vi: 'CO trong khí thải', en: 'CO in flue gas' }, 'CO', 28.01),
  stackGas('stack-hcl', { vi: 'HCl trong khí thải', en: 'HCl in flue gas' }, 'HCl', 36.46),
  stackGas('stack-hf', { vi: 'HF trong khí thải', en: 'HF in flue gas' }, 'HF', 20.01),
  stackGas('stack-nh3', { vi: 'NH3 trong khí thải', en: 'NH3 in flue gas' }, 'NH3', 17.03),
  stackGas('stack-h2s', { vi: 'H2S trong khí thải', en: 'H2S in flue gas' }, 'H2S', 34.08),
  {
    id: 'stack-mercury',
    label: { vi: 'Hơi thủy ngân trong khí thải', en: 'Mercury vapour in flue gas' },
    domain: 'air',
    unit: 'ug/m3',
    species: ['Hg'],
    plausible: { min: 0, max: 10_000 },
    expected: { min: 0, max: 500 },
    molarMassGrams: 200.59,
    referenceCelsius,
    nationalSymbol: 'VHg',
    links: [qudt('MicroGM-PER-M3')],
  },
  {
    id: 'stack-oxygen',
    label: { vi: 'Ôxy trong khí thải (O2)', en: 'Oxygen in flue gas' },
    domain: 'air',
    unit: '%',
    plausible: { min: 0, max: 100 },
    expected: { min: 0, max: 21 },
    nationalSymbol: 'O2',
    links: [qudt('PERCENT')],
  },
  {
    id: 'stack-temperature',
    label: { vi: 'Nhiệt độ khí thải', en: 'Flue gas temperature' },
    domain: 'air',
    unit: 'Cel',
    plausible: { min: -20, max: 1500 },
    expected: { min: 10, max: 600 },
    nationalSymbol: 'Temp',
    links: [qudt('DEG_C')],
  },
  {
    id: 'stack-pressure',
    label: { vi: 'Áp suất khí thải', en: 'Flue gas pressure' },
    domain: 'air',
    unit: 'hPa',
    plausible: { min: -200, max: 2000 },
    nationalSymbol: 'P',
    links: [qudt('HectoPA')],
  },
  {
    id: 'stack-flow',
    label: { vi: 'Lưu lượng khí thải', en: 'Flue gas flow' },
    domain: 'air',
    unit: 'm3/h',
    plausible: { min: 0, max: 50_000_000 },
    expected: { min: 0, max: 10_000_000 },
    nationalSymbol: 'Flow',
    links: [qudt('M3-PER-HR')],
  },
];

/** A gas of a stack: its national symbol is that of the same gas in ambient air. */
function stackGas(
  id: string,
  label: ObservedProperty['label'],
  formula: string,
  molarMassGrams: number,
): ObservedProperty {
  return {
    id,
    label,
    domain: 'air',
    unit: 'mg/m3',
    species: [formula],
    plausible: { min: -5, max: 100_000 },
    expected: { min: 0, max: 10_000 },
    molarMassGrams,
    referenceCelsius,
    links: milligrams,
  };
}
