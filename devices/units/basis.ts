import type { ObservedProperty } from '../model.ts';
import { molarMassOf } from './chemistry.ts';

/** A unit with its chemical formula taken out, and what that formula does to the value. */
export type Based =
  | {
      readonly ok: true;
      readonly unit: string;
      /** Mass stated as the formula × this = mass stated as the property's basis. */
      readonly factor: number;
      /** Of one mole of what the basis counts; undefined where the property has no basis. */
      readonly molarMassGrams: number | undefined;
    }
  | { readonly ok: false; readonly accepted: string };

/** `NO3`, `NO3-N`, `PO4 3-`, `NH4+`, `CaCO3`: a formula, a charge, and maybe `-N` for "as N". */
const formula = String.raw`(?<formula>(?:[A-Z][a-z]?\d*)+)(?: ?\d?[+-](?![A-Z]))?(?:[-_](?<as>[A-Z][a-z]?))?`;

/** The places where people write it, most explicit first. */
const forms: readonly RegExp[] = [
  // mg{NO3}/L, mg/L{N}
  new RegExp(String.raw`^(?<before>[^{}]+)\{${formula}\}(?<after>[^{}]*)$`),
  // mg NO3/L, mg NO3-N/L
  new RegExp(String.raw`^(?<before>\S+) (?:as )?${formula}(?<after> ?/ ?\S+)$`),
  // mg/L NO3, mg/L as N, mg/L (as N), mg/L-N
  new RegExp(String.raw`^(?<before>\S+/\S+?)(?: |-|_| as | \(as )${formula}\)?(?<after>)$`),
  // mgO2/L, ugN/L
  new RegExp(String.raw`^(?<before>[munpk]?g)${formula}(?<after> ?/ ?\S+)$`),
];

/** Takes the formula out of a normalised spelling and checks that it is one of the property's. */
export function splitBasis(property: ObservedProperty, unit: string): Based {
  const whole = property.basis ?? property.species?.[0];
  const molarMassGrams = whole === undefined ? undefined : molarMassOf(whole);
  for (const form of forms) {
    const groups = form.exec(unit)?.groups;
    const written = groups?.['as'] ?? groups?.['formula'];
    if (groups === undefined || written === undefined) continue;
    const writtenGrams = molarMassOf(written);
    // Not a formula at all (`{index}`, `ug PM`): an annotation, which UCUM gives no meaning.
    if (writtenGrams === undefined) continue;
    const stripped = `${groups['before'] ?? ''}${groups['after'] ?? ''}`;
    const factor = factorOf(property, written, writtenGrams, molarMassGrams);
    if (factor === undefined) return { ok: false, accepted: acceptedBy(property) };
    return { ok: true, unit: stripped, factor, molarMassGrams };
  }
  return { ok: true, unit, factor: 1, molarMassGrams };
}

function factorOf(
  property: ObservedProperty,
  written: string,
  writtenGrams: number,
  basisGrams: number | undefined,
): number | undefined {
  if (written === property.basis) return 1;
  if (property.species?.includes(written) !== true) return undefined;
  // A property without a basis is stated as its own species.
  if (property.basis === undefined || basisGrams === undefined) return 1;
  return basisGrams / writtenGrams;
}

function acceptedBy(property: ObservedProperty): string {
  const formulas = [property.basis, ...(property.species ?? [])].filter((one) => one !== undefined);
  return formulas.length === 0 ? 'no formula' : formulas.join(', ');
}
