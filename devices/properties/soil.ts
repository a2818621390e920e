import type { ObservedProperty } from '../model.ts';
import { cf, qudt, wmoTerrestrial } from './links.ts';

/** Soil; the depth of a sensor is the datastream's height, below zero. */
export const soilProperties: readonly ObservedProperty[] = [
  {
    id: 'soil-moisture',
    label: { vi: 'Độ ẩm đất (theo thể tích)', en: 'Soil moisture (by volume)' },
    domain: 'soil',
    unit: '%',
    plausible: { min: 0, max: 100 },
    expected: { min: 1, max: 65 },
    links: [
      cf('volume_fraction_of_condensed_water_in_soil', 'close'),
      wmoTerrestrial(527, 'close'),
      qudt('PERCENT'),
    ],
  },
  {
    id: 'soil-temperature',
    label: { vi: 'Nhiệt độ đất', en: 'Soil temperature' },
    domain: 'soil',
    unit: 'Cel',
    plausible: { min: -50, max: 80 },
    expected: { min: -5, max: 65 },
    links: [cf('soil_temperature'), wmoTerrestrial(596), qudt('DEG_C')],
  },
  {
    id: 'soil-conductivity',
    label: { vi: 'Độ dẫn điện của đất', en: 'Soil electrical conductivity' },
    domain: 'soil',
    unit: 'uS/cm',
    plausible: { min: 0, max: 100_000 },
    expected: { min: 0, max: 20_000 },
    links: [qudt('MicroS-PER-CentiM')],
  },
  {
    id: 'soil-ph',
    label: { vi: 'Độ pH của đất', en: 'Soil pH' },
    domain: 'soil',
    unit: '[pH]',
    plausible: { min: 0, max: 14 },
    expected: { min: 2.5, max: 10.5 },
    links: [qudt('PH')],
  },
  {
    id: 'soil-water-tension',
    label: { vi: 'Sức hút ẩm của đất', en: 'Soil water tension' },
    domain: 'soil',
    unit: 'kPa',
    plausible: { min: -2000, max: 2000 },
    expected: { min: 0, max: 1500 },
    links: [qudt('KiloPA')],
  },
  {
    id: 'soil-heat-flux',
    label: { vi: 'Thông lượng nhiệt trong đất', en: 'Soil heat flux' },
    domain: 'soil',
    unit: 'W/m2',
    plausible: { min: -500, max: 500 },
    expected: { min: -200, max: 300 },
    links: [wmoTerrestrial(245), qudt('W-PER-M2')],
  },
];
