/** One plot of a chart: the series of one property, on one axis of values. */
import type { LocalTime } from '../../ingest/observations/local-time.ts';
import type { Language } from '../page-words.ts';
import { element, fitText, pixel, textElement, textWidth } from './element.ts';
import { legendY, type Box } from './layout.ts';
import type { Plot, PlotMark, PlotPoint } from './plot.ts';
import { niceScale, numberText, plainNumber, type Scale } from './scale.ts';
import { dashes, type Theme } from './theme.ts';
import { timeTicks } from './time-axis.ts';
import { word } from './words.ts';

export interface PanelSeries {
  readonly name: string;
  readonly plot: Plot;
  /** Among the series of its plot, from 0: by it they are told apart. */
  readonly place: number;
}

export interface Panel {
  /** Property and unit. */
  readonly name: string;
  readonly unit: string;
  readonly kind: 'line' | 'bars' | 'points';
  /** Directions, on an axis of 0° to 360°. */
  readonly isCompass: boolean;
  readonly series: readonly PanelSeries[];
}

export interface PanelFrame {
  readonly box: Box;
  readonly fromAt: number;
  readonly toAt: number;
  readonly time: LocalTime;
  readonly language: Language;
  readonly theme: Theme;
  /** Of this plot, unique in the document. */
  readonly clipId: string;
}

interface Grid extends PanelFrame {
  readonly scale: Scale;
  x(at: number): number;
  y(value: number): number;
}

/** The plot in parts, each made in a few milliseconds. */
export function* drawPanel(panel: Panel, frame: PanelFrame): Generator<string> {
  const { box, theme, language } = frame;
  const grid = gridOf(panel, frame);
  const name = fitText(panel.name, 13, box.width);
  yield textElement(name, { x: box.left, y: box.top - 8, 'font-size': 13, fill: theme.text });
  yield drawKey(panel, frame);
  yield drawGrid(panel, grid);
  for (const series of panel.series) {
    const drawn = element(
      'g',
      { 'clip-path': `url(#${frame.clipId})` },
      drawSeries(panel, series, grid),
    );
    yield drawn + drawMarks(series.plot.marks, grid);
  }
  if (panel.series.every(({ plot }) => plot.values === 0)) {
    const middle = { x: box.left + box.width / 2, y: box.top + box.height / 2 + 4 };
    const style = { 'text-anchor': 'middle', 'font-size': 13, fill: theme.quiet };
    yield textElement(word(language, 'noValues'), { ...middle, ...style });
  }
  yield panel.series.map((series, line) => drawLegend(panel, series, { grid, line })).join('');
}

function gridOf(panel: Panel, frame: PanelFrame): Grid {
  const { box, fromAt, toAt } = frame;
  const scale = panel.isCompass ? compassScale(box.height) : scaleOf(panel, box.height);
  const spanMs = Math.max(1, toAt - fromAt);
  const range = scale.max - scale.min;
  return {
    ...frame,
    scale,
    x: (at) => box.left + ((at - fromAt) / spanMs) * box.width,
    y: (value) => box.top + box.height - ((value - scale.min) / range) * box.height,
  };
}

function compassScale(heightPixels: number): Scale {
  const ticks = heightPixels < 90 ? [0, 180, 360] : [0, 90, 180, 270, 360];
  return { min: 0, max: 360, ticks, decimals: 0 };
}

/** Of what counts; of failed values only where there is nothing else: they may be far away. */
function scaleOf(panel: Panel, heightPixels: number): Scale {
  const counted = panel.series.filter(({ plot }) => plot.values > 0);
  const failed = panel.series.flatMap(({ plot }) => plot.marks.map(({ value }) => value));
  const base = panel.kind === 'bars' ? [0] : [];
  const low = Math.min(...counted.map(({ plot }) => plot.least), ...base);
  const high = Math.max(...counted.map(({ plot }) => plot.greatest), ...base);
  const ticks = heightPixels / 40;
  if (counted.length > 0) return niceScale(low, high, ticks);
  return failed.length === 0
    ? niceScale(0, 1, ticks)
    : niceScale(Math.min(...failed, ...base), Math.max(...failed, ...base), ticks);
}

