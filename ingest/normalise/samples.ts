import type { DecodedMeasurement } from '../../devices/codecs/codec.ts';
import type { Datastream, Deployment, ObservedProperty, Station } from '../../devices/model.ts';
import { propertyCatalogue } from '../../devices/properties/catalogue.ts';
import type { ChannelBinding } from '../../devices/registry.ts';
import { digitAt, judgedCodes, testsOf } from '../checks/digits.ts';
import { normaliseConfig } from './config.ts';
import {
  createNormaliser,
  type Candidate,
  type Circumstance,
  type Refusal,
} from './measurement.ts';

/** Measurements and bindings for the tests of this folder. */
export const minute = 60_000;
export const hour = 60 * minute;
const nan = Number.NaN;
export const receivedAt = Date.parse('2026-03-01T12:00:00Z');
const catalogue = propertyCatalogue();

const station: Station = {
  id: 's',
  name: { vi: 'Trạm', en: 'Station' },
  owner: 'o',
  latitude: 21,
  longitude: 105,
  timeZone: 'Asia/Ho_Chi_Minh',
  class: 'reference',
};

export interface Bound {
  readonly property?: string;
  readonly aggregation?: Datastream['aggregation'];
  readonly deployment?: Partial<Deployment>;
  readonly scale?: number;
  readonly shift?: number;
  readonly series?: number;
}

/** A binding of channel `c` to series 7, by default of air temperature in its canonical unit. */
export function bind(bound: Bound = {}): ChannelBinding {
  const property = propertyOf(bound.property ?? 'air-temperature');
  return {
    deployment: {
      device: 'd',
      datastream: 'x',
      channel: 'c',
      fromAt: Date.parse('2025-01-01T00:00:00Z'),
      ...bound.deployment,
    },
    datastream: {
      id: 'x',
      series: bound.series ?? 7,
      station: 's',
      property: property.id,
      slug: property.id,
      aggregation: bound.aggregation ?? 'instant',
      intervalMs: 5 * minute,
    },
    property,
    station,
    scale: bound.scale ?? 1,
    shift: bound.shift ?? 0,
  };
}

function propertyOf(id: string): ObservedProperty {
  const property = catalogue.get(id);
  if (property === undefined) throw new Error(`${id} is not in the catalogue`);
  return property;
}

/** 21.5 at a minute before `receivedAt`, unless said otherwise. */
export function measured(given: Partial<DecodedMeasurement> = {}): DecodedMeasurement {
  const endAt = given.endAt ?? receivedAt - minute;
  return {
    channel: 'c',
    value: 21.5,
    decimals: 1,
    text: null,
    unit: null,
    quality: null,
    endAt,
    startAt: nan,
    timeText: Number.isNaN(endAt) ? null : String(endAt),
    resultAt: nan,
    latitude: nan,
    longitude: nan,
    heightMetres: nan,
    seq: nan,
    ...given,
  };
}

export const message: Circumstance = { device: 'd', kind: 'message', receivedAt };

function normalise(
  given: Partial<DecodedMeasurement>,
  bindings: readonly ChannelBinding[] | undefined = [bind()],
  reading: Circumstance = message,
): Candidate | Refusal {
  return createNormaliser(normaliseConfig.parse({})).normalise(measured(given), bindings, reading);
}

export function candidate(...given: Parameters<typeof normalise>): Candidate {
  const outcome = normalise(...given);
  if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.detail}`);
  return outcome;
}

export function refusal(...given: Parameters<typeof normalise>): Refusal {
  const outcome = normalise(...given);
  if (outcome.ok) throw new Error('It was taken');
  return outcome;
}

export function givenDigit(of: Candidate, test: Parameters<typeof digitAt>[1]): number {
  return digitAt(testsOf(of.given * judgedCodes), test);
}
