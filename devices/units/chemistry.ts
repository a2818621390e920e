/** Standard atomic weights, IUPAC 2021 (abridged). Grams per mole. */
const atomicGrams: Readonly<Record<string, number>> = {
  H: 1.008,
  C: 12.011,
  N: 14.007,
  O: 15.999,
  F: 18.998,
  Si: 28.085,
  P: 30.974,
  S: 32.06,
  Cl: 35.45,
  Ca: 40.078,
  Cr: 51.996,
  Mn: 54.938,
  Fe: 55.845,
  Ni: 58.693,
  Cu: 63.546,
  Zn: 65.38,
  As: 74.922,
  Cd: 112.41,
  Hg: 200.59,
  Pb: 207.2,
};

/** The gas constant, J/(mol·K), exact since 2019. */
const gasConstant = 8.31446261815324;

/** The pressure of stated concentrations, Pa. */
const referencePascals = 101_325;

/** Molar mass of a formula such as `NO3` or `CaCO3`; undefined when an element is not known. */
export function molarMassOf(formula: string): number | undefined {
  let grams = 0;
  let read = 0;
  for (const part of formula.matchAll(/([A-Z][a-z]?)(\d*)/g)) {
    const element = atomicGrams[part[1] ?? ''];
    if (element === undefined) return undefined;
    grams += element * (part[2] === '' ? 1 : Number(part[2]));
    read += part[0].length;
  }
  return read === formula.length && read > 0 ? grams : undefined;
}

/**
 * Milligrams per cubic metre of one part per million by volume: an ideal gas of this molar mass at
 * this temperature and 101,325 Pa. The same figure is µg/m³ per ppb.
 */
export function milligramsPerPartPerMillion(
  molarMassGrams: number,
  referenceCelsius: number,
): number {
  const molesPerCubicMetre = referencePascals / (gasConstant * (referenceCelsius + 273.15));
  return molarMassGrams * molesPerCubicMetre * 1e-3;
}
