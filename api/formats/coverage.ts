/**
 * Series as CoverageJSON (OGC 21-069r2): a collection with one PointSeries coverage a series and
 * place. A coverage holds its times before its values, so its values wait in memory: a long series
 * comes in several coverages of the same kind. Ids of parameters mean the same in all of them.
 */
import type { Name } from '../../devices/model.ts';
import { joinedEnd } from './list-writer.ts';
import type { Chunk, ListWriter, Point } from './table.ts';

export interface CoverageParameter {
  readonly id: string;
  readonly label: Name;
  /** Address of the observed property. */
  readonly property: string;
  /** None where the values are categories. */
  readonly unit?: { readonly code: string; readonly uri: string | undefined };
  readonly categories?: readonly {
    readonly id: string;
    readonly label: Name;
    readonly code: number;
  }[];
  readonly dataType: 'float' | 'integer';
}

/** What stands at one instant of a coverage. */
export interface CoverageValue {
  /** Start and end; equal for an instant. RFC 3339. */
  readonly time: readonly [string, string];
  /** As JSON writes them, in order of the parameters. */
  readonly values: readonly string[];
}

export interface CoverageSeries {
  readonly id: string;
  readonly point: Point;
  /** Own height of the values in metres above ground; NaN: none. */
  readonly heightMetres: number;
  readonly parameters: readonly CoverageParameter[];
}

export interface CoverageTable<Item> {
  /** Items that follow each other with equal keys are of one coverage. */
  readonly keyOf: (item: Item) => string;
  readonly seriesOf: (item: Item) => CoverageSeries;
  readonly valueOf: (item: Item) => CoverageValue;
}

const valuesPerCoverageMax = 10_000;

interface Held {
  readonly key: string;
  readonly series: CoverageSeries;
  readonly values: CoverageValue[];
}

const referencing = [
  {
    coordinates: ['x', 'y'],
    system: { type: 'GeographicCRS', id: 'http://www.opengis.net/def/crs/OGC/1.3/CRS84' },
  },
  { coordinates: ['t'], system: { type: 'TemporalRS', calendar: 'Gregorian' } },
];
const withHeight = [
  ...referencing,
  {
    coordinates: ['z'],
    system: {
      type: 'VerticalCRS',
      cs: {
        csAxes: [
          {
            name: { en: 'Height above ground', vi: 'Độ cao so với mặt đất' },
            direction: 'up',
            unit: { symbol: { value: 'm', type: ucum() } },
          },
        ],
      },
    },
  },
];

function ucum(): string {
  return 'http://www.opengis.net/def/uom/UCUM/';
}

export function createCoverageWriter<Item>(table: CoverageTable<Item>): ListWriter<Item> {
  let held: Held | null = null;
  let isFirst = true;
  const parameters = new Map<string, CoverageParameter>();

  function* flush(): Generator<Chunk> {
    if (held === null) return;
    for (const parameter of held.series.parameters) parameters.set(parameter.id, parameter);
    yield (isFirst ? '' : ',') + coverageText(held);
    isFirst = false;
    held = null;
  }

  function* write(items: readonly Item[]): Generator<Chunk> {
    for (const item of items) {
      const key = table.keyOf(item);
      const value = table.valueOf(item);
      const isSame = held !== null && held.key === key && canFollow(held.values, value);
      if (!isSame) {
        yield* flush();
        held = { key, series: table.seriesOf(item), values: [] };
      }
      held?.values.push(value);
    }
  }

  return {
    begin: () => ['{"type":"CoverageCollection","domainType":"PointSeries","coverages":['],
    write,
    *end(end) {
      yield* flush();
      // Said once for all coverages, behind them: only then is it known what they hold.
      const described = [...parameters.values()].map((each) => [each.id, parameterOf(each)]);
      yield (
        `],"parameters":${JSON.stringify(Object.fromEntries(described))},` +
          `"referencing":${JSON.stringify(referencing)},${joinedEnd(end).slice(2)}`
      );
    },
  };
}

/** The times of a coverage are all different. */
function canFollow(values: readonly CoverageValue[], { time }: CoverageValue): boolean {
  return values.length < valuesPerCoverageMax && values.at(-1)?.time[1] !== time[1];
}

function coverageText({ series, values }: Held): string {
  const { id, point, heightMetres, parameters } = series;
  const hasHeight = !Number.isNaN(heightMetres);
  const arePeriods = values.some(({ time }) => time[0] !== time[1]);
  const domain = {
    type: 'Domain',
    domainType: 'PointSeries',
    axes: {
      x: { values: [point.longitude] },
      y: { values: [point.latitude] },
      ...(hasHeight ? { z: { values: [heightMetres] } } : {}),
      t: {
        values: values.map(({ time }) => time[1]),
        ...(arePeriods ? { bounds: values.flatMap(({ time }) => time) } : {}),
      },
    },
    ...(hasHeight ? { referencing: withHeight } : {}),
  };
  const ranges = parameters.map(
    (parameter, at) =>
      `${JSON.stringify(parameter.id)}:{"type":"NdArray","dataType":"${parameter.dataType}",` +
      `"axisNames":["t"],"shape":[${values.length}],` +
      `"values":[${values.map((value) => value.values[at]).join(',')}]}`,
  );
  return (
    `{"type":"Coverage","id":${JSON.stringify(id)},"domain":${JSON.stringify(domain)},` +
    `"ranges":{${ranges.join(',')}}}`
  );
}

/** Clause "Parameter Objects": a parameter of categories has no unit. */
function parameterOf(parameter: CoverageParameter): object {
  const { label, property, unit, categories } = parameter;
  return {
    type: 'Parameter',
    observedProperty: {
      id: property,
      label,
      ...(categories === undefined
        ? {}
        : { categories: categories.map(({ id, label: name }) => ({ id, label: name })) }),
    },
    ...(categories === undefined
      ? {}
      : { categoryEncoding: Object.fromEntries(categories.map(({ id, code }) => [id, code])) }),
    ...(unit === undefined
      ? {}
      : {
          unit: {
            ...(unit.uri === undefined ? {} : { id: unit.uri }),
            symbol: { value: unit.code, type: ucum() },
          },
        }),
  };
}
