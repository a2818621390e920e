/** Observations as SOSA: one node a row, with its result in the unit's own term. */
import {
  ageSecondsOf,
  isStale,
  phenomenonTimeOf,
  resultText,
  type SeriesContext,
} from '../../ingest/observations/public-row.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import { namesOf } from '../../ingest/quality.ts';
import { addressesAt, createLinkedWriter, qudtOf, timeNode } from './linked.ts';
import type { ListWriter } from './table.ts';

export interface RowLinkedOptions {
  readonly base: string;
  readonly contextOf: (row: ObservationRow) => SeriesContext;
  readonly latestAt?: number | undefined;
}

export function createRowLinked(options: RowLinkedOptions): ListWriter<ObservationRow> {
  const { base, contextOf, latestAt } = options;
  const addresses = addressesAt(base);
  const known = new Map<number, { readonly common: string; readonly result: string }>();

  /** What all rows of a series have in common, as members without their braces. */
  function commonOf({ datastream, property, station, unit }: SeriesContext) {
    let found = known.get(datastream.series);
    if (found === undefined) {
      const address = addresses.datastream(datastream.id);
      const hasUnit = qudtOf(property);
      const members = {
        hasFeatureOfInterest: addresses.station(station.id),
        observedProperty: addresses.property(datastream.property),
        // Devices come and go, and are nobody's business: the sensor is whatever serves the series.
        madeBySensor: `${address}#sensor`,
        usedProcedure: `${address}#procedure`,
        isPartOf: address,
      };
      const result = { type: ['sosa:Result', 'qudt:QuantityValue'], hasUnit, ucumCode: unit };
      found = { common: membersText(members), result: membersText(result) };
      known.set(datastream.series, found);
    }
    return found;
  }

  return createLinkedWriter(base, (row) => {
    const context = contextOf(row);
    const { time, datastream } = context;
    const { common, result } = commonOf(context);
    const number = resultText(row.result);
    const { verdict } = row;
    const more = {
      flag: addresses.flag(verdict.flag),
      tests: verdict.tests,
      qualifiers: namesOf(verdict.qualifiers),
      reason: verdict.reason,
      revision: row.revision,
      receivedAt: time.text(row.receivedAt),
      ...(latestAt === undefined
        ? {}
        : { ageSeconds: ageSecondsOf(row, latestAt), stale: isStale(row, datastream, latestAt) }),
      resultTime: Number.isNaN(row.resultAt) ? null : time.text(row.resultAt),
    };
    return (
      `{"id":${JSON.stringify(addresses.observation(context.id(row)))},"type":"sosa:Observation",` +
      `"phenomenonTime":${JSON.stringify(timeNode(phenomenonTimeOf(row, time)))},${common},` +
      (row.result === null
        ? ''
        : `"hasSimpleResult":${number},"hasResult":{${result},"numericValue":${number}},`) +
      JSON.stringify(more).slice(1)
    );
  });
}

function membersText(members: object): string {
  return JSON.stringify(members).slice(1, -1);
}