function drawGrid(panel: Panel, grid: Grid): string {
  const { box, theme, scale, language, clipId, time, fromAt, toAt } = grid;
  const clip = { x: box.left, y: box.top, width: box.width, height: box.height };
  const bottom = box.top + box.height;
  const rows = scale.ticks.map((tick) => {
    const y = pixel(grid.y(tick));
    const text = panel.isCompass
      ? compassText(tick, language)
      : numberText(tick, scale.decimals, language);
    return (
      element('path', { d: `M${box.left} ${y}h${box.width}` }) +
      textElement(text, {
        x: box.left - 6,
        y: pixel(grid.y(tick) + 4),
        'text-anchor': 'end',
        fill: theme.quiet,
        stroke: 'none',
      })
    );
  });
  const columns = timeTicks({ fromAt, toAt }, box.width / 90, { time, language }).map(
    ({ at, text }) => {
      const x = pixel(grid.x(at));
      const isAtEdge = grid.x(at) > box.left + box.width - 24;
      return (
        element('path', { d: `M${x} ${box.top}V${bottom + 4}` }) +
        textElement(text, {
          x: isAtEdge ? box.left + box.width : x,
          y: bottom + 16,
          'text-anchor': isAtEdge ? 'end' : 'middle',
          fill: theme.quiet,
          stroke: 'none',
        })
      );
    },
  );
  const style = { stroke: theme.grid, fill: 'none', 'font-size': 11 };
  return (
    element('clipPath', { id: clipId }, element('rect', clip)) +
    element('g', style, rows.join('') + columns.join(''))
  );
}

function compassText(degrees: number, language: Language): string {
  const points = ['north', 'east', 'south', 'west'] as const;
  return word(language, points[(degrees / 90) % 4] ?? 'north');
}

function drawSeries(panel: Panel, { plot, place }: PanelSeries, grid: Grid): string {
  const colour = colourOf(grid.theme, place);
  if (panel.kind === 'bars') return element('path', { d: barsPath(plot, grid), fill: colour });
  if (panel.kind === 'points') {
    const d = plot.runs
      .flat()
      .map((point) => `M${pointText(point, grid)}h0`)
      .join('');
    const round = { 'stroke-linecap': 'round', 'stroke-width': 3.2 };
    return d === '' ? '' : element('path', { d, fill: 'none', stroke: colour, ...round });
  }
  const band = element('path', { d: bandPath(plot, grid), fill: colour, 'fill-opacity': 0.2 });
  const line = element('path', {
    d: plot.runs.map((run) => runPath(run, grid)).join(''),
    fill: 'none',
    stroke: colour,
    'stroke-width': 1.6,
    'stroke-linejoin': 'round',
    'stroke-linecap': 'round',
    'stroke-dasharray': dashOf(place),
  });
  return (plot.spans.length > 0 ? band : '') + line;
}

function colourOf(theme: Theme, place: number): string {
  return theme.series[place % theme.series.length] ?? theme.text;
}

function dashOf(place: number): string | undefined {
  const dash = dashes[place % dashes.length];
  return dash === '' ? undefined : dash;
}

function pointText({ at, value }: PlotPoint, grid: Grid): string {
  return `${pixel(grid.x(at))} ${pixel(grid.y(value))}`;
}

/** A value that stands alone is a dot: a line of no length with round ends. */
function runPath(run: readonly PlotPoint[], grid: Grid): string {
  const [first, ...others] = run;
  if (first === undefined) return '';
  if (others.length === 0) return `M${pointText(first, grid)}h0.1`;
  return `M${pointText(first, grid)}L${others.map((point) => pointText(point, grid)).join(' ')}`;
}

