import type { RegistryWriter } from '../devices/registry.ts';
import type { ObservationRow } from '../ingest/observation.ts';

/** A row of the datastream, with what differs from a good value. */
export function rowOf(
  registry: RegistryWriter,
  datastream: string,
  endAt: number,
  change: Partial<ObservationRow>,
): ObservationRow {
  const found = registry.current().datastreams.get(datastream);
  if (found === undefined) throw new Error(`no datastream ${datastream}`);
  const isInterval = found.aggregation !== 'instant';
  return {
    series: found.series,
    endAt,
    startAt: isInterval ? endAt - found.intervalMs : endAt,
    heightMm: NaN,
    revision: 0,
    current: true,
    type: 'insert',
    cause: 'value',
    result: 20,
    verdict: {
      flag: 1,
      tests: '1111111111222222',
      qualifiers: 0,
      reason: null,
      rules: '0badc0de',
    },
    resultAt: NaN,
    receivedAt: endAt + 1_000,
    publishedAt: endAt + 1_000,
    rank: { klass: 1, at: endAt + 1_000, node: 0, position: 1 },
    device: 'logger',
    raw: { name: 'T', value: '20.0', unit: null, time: null },
    payloadHash: -1,
    latitude: NaN,
    longitude: NaN,
    ...change,
  };
}
