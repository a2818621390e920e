/**
 * The other half of a wind: of a datastream of wind speed that of wind direction, and the other way
 * round. Vectors are made of two rows of the same phenomenon time, start, end and height.
 */
import type { Datastream } from '../../devices/model.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import type { NetworkView } from '../network.ts';

export type WindQuantity = 'speed' | 'direction';

const quantities: Readonly<Record<string, WindQuantity>> = {
  'wind-speed': 'speed',
  'wind-direction': 'direction',
};

export function quantityOf(property: string): WindQuantity | null {
  return Object.hasOwn(quantities, property) ? (quantities[property] ?? null) : null;
}

/**
 * Visible to the viewer, at the same station, height and interval; of several the one of the same
 * aggregation, then the first by id. Undefined where there is none.
 */
export function partnerOf(view: NetworkView, datastream: Datastream): Datastream | undefined {
  const quantity = quantityOf(datastream.property);
  if (quantity === null) return undefined;
  const wanted: WindQuantity = quantity === 'speed' ? 'direction' : 'speed';
  const found = view
    .datastreamsOf(datastream.station)
    .filter(
      (each) =>
        quantityOf(each.property) === wanted &&
        each.heightMetres === datastream.heightMetres &&
        each.intervalMs === datastream.intervalMs,
    );
  return found.find(({ aggregation }) => aggregation === datastream.aggregation) ?? found[0];
}

/** All series that vectors of these are made of. */
export function withPartners(
  view: NetworkView,
  datastreams: readonly Datastream[],
): readonly Datastream[] {
  return [...datastreams, ...datastreams.flatMap((each) => partnerOf(view, each) ?? [])];
}

/** Results of usable rows by phenomenon time and height. */
export type PartnerResults = ReadonlyMap<string, number>;

export function resultsByTime(
  rows: readonly ObservationRow[],
  flags: ReadonlySet<number>,
): PartnerResults {
  const results = new Map<string, number>();
  for (const row of rows) {
    if (row.result !== null && flags.has(row.verdict.flag)) results.set(timeOf(row), row.result);
  }
  return results;
}

/** The text by which rows of two datastreams are of the same time. */
export function timeOf({ endAt, startAt, heightMm }: ObservationRow): string {
  return `${endAt} ${startAt} ${heightMm}`;
}
