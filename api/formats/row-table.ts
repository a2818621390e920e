import {
  ageSecondsOf,
  isStale,
  phenomenonTimeOf,
  type SeriesContext,
} from '../../ingest/observations/public-row.ts';
import { licenceOf as termsOf } from '../../devices/licence.ts';
import { publicPlace } from '../../ingest/observations/public-place.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import { namesOf } from '../../ingest/quality.ts';
import type { NetworkView } from '../network.ts';
import { createRowCoverages } from './row-coverage.ts';
import { createRowLinked } from './row-linked.ts';
import { createRowParquet } from './row-parquet.ts';
import type { Cell, Point, Table } from './table.ts';

export interface RowTableOptions {
  /** As the client reaches this server. */
  readonly base: string;
  /** Order of the rows within a datastream; null: one row each. */
  readonly order: 'asc' | 'desc' | null;
  /** Add what the device sent. */
  readonly withRaw?: boolean;
  /** Add columns with the row's own place to CSV; other formats always have it. */
  readonly withPlace?: boolean;
  /** Add age and staleness at this moment. */
  readonly latestAt?: number;
}

const rowColumns = [
  'id',
  'datastream',
  'station',
  'slug',
  'property',
  'phenomenonTime',
  'resultTime',
  'receivedAt',
  'result',
  'unit',
  'flag',
  'tests',
  'qualifiers',
  'reason',
  'revision',
];
const placeColumns = ['latitude', 'longitude', 'heightMetres'];
const rawColumns = ['rawName', 'rawValue', 'rawUnit', 'rawTime'];
const ageColumns = ['ageSeconds', 'stale'];

/** Every column that a row can have. */
export const everyRowColumn = [...rowColumns, ...ageColumns, ...placeColumns, ...rawColumns];

/** Rows as the contract shows them. Only rows of series that the view's registry knows. */
export function createRowTable(view: NetworkView, options: RowTableOptions): Table<ObservationRow> {
  const { rows } = view;
  const { latestAt } = options;
  const contextOf = (row: ObservationRow): SeriesContext => {
    const context = rows.context(row.series);
    if (context === undefined) throw new Error('a row of an unknown series was to be shown');
    return context;
  };
  const pointOf = (row: ObservationRow): Point =>
    ownPoint(row, contextOf(row)) ?? stationPoint(view, contextOf(row));
  const licenceOf = (row: ObservationRow) => termsOf(rows.registry, contextOf(row).datastream).uri;
  const parts = { ...options, contextOf };
  return {
    columns: [
      ...rowColumns,
      ...(latestAt === undefined ? [] : ageColumns),
      ...(options.withPlace === true ? placeColumns : []),
      ...(options.withRaw === true ? rawColumns : []),
    ],
    json(row) {
      const text =
        latestAt !== undefined
          ? rows.latestText(row, latestAt)
          : options.withRaw === true
            ? rows.rawText(row)
            : rows.text(row);
      return text ?? 'null';
    },
    cells(row) {
      const context = contextOf(row);
      const cells = rowCells(row, context);
      if (latestAt !== undefined) {
        cells.push(ageSecondsOf(row, latestAt), isStale(row, context.datastream, latestAt));
      }
      if (options.withPlace === true) cells.push(...placeCells(row, context));
      if (options.withRaw === true) {
        cells.push(row.raw.name, row.raw.value, row.raw.unit, row.raw.time);
      }
      return cells;
    },
    id: (row) => contextOf(row).id(row),
    point: pointOf,
    licence: licenceOf,
    writers: {
      parquet: () => createRowParquet({ ...parts, licenceOf }),
      jsonld: () => createRowLinked(parts),
      covjson: () => createRowCoverages({ ...parts, pointOf }),
    },
  };
}

function rowCells(row: ObservationRow, context: SeriesContext): Cell[] {
  const { datastream, time } = context;
  const { verdict } = row;
  return [
    context.id(row),
    datastream.id,
    datastream.station,
    datastream.slug,
    datastream.property,
    phenomenonTimeOf(row, time),
    Number.isNaN(row.resultAt) ? null : time.text(row.resultAt),
    time.text(row.receivedAt),
    row.result,
    context.unit,
    verdict.flag,
    verdict.tests,
    namesOf(verdict.qualifiers).join(' '),
    verdict.reason,
    row.revision,
  ];
}

function placeCells(row: ObservationRow, context: SeriesContext): Cell[] {
  const point = ownPoint(row, context);
  return [point?.latitude, point?.longitude, row.heightMm / 1000];
}

function ownPoint(row: ObservationRow, { station }: SeriesContext): Point | null {
  if (Number.isNaN(row.latitude) || Number.isNaN(row.longitude)) return null;
  return publicPlace(row.latitude, row.longitude, station.publicPrecisionMetres);
}

function stationPoint(view: NetworkView, { station }: SeriesContext): Point {
  return { ...view.placeOf(station), altitudeMetres: station.altitudeMetres };
}
