/** The nouns of the registry, exactly as the registry file names them (interfaces.md §3). */

export type OwnerKind = 'state' | 'enterprise' | 'community' | 'citizen';
/** What a station is built for, whatever else it measures; `mixed` where no one purpose leads. */
export const stationKinds = [
  'weather',
  'upper-air',
  'weather-radar',
  'lightning',
  'agrometeorological',
  'rain',
  'climate',
  'hydrological',
  'reservoir',
  'flood',
  'groundwater',
  'marine',
  'surface-water-quality',
  'waste-water',
  'air-quality',
  'emission',
  'noise',
  'soil',
  'mixed',
] as const;
export type StationKind = (typeof stationKinds)[number];
export type StationClass = 'reference' | 'regulatory' | 'enterprise' | 'indicative' | 'citizen';
export type Visibility = 'open' | 'recipients' | 'internal';
export type Aggregation = 'instant' | 'mean' | 'sum' | 'min' | 'max' | 'counter';

/** A text in both languages of the product. */
export interface Name {
  readonly vi: string;
  readonly en: string;
}

export interface Owner {
  readonly id: string;
  readonly name: Name;
  readonly kind: OwnerKind;
  /** National organisation code. */
  readonly code?: string;
  /** Id of the parent body. */
  readonly parent?: string;
  readonly licence?: string;
  readonly attribution?: string;
  readonly visibility?: Visibility;
  readonly embargoUntil?: string;
}

/** A place in the administrative map with the time it held: codes outlive a merger. */
export interface Administrative {
  readonly province: string;
  readonly commune?: string;
  /** RFC 3339 date or instant. */
  readonly from: string;
  readonly to?: string;
}

export interface Station {
  readonly id: string;
  readonly name: Name;
  readonly owner: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly altitudeMetres?: number;
  /** IANA zone. */
  readonly timeZone: string;
  readonly class: StationClass;
  readonly kind?: StationKind;
  readonly administrative?: readonly Administrative[];
  /** The place is public only to this precision; none means exactly. */
  readonly publicPrecisionMetres?: number;
  readonly visibility?: Visibility;
  readonly licence?: string;
  readonly attribution?: string;
  readonly embargoUntil?: string;
}

export interface Datastream {
  readonly id: string;
  /** Internal number of the series, from 0, never reused, never shown outside. */
  readonly series: number;
  readonly station: string;
  readonly property: string;
  /** Unique in its station; defaults to the property's id. */
  readonly slug: string;
  readonly aggregation: Aggregation;
  readonly intervalMs: number;
  readonly heightMetres?: number;
  readonly visibility?: Visibility;
  readonly licence?: string;
  readonly attribution?: string;
  /** RFC 3339 with offset: until then what would be open is for recipients. */
  readonly embargoUntil?: string;
}

export interface Device {
  readonly id: string;
  readonly owner: string;
  /** Id of a codec in `codecs/formats.ts`; none means the own JSON. */
  readonly codec?: string;
  readonly clientId?: string;
  /** Id of the gateway that may speak for it. */
  readonly gateway?: string;
}

/** Which device served which datastream, through which channel, from when to when. */
export interface Deployment {
  readonly device: string;
  readonly datastream: string;
  readonly channel: string;
  /** UCUM code or field spelling of what the channel sends; none means the canonical unit. */
  readonly unit?: string;
  /** Calibration, applied to the raw value before the unit is converted: value × factor + offset. */
  readonly factor?: number;
  readonly offset?: number;
  readonly serial?: string;
  /** Inclusive, integer milliseconds UTC. */
  readonly fromAt: number;
  /** Exclusive; none means open-ended. */
  readonly toAt?: number;
}

/** What is measured. The catalogue in `properties/` holds these; the installation may add more. */
export interface ObservedProperty {
  readonly id: string;
  readonly label: Name;
  /** Canonical unit, a UCUM code. */
  readonly unit: string;
  readonly domain: 'weather' | 'water' | 'air' | 'noise' | 'soil' | 'platform';
  /** What the sensors of the field can report at all: outside it a value fails (flag 4). */
  readonly plausible: { readonly min: number; readonly max: number };
  /** What occurs in nature: outside it a value is suspect (flag 3). */
  readonly expected?: { readonly min: number; readonly max: number };
  /** Chemical basis, for example `N` for nitrate as nitrogen. */
  readonly basis?: string;
  /**
   * Formulas that a field unit may name instead of `basis`: `mg NO3/L` of a property stated as N.
   * One molecule of each holds what the basis counts, so the ratio of molar masses converts.
   */
  readonly species?: readonly string[];
  /** Symbol of Circular 10/2021/TT-BTNMT, Appendix 15, table 34; several properties may share one. */
  readonly nationalSymbol?: string;
  /** Of a gas: grams per mole, for conversion between volume and mass fractions. */
  readonly molarMassGrams?: number;
  /** Of a gas: the temperature of the stated concentration; pressure is 101,325 Pa. */
  readonly referenceCelsius?: number;
  /** Values are angles that wrap at 360: means and differences are taken on the circle. */
  readonly circular?: boolean;
  /** Links to vocabularies: CF, WMO, Eionet, WISE, QUDT (open-feeds.md §6), whole URIs. */
  readonly links: readonly {
    readonly scheme: string;
    readonly match: 'exact' | 'close';
    readonly uri: string;
  }[];
}
