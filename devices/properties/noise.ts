import type { ObservedProperty } from '../model.ts';
import { cf, qudt } from './links.ts';

/**
 * Environmental noise and vibration (QCVN 26:2010/BTNMT, QCVN 27:2010/BTNMT). A level is energetic:
 * its mean is not the arithmetic mean of decibels.
 */
export const noiseProperties: readonly ObservedProperty[] = [
  level('noise-laeq', { vi: 'Mức ồn tương đương LAeq', en: 'Equivalent sound level LAeq' }),
  level('noise-lamax', { vi: 'Mức ồn cực đại LAmax', en: 'Maximum sound level LAmax' }),
  level('noise-lamin', { vi: 'Mức ồn cực tiểu LAmin', en: 'Minimum sound level LAmin' }),
  level('noise-la10', { vi: 'Mức ồn LA10', en: 'Sound level LA10, exceeded 10 % of the time' }),
  level('noise-la50', { vi: 'Mức ồn LA50', en: 'Sound level LA50, exceeded 50 % of the time' }),
  level('noise-la90', { vi: 'Mức ồn LA90', en: 'Sound level LA90, exceeded 90 % of the time' }),
  {
    id: 'vibration-velocity',
    label: { vi: 'Vận tốc rung', en: 'Vibration velocity' },
    domain: 'noise',
    unit: 'mm/s',
    plausible: { min: 0, max: 1000 },
    expected: { min: 0, max: 50 },
    links: [],
  },
];

/** An A-weighted level relative to 20 µPa. The weighting is the property's, not the unit's. */
function level(id: string, label: ObservedProperty['label']): ObservedProperty {
  return {
    id,
    label,
    domain: 'noise',
    unit: 'dB[SPL]',
    plausible: { min: 0, max: 160 },
    expected: { min: 20, max: 130 },
    links: [cf('sound_pressure_level_in_air', 'close'), qudt('DeciB_A', 'close')],
  };
}
