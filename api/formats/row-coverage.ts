/**
 * Observations as CoverageJSON: the value under the id of its property, its flag and revision, and of
 * the newest rows their age.
 */
import {
  ageSecondsOf,
  isStale,
  resultText,
  type SeriesContext,
} from '../../ingest/observations/public-row.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import { flags } from '../../ingest/quality.ts';
import { flagMeanings } from '../quality-meanings.ts';
import {
  createCoverageWriter,
  type CoverageParameter,
  type CoverageSeries,
  type CoverageTable,
} from './coverage.ts';
import { columnMeanings } from './columns.ts';
import { addressesAt, qudtOf, termsAt } from './linked.ts';
import type { ListWriter, Point } from './table.ts';

export interface RowCoverageOptions {
  readonly base: string;
  readonly contextOf: (row: ObservationRow) => SeriesContext;
  readonly pointOf: (row: ObservationRow) => Point;
  readonly latestAt?: number | undefined;
}

export function createRowCoverages(options: RowCoverageOptions): ListWriter<ObservationRow> {
  return createCoverageWriter(coverageTable(options));
}

function coverageTable(options: RowCoverageOptions): CoverageTable<ObservationRow> {
  const { base, contextOf, pointOf, latestAt } = options;
  const addresses = addressesAt(base);
  const more = [flagParameter(base), numberParameter(base, 'revision')];
  const ofLatest =
    latestAt === undefined ? [] : [numberParameter(base, 'ageSeconds', 's'), staleParameter(base)];

  function seriesOf(row: ObservationRow): CoverageSeries {
    const { datastream, property, unit } = contextOf(row);
    const value: CoverageParameter = {
      id: datastream.property,
      label: property?.label ?? { vi: datastream.property, en: datastream.property },
      property: addresses.property(datastream.property),
      unit: { code: unit, uri: qudtOf(property) },
      dataType: 'float',
    };
    return {
      id: addresses.datastream(datastream.id),
      point: pointOf(row),
      heightMetres: Number.isNaN(row.heightMm)
        ? (datastream.heightMetres ?? NaN)
        : row.heightMm / 1000,
      parameters: [value, ...more, ...ofLatest],
    };
  }

  return {
    keyOf: (row) => `${row.series} ${row.latitude} ${row.longitude} ${row.heightMm}`,
    seriesOf,
    valueOf(row) {
      const { time, datastream } = contextOf(row);
      const end = time.text(row.endAt);
      const values = [resultText(row.result), String(row.verdict.flag), String(row.revision)];
      if (latestAt !== undefined) {
        values.push(
          String(ageSecondsOf(row, latestAt)),
          isStale(row, datastream, latestAt) ? '1' : '0',
        );
      }
      return {
        time: [row.startAt === row.endAt ? end : time.text(row.startAt), end],
        values,
      };
    },
  };
}

function flagParameter(base: string): CoverageParameter {
  const { vi, en } = columnMeanings['flag'] ?? { vi: '', en: '' };
  const addresses = addressesAt(base);
  return {
    id: 'flag',
    label: { vi, en },
    property: `${termsAt(base)}flag`,
    categories: Object.values(flags).map((flag) => ({
      id: addresses.flag(flag),
      label: flagMeanings[flag].label,
      code: flag,
    })),
    dataType: 'integer',
  };
}

function numberParameter(base: string, name: string, unit = '1'): CoverageParameter {
  const { vi, en } = columnMeanings[name] ?? { vi: name, en: name };
  return {
    id: name,
    label: { vi, en },
    property: termsAt(base) + name,
    unit: { code: unit, uri: undefined },
    dataType: 'integer',
  };
}

function staleParameter(base: string): CoverageParameter {
  const { vi, en } = columnMeanings['stale'] ?? { vi: '', en: '' };
  const property = `${termsAt(base)}stale`;
  return {
    id: 'stale',
    label: { vi, en },
    property,
    categories: [
      { id: `${property}#false`, label: { vi: 'Không', en: 'No' }, code: 0 },
      { id: `${property}#true`, label: { vi: 'Có', en: 'Yes' }, code: 1 },
    ],
    dataType: 'integer',
  };
}
