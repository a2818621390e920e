import type { ObservedProperty } from '../model.ts';
import { airProperties } from './air.ts';
import { emissionProperties } from './emission.ts';
import { noiseProperties } from './noise.ts';
import { platformProperties } from './platform.ts';
import { soilProperties } from './soil.ts';
import { waterChemistryProperties } from './water-chemistry.ts';
import { waterQualityProperties } from './water-quality.ts';
import { waterProperties } from './water.ts';
import { weatherProperties } from './weather.ts';

/**
 * Every observed property the product ships, in the order of the portal's menus. An id here is
 * published (`…/id/property/{id}`): it is never renamed and its unit never changes.
 */
export const observedProperties: readonly ObservedProperty[] = [
  ...weatherProperties,
  ...airProperties,
  ...emissionProperties,
  ...waterProperties,
  ...waterQualityProperties,
  ...waterChemistryProperties,
  ...noiseProperties,
  ...soilProperties,
  ...platformProperties,
];

/** The shipped properties by id. */
export function propertyCatalogue(): ReadonlyMap<string, ObservedProperty> {
  return new Map(observedProperties.map((property) => [property.id, property]));
}
