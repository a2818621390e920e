/** Which series share a plot, what is written beside them, and where the data come from. */
import { licenceOf } from '../../devices/licence.ts';
import type { Datastream } from '../../devices/model.ts';
import type { LocalTime } from '../../ingest/observations/local-time.ts';
import { openLocalTime } from '../../ingest/observations/local-time.ts';
import type { NetworkView } from '../network.ts';
import { sayUnit, type Language } from '../page-words.ts';
import { fittingFunction, type FunctionName } from '../windows/functions.ts';
import type { WindowName } from '../windows/window.ts';
import type { Wanted } from './gather.ts';
import type { Panel } from './panel.ts';
import type { Plot, PlotFrame } from './plot.ts';
import { functionWord, word } from './words.ts';

export interface Composition {
  readonly title: string;
  readonly source: string;
  /** Of the first station. */
  readonly time: LocalTime;
  /** In the order of the plots of `panelsOf`. */
  readonly wanted: readonly Wanted[];
  /** How many series each plot has, from top to bottom. */
  readonly seriesOfPanels: readonly number[];
  panelsOf(plots: readonly Plot[]): readonly Panel[];
}

/** Of windows: of which, and by which function; without one by the one that fits. */
export interface Windowing {
  readonly window: WindowName;
  readonly functionName: FunctionName | undefined;
}

interface Group {
  readonly name: string;
  readonly unit: string;
  readonly kind: PlotFrame['kind'];
  readonly isCompass: boolean;
  readonly members: { readonly wanted: Wanted; readonly name: string }[];
}

export function compose(
  view: NetworkView,
  datastreams: readonly Datastream[],
  {
    language,
    windowing,
  }: { readonly language: Language; readonly windowing: Windowing | undefined },
): Composition {
  const groups = new Map<string, Group>();
  for (const datastream of datastreams) {
    const made = groupOf(view, datastream, language, windowing);
    const key = `${datastream.property} ${made.kind} ${made.functionName ?? ''}`;
    const group = groups.get(key) ?? { ...made, members: [] };
    groups.set(key, group);
    const { functionName } = made;
    const wanted = {
      datastream,
      kind: made.kind,
      ...(functionName === undefined ? {} : { functionName }),
    };
    group.members.push({ wanted, name: seriesName(view, datastream, datastreams, language) });
  }
  const list = [...groups.values()];
  return {
    title: titleOf(view, datastreams, language),
    source: sourceOf(view, datastreams, language),
    time: view.rows.context(datastreams[0]?.series ?? -1)?.time ?? openLocalTime('UTC'),
    wanted: list.flatMap(({ members }) => members.map(({ wanted }) => wanted)),
    seriesOfPanels: list.map(({ members }) => members.length),
    panelsOf(plots) {
      const left = plots.values();
      return list.map((group) => ({
        ...group,
        series: group.members.flatMap(({ name }, place) => {
          const { value: plot } = left.next();
          return plot === undefined ? [] : [{ name, plot, place }];
        }),
      }));
    },
  };
}

function groupOf(
  view: NetworkView,
  datastream: Datastream,
  language: Language,
  windowing: Windowing | undefined,
) {
  const context = view.rows.context(datastream.series);
  const property = context?.property;
  const fitting = fittingFunction(datastream, property);
  const functionName = windowing === undefined ? undefined : (windowing.functionName ?? fitting);
  const shape = shapeOf(functionName, fitting, property?.circular === true);
  const unit = unitOf(context?.unit ?? '1', functionName);
  const label = property?.label[language] ?? datastream.property;
  const of =
    windowing === undefined || functionName === undefined
      ? ''
      : `, ${functionWord(language, functionName)} ${word(language, windowing.window)}`;
  const name = `${label}${of}${unit === '' ? '' : ` (${unit})`}`;
  return { name, unit, functionName, ...shape };
}

/** As people write it; empty of numbers without one. */
function unitOf(code: string, functionName: FunctionName | undefined): string {
  const isCounted = functionName !== undefined && isCount(functionName);
  return isCounted || code === '1' ? '' : sayUnit(code);
}

/** Directions as points, amounts as bars, everything else as a line. */
function shapeOf(
  functionName: FunctionName | undefined,
  fitting: FunctionName,
  isCircular: boolean,
): { readonly kind: PlotFrame['kind']; readonly isCompass: boolean } {
  if (isCircular && !isSpread(functionName ?? fitting)) return { kind: 'points', isCompass: true };
  return { kind: isTotal(functionName ?? fitting) ? 'bars' : 'line', isCompass: false };
}

function isSpread(name: FunctionName): boolean {
  return name === 'sd' || name === 'vectorSpeed' || isCount(name);
}

function isCount(name: FunctionName): boolean {
  return name === 'count' || name === 'vectorCount';
}

function isTotal(name: FunctionName): boolean {
  return name === 'sum' || isCount(name);
}

/** The station, and what tells two series of one station and property apart. */
function seriesName(
  view: NetworkView,
  datastream: Datastream,
  all: readonly Datastream[],
  language: Language,
): string {
  const station = view.registry.stations.get(datastream.station);
  const name = station?.name[language] ?? datastream.station;
  const alike = all.filter(
    ({ station: at, property }) => at === datastream.station && property === datastream.property,
  );
  const { heightMetres } = datastream;
  const height = heightMetres === undefined ? '' : ` ${word(language, 'height')} ${heightMetres} m`;
  return `${name}${height}${alike.length > 1 ? ` (${datastream.slug})` : ''}`;
}

function titleOf(
  view: NetworkView,
  datastreams: readonly Datastream[],
  language: Language,
): string {
  const { stations, properties } = view.registry;
  const labels = distinct(
    datastreams.map(({ property }) => properties.get(property)?.label[language] ?? property),
  );
  const names = distinct(
    datastreams.map(({ station }) => stations.get(station)?.name[language] ?? station),
  );
  const where =
    names.length > 2 ? `${names.length} ${word(language, 'station')}` : names.join(', ');
  return datastreams.length === 0 ? word(language, 'noValues') : `${labels.join(', ')} – ${where}`;
}

function sourceOf(
  view: NetworkView,
  datastreams: readonly Datastream[],
  language: Language,
): string {
  const { registry } = view;
  const owners = datastreams.flatMap(
    ({ station }) => registry.owners.get(registry.stations.get(station)?.owner ?? '') ?? [],
  );
  const names = distinct(owners.map(({ name, attribution }) => attribution ?? name[language]));
  const licences = distinct(datastreams.map((each) => licenceOf(registry, each).id));
  return [
    ...(names.length === 0 ? [] : [`${word(language, 'source')}: ${names.join('; ')}`]),
    ...(licences.length === 0 ? [] : [`${word(language, 'licence')}: ${licences.join(', ')}`]),
  ].join(' · ');
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
