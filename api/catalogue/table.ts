import type { Table } from '../formats/table.ts';
import { datasetObject, secondsText } from './description.ts';
import type { Entry } from './entry.ts';
import { durationOf } from './vocabulary.ts';

/** Datasets as a list in JSON, CSV or lines. */
export function datasetTable(base: string): Table<Entry> {
  return {
    columns: [
      'id',
      'uri',
      'kind',
      'state',
      'titleVi',
      'titleEn',
      'domain',
      'owner',
      'licences',
      'access',
      'stations',
      'series',
      'observedProperties',
      'interval',
      'provinces',
      'from',
      'issued',
      'modified',
      'landingPage',
    ],
    json: (entry) => JSON.stringify(datasetObject(entry, base)),
    cells: (entry) => [
      entry.id,
      entry.uri,
      entry.kind,
      entry.state,
      entry.title.vi,
      entry.title.en,
      entry.domain,
      entry.owner?.id,
      entry.licences.map(({ id }) => id).join(' '),
      entry.access,
      entry.stations.length,
      entry.series,
      entry.properties.map(({ id }) => id).join(' '),
      entry.intervalMs === undefined ? null : durationOf(entry.intervalMs),
      entry.places.map(({ code }) => code).join(' '),
      entry.startAt === undefined ? null : secondsText(entry.startAt),
      secondsText(entry.issuedAt),
      entry.modifiedAt === undefined ? null : secondsText(entry.modifiedAt),
      entry.page,
    ],
    id: ({ id }) => id,
    point: () => null,
  };
}
