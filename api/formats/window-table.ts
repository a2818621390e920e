import { fittingFunction, valueOf, type FunctionName } from '../windows/functions.ts';
import { coveredOf } from '../windows/sum.ts';
import { licenceOf } from '../../devices/licence.ts';
import type { NetworkView } from '../network.ts';
import type { WindowRow } from '../windows/steps.ts';
import type { WindowName } from '../windows/window.ts';
import type { Cell, Table } from './table.ts';
import { windowWriters } from './window-writers.ts';

const columns = [
  'datastream',
  'station',
  'slug',
  'property',
  'window',
  'phenomenonTime',
  'unit',
  'rows',
  'expected',
  'completeness',
  'suspect',
  'failed',
  'missing',
] as const;

/** Behind the functions, where they came later. */
const columnsBehind = ['validity', 'method', 'result'] as const;

/** Windows as the contract shows them, each with the functions that were asked for. */
export function createWindowTable(
  view: NetworkView,
  window: WindowName,
  functions: readonly FunctionName[],
  base = '',
): Table<WindowRow> {
  const names = [...columns, ...functions, ...columnsBehind];
  const valuesOf = (row: WindowRow): Cell[] => [
    ...windowCells(view, window, row),
    ...functions.map((name) => valueOf(name, row)),
    ...cellsBehind(view, row),
  ];
  const idOf = (row: WindowRow) =>
    `${row.datastream.id}.${window}.${row.window.endAt.toString(36)}`;
  const pointOf = (row: WindowRow) => {
    const station = view.registry.stations.get(row.datastream.station);
    return station === undefined ? null : view.placeOf(station);
  };
  return {
    columns: names,
    json(row) {
      const values = valuesOf(row);
      return JSON.stringify(Object.fromEntries(names.map((name, index) => [name, values[index]])));
    },
    cells: valuesOf,
    id: idOf,
    point: pointOf,
    licence: ({ datastream }) => licenceOf(view.registry, datastream).uri,
    writers: windowWriters({ view, base, columns: names, cellsOf: valuesOf, idOf, pointOf }),
  };
}

function windowCells(view: NetworkView, window: WindowName, row: WindowRow): Cell[] {
  const { datastream, sum, time, intervals } = row;
  const lengthMs = row.window.endAt - row.window.startAt;
  const context = view.rows.context(datastream.series);
  return [
    datastream.id,
    datastream.station,
    datastream.slug,
    datastream.property,
    window,
    `${time.text(row.window.startAt)}/${time.text(row.window.endAt)}`,
    context?.unit ?? '1',
    sum.rows,
    Math.max(1, Math.round(intervals.expectedIn(row.window.startAt, row.window.endAt))),
    Math.min(1, coveredOf(sum, intervals) / lengthMs),
    sum.suspect,
    sum.failed,
    sum.missing,
  ];
}

function cellsBehind(view: NetworkView, row: WindowRow): Cell[] {
  const { datastream, sum } = row;
  const received = sum.usable + sum.failed + sum.missing;
  const method = fittingFunction(datastream, view.registry.properties.get(datastream.property));
  return [received === 0 ? null : sum.usable / received, method, valueOf(method, row)];
}
