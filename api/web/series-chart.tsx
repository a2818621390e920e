import { useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { endOf, fetchSeries, type Row } from './feed.ts';
import { say, sayNumber, sayTime, sayUnit, type Language } from '../page-words.ts';

interface ChartProps {
  /** The newest row: when it changes the chart grows by it. */
  readonly newest: Row;
  readonly label: string;
  readonly timeZone: string;
  readonly language: Language;
}

const hours = 24;
const heightPixels = 240;

/**
 * Day before month and 24 hours, in both languages. Each line: the step it is for, the label, then
 * what a new year, day or minute adds below it, as uPlot orders them.
 */
const timeLabels: uPlot.Axis.Values = [
  [86_400, '{DD}/{MM}', '\n{YYYY}', null, null, null, null, null, 1],
  [60, '{HH}:{mm}', '\n{DD}/{MM}/{YYYY}', null, '\n{DD}/{MM}', null, null, null, 1],
  [
    1,
    ':{ss}',
    '\n{DD}/{MM} {HH}:{mm}',
    null,
    '\n{DD}/{MM} {HH}:{mm}',
    null,
    '\n{HH}:{mm}',
    null,
    1,
  ],
  [
    0.001,
    ':{ss}.{fff}',
    '\n{DD}/{MM} {HH}:{mm}',
    null,
    '\n{DD}/{MM} {HH}:{mm}',
    null,
    '\n{HH}:{mm}',
    null,
    1,
  ],
];

/** Good and unjudged values are the line; suspect and failed ones are points beside it. */
export function toColumns(rows: readonly Row[]): [number[], (number | null)[], (number | null)[]] {
  const byTime = new Map<number, Row>();
  for (const row of rows) byTime.set(endOf(row), row);
  const sorted = [...byTime].toSorted(([a], [b]) => a - b);
  return [
    sorted.map(([at]) => at / 1_000),
    sorted.map(([, row]) => (row.flag <= 2 ? row.result : null)),
    sorted.map(([, row]) => (row.flag > 2 ? row.result : null)),
  ];
}

export function SeriesChart({ newest, label, timeZone, language }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const [rows, setRows] = useState<readonly Row[] | null>(null);
  const [failed, setFailed] = useState(false);

  useEffect(() => {
    fetchSeries(newest.datastream, endOf(newest), hours).then(setRows, () => setFailed(true));
    // The rows of the past are fetched once; later ones arrive through `newest`.
  }, [newest.datastream]);
  useEffect(() => {
    setRows((before) => (before === null ? before : [...before, newest]));
  }, [newest]);

  useEffect(() => {
    const element = place.current;
    if (element === null || rows === null) return undefined;
    const options = optionsOf(element, language, timeZone);
    const plot = new uPlot(options, toColumns(rows), element);
    const resize = new ResizeObserver(() =>
      plot.setSize({ width: element.clientWidth, height: heightPixels }),
    );
    resize.observe(element);
    return () => {
      resize.disconnect();
      plot.destroy();
    };
  }, [rows, language, timeZone]);

  return (
    <figure>
      <figcaption>
        {label} ({sayUnit(newest.unit)}): {say(language, 'chart')}
      </figcaption>
      {failed && <p role="alert">{say(language, 'failed')}</p>}
      <div
        ref={place}
        className="plot"
        role="img"
        aria-label={`${say(language, 'chart')}: ${label}`}
      />
    </figure>
  );
}

function optionsOf(element: HTMLElement, language: Language, timeZone: string): uPlot.Options {
  const axis = {
    stroke: getComputedStyle(element).color,
    grid: { stroke: '#8884', width: 1 },
  };
  const value = (_: uPlot, at: number | null) => (at === null ? '' : sayNumber(language, at));
  return {
    width: element.clientWidth,
    height: heightPixels,
    tzDate: (at) => uPlot.tzDate(new Date(at * 1_000), timeZone),
    axes: [
      { ...axis, values: timeLabels },
      {
        ...axis,
        size: 64,
        values: (_, ticks) => ticks.map((tick) => sayNumber(language, tick)),
      },
    ],
    series: [
      {
        label: say(language, 'time'),
        value: (_, at) => (at === null ? '' : sayTime(language, at * 1_000, timeZone)),
      },
      { label: say(language, 'flag1'), value, stroke: '#1a7f5a', width: 2, spanGaps: false },
      {
        label: say(language, 'flag3'),
        value,
        stroke: '#c2410c',
        width: 0,
        points: { show: true, size: 6 },
      },
    ],
  };
}
