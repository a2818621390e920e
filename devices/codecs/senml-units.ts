/**
 * Units of the SenML registries (RFC 8428 §12.1, RFC 8798 §3 and later entries) whose UCUM code
 * differs. Every other registered unit means the same in UCUM; what is in neither stays as sent.
 */
const ucumOfSenml: ReadonlyMap<string, string> = new Map([
  // The letters alone would be taken for degrees, as field spellings are.
  ['C', 'A.s'],
  ['F', 'A.s/V'],
  ['l', 'L'],
  ['l/s', 'L/s'],
  ['lat', 'deg'],
  ['lon', 'deg'],
  ['pH', '[pH]'],
  ['dBW', 'dB[W]'],
  ['Bspl', 'B[SPL]'],
  ['count', '{count}'],
  ['/', '1'],
  ['%RH', '%'],
  ['%EL', '%'],
  ['EL', 's'],
  ['1/s', '/s'],
  ['1/min', '/min'],
  ['beat/min', '{beat}/min'],
  ['beats', '{beat}'],
  ['B', 'By'],
  ['B/s', 'By/s'],
  ['KiB', 'KiBy'],
  ['GB', 'GBy'],
  ['MB/s', 'MBy/s'],
  ['VA', 'V.A'],
  ['VAs', 'V.A.s'],
  ['var', 'V.A{reactive}'],
  ['vars', 'V.A.s{reactive}'],
  ['kVA', 'kV.A'],
  ['kvar', 'kV.A{reactive}'],
  ['kVAh', 'kV.A.h'],
  ['varh', 'V.A.h{reactive}'],
  ['kvarh', 'kV.A.h{reactive}'],
  ['Ah', 'A.h'],
  ['Wh', 'W.h'],
  ['kWh', 'kW.h'],
  ['Wh/km', 'W.h/km'],
  ['ppm', '[ppm]'],
  ['ppb', '[ppb]'],
  ['/100', '%'],
  ['/1000', '[ppth]'],
  ['NTU', '[NTU]'],
  ['rpm', '{revolution}/min'],
]);

/** The UCUM code of a SenML unit; a unit that the registries do not know stays as sent. */
export function ucumOfSenmlUnit(unit: string): string {
  return ucumOfSenml.get(unit) ?? unit;
}