/** From 0 up, or down where values are negative; never thinner than a pixel. */
function barsPath(plot: Plot, grid: Grid): string {
  return plot.spans
    .map(({ startAt, endAt, low, high }) => {
      const left = grid.x(startAt);
      const width = grid.x(endAt) - left;
      const gap = width > 4 ? 1 : 0;
      const [top, bottom] = [grid.y(high), grid.y(low)];
      const right = Math.max(left + 1, left + width - gap);
      return `M${pixel(left)} ${pixel(bottom)}V${pixel(top)}H${pixel(right)}V${pixel(bottom)}Z`;
    })
    .join('');
}

function bandPath(plot: Plot, grid: Grid): string {
  return plot.spans
    .map(({ startAt, endAt, low, high }) => {
      const [left, right] = [pixel(grid.x(startAt)), pixel(grid.x(endAt))];
      return `M${left} ${pixel(grid.y(low))}V${pixel(grid.y(high))}H${right}V${pixel(grid.y(low))}Z`;
    })
    .join('');
}

/** Suspect: a ring. Failed: a cross, at the edge where it lies outside the axis. */
function drawMarks(marks: readonly PlotMark[], grid: Grid): string {
  const { box, theme } = grid;
  const place = ({ at, value }: PlotMark) => ({
    x: grid.x(at),
    y: Math.min(box.top + box.height, Math.max(box.top, grid.y(value))),
  });
  const inside = marks.filter(({ at }) => at >= grid.fromAt && at <= grid.toAt);
  const rings = inside.filter(({ flag }) => flag === 3).map(place);
  const crosses = inside.filter(({ flag }) => flag === 4).map(place);
  const ringPath = rings.map(ringAt);
  const crossPath = crosses.map(crossAt);
  const style = { fill: 'none', 'stroke-width': 1.5 };
  return (
    (rings.length === 0
      ? ''
      : element('path', { d: ringPath.join(''), stroke: theme.suspect, ...style })) +
    (crosses.length === 0
      ? ''
      : element('path', { d: crossPath.join(''), stroke: theme.failed, ...style }))
  );
}

interface Spot {
  readonly x: number;
  readonly y: number;
}

function ringAt({ x, y }: Spot): string {
  return `M${pixel(x - 3.5)} ${pixel(y)}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0`;
}

function crossAt({ x, y }: Spot): string {
  return `M${pixel(x - 3)} ${pixel(y - 3)}l6 6m0 -6l-6 6`;
}

/** What the marks mean and how many there are, beside the name, where there are any. */
function drawKey(panel: Panel, { box, theme, language }: PanelFrame): string {
  let right = box.left + box.width;
  let drawn = '';
  for (const each of ['failed', 'suspect'] as const) {
    const count = panel.series.reduce((total, { plot }) => total + plot[each], 0);
    if (count === 0) continue;
    const text = `${word(language, each)}: ${count}`;
    const y = box.top - 8;
    drawn += textElement(text, {
      x: right,
      y,
      'text-anchor': 'end',
      'font-size': 12,
      fill: theme[each],
    });
    right -= textWidth(text, 12) + 10;
    const spot = { x: right, y: y - 4 };
    const d = each === 'suspect' ? ringAt(spot) : crossAt(spot);
    drawn += element('path', { d, fill: 'none', stroke: theme[each], 'stroke-width': 1.5 });
    right -= 20;
  }
  return drawn;
}

function drawLegend(
  panel: Panel,
  { name, plot, place }: PanelSeries,
  { grid, line }: { readonly grid: Grid; readonly line: number },
): string {
  const { box, theme, language } = grid;
  const y = legendY(box, line);
  const swatch = element('path', {
    d: `M${box.left} ${y - 4}h24`,
    stroke: colourOf(theme, place),
    'stroke-width': panel.kind === 'bars' ? 9 : 2.5,
    'stroke-dasharray': panel.kind === 'line' ? dashOf(place) : undefined,
  });
  const last =
    plot.last === undefined
      ? ''
      : ` · ${word(language, 'last')} ${plainNumber(plot.last.value, language)}${panel.unit === '' ? '' : ` ${panel.unit}`}`;
  const text = fitText(name + last, 12, box.width - 32);
  return swatch + textElement(text, { x: box.left + 32, y, 'font-size': 12, fill: theme.text });
}
