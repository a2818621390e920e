/** Windows as SOSA observations of a whole window, and as CoverageJSON with one value a function. */
import type { Datastream } from '../../devices/model.ts';
import type { NetworkView } from '../network.ts';
import { fittingFunctions } from '../windows/functions.ts';
import type { WindowRow } from '../windows/steps.ts';
import { meaningOf } from './columns.ts';
import { createCoverageWriter, type CoverageParameter } from './coverage.ts';
import { addressesAt, createLinkedWriter, qudtOf, termsAt, timeNode } from './linked.ts';
import type { Cell, Point, Table } from './table.ts';

export interface WindowWritersOptions {
  readonly view: NetworkView;
  readonly base: string;
  readonly columns: readonly string[];
  /** Values of a row in order of `columns`. */
  readonly cellsOf: (row: WindowRow) => readonly Cell[];
  readonly idOf: (row: WindowRow) => string;
  readonly pointOf: (row: WindowRow) => Point | null;
}

/** Columns that say which window it is; the others hold its values. */
const namingColumns: ReadonlySet<string> = new Set([
  'datastream',
  'station',
  'slug',
  'property',
  'window',
  'phenomenonTime',
  'unit',
]);
/** Values that are counts or shares, not in the unit of the property. */
const plainColumns: ReadonlySet<string> = new Set([
  'rows',
  'expected',
  'completeness',
  'suspect',
  'failed',
  'missing',
  'count',
  'vectorCount',
  'validity',
]);

export function windowWriters(
  options: WindowWritersOptions,
): NonNullable<Table<WindowRow>['writers']> {
  return {
    jsonld: () => createLinkedWriter(options.base, windowNode(options)),
    covjson: () => windowCoverages(options),
  };
}

function windowNode(options: WindowWritersOptions): (row: WindowRow) => string {
  const { view, base, columns, cellsOf, idOf } = options;
  const addresses = addressesAt(base);
  const at = (name: string) => columns.indexOf(name);
  return (row) => {
    const { datastream } = row;
    const cells = cellsOf(row);
    const values = columns.flatMap((name, index) =>
      namingColumns.has(name) ? [] : [[name, cells[index] ?? null] as const],
    );
    const address = addresses.datastream(datastream.id);
    return JSON.stringify({
      id: `${address}#${encodeURIComponent(idOf(row))}`,
      type: 'sosa:Observation',
      phenomenonTime: timeNode(String(cells[at('phenomenonTime')])),
      window: cells[at('window')],
      hasFeatureOfInterest: addresses.station(datastream.station),
      observedProperty: addresses.property(datastream.property),
      madeBySensor: `${address}#sensor`,
      usedProcedure: `${address}#procedure`,
      isPartOf: address,
      hasResult: {
        type: 'sosa:Result',
        hasUnit: qudtOf(view.registry.properties.get(datastream.property)),
        ucumCode: cells[at('unit')],
        ...Object.fromEntries(values),
      },
    });
  };
}

function windowCoverages(options: WindowWritersOptions) {
  const { base, columns, cellsOf, pointOf } = options;
  const addresses = addressesAt(base);
  const names = columns.filter((name) => !namingColumns.has(name));
  const timeAt = columns.indexOf('phenomenonTime');
  const places = names.map((name) => columns.indexOf(name));
  return createCoverageWriter<WindowRow>({
    keyOf: ({ datastream }) => datastream.id,
    seriesOf(row) {
      const { datastream } = row;
      const point = pointOf(row);
      if (point === null) throw new Error('a window of a station without a place');
      return {
        id: addresses.datastream(datastream.id),
        point,
        heightMetres: datastream.heightMetres ?? NaN,
        parameters: names.map((name) => parameterOf(options, datastream, name)),
      };
    },
    valueOf(row) {
      const cells = cellsOf(row);
      const [start = '', end = start] = String(cells[timeAt]).split('/');
      return {
        time: [start, end],
        values: places.map((place, at) =>
          names[at] === 'method' ? methodCode(cells[place]) : JSON.stringify(cells[place] ?? null),
        ),
      };
    },
  });
}

/** A range holds numbers: the place of the function in the table of those that can fit. */
function methodCode(cell: Cell): string {
  return String(fittingFunctions.findIndex((name) => name === cell));
}

function methodParameter(base: string): CoverageParameter {
  const { vi, en } = meaningOf('method');
  return {
    id: 'method',
    label: { vi, en },
    property: `${termsAt(base)}method`,
    categories: fittingFunctions.map((name, code) => ({
      id: termsAt(base) + name,
      label: { vi: meaningOf(name).vi, en: meaningOf(name).en },
      code,
    })),
    dataType: 'integer',
  };
}

function parameterOf(
  { view, base }: WindowWritersOptions,
  datastream: Datastream,
  name: string,
): CoverageParameter {
  if (name === 'method') return methodParameter(base);
  const { vi, en, type } = meaningOf(name);
  const property = view.registry.properties.get(datastream.property);
  const isPlain = plainColumns.has(name);
  const label = property?.label ?? { vi: datastream.property, en: datastream.property };
  return {
    id: isPlain ? name : `${datastream.property}.${name}`,
    label: isPlain ? { vi, en } : { vi: `${label.vi}: ${vi}`, en: `${label.en}: ${en}` },
    property: isPlain ? termsAt(base) + name : addressesAt(base).property(datastream.property),
    unit: isPlain
      ? { code: '1', uri: undefined }
      : { code: property?.unit ?? '1', uri: qudtOf(property) },
    dataType: type === 'integer' ? 'integer' : 'float',
  };
}
