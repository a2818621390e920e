/**
 * A dashboard as Grafana imports it (schema 42), from what differs between panels: title in both
 * languages, what is asked, how it is drawn. Panels flow from left to right in rows of 24 columns.
 */

/** Vietnamese first, since it is the language of the people who operate it. */
export type Title = readonly [vi: string, en: string];

export interface DataSource {
  readonly type: 'prometheus' | 'influxdb';
  /** As in `provisioning/datasources`. */
  readonly uid: string;
}

export interface Query {
  /** PromQL or Flux. */
  readonly text: string;
  /** Of a series, with `{{label}}` for its labels. */
  readonly legend?: string;
}

export interface Step {
  readonly from: number;
  readonly color: 'green' | 'yellow' | 'orange' | 'red' | 'blue' | 'transparent';
}

export interface Panel {
  readonly title: Title;
  readonly kind: 'timeseries' | 'stat' | 'table';
  readonly queries: readonly Query[];
  /** Id of Grafana's value formats. */
  readonly unit: string;
  /** Of 24 columns; 8 when absent. */
  readonly width?: number;
  readonly height?: number;
  /** What it says and when to worry, for people. */
  readonly about: string;
  /** Colours from these values on; below the first it is green. */
  readonly steps?: readonly Step[];
  readonly stacked?: boolean;
  readonly decimals?: number;
  /** Points without lines between them, for what is not regular. */
  readonly drawsPoints?: boolean;
  /** Changes of single series or columns. */
  readonly overrides?: readonly object[];
  readonly transformations?: readonly object[];
}

export interface Section {
  readonly title: Title;
  readonly panels: readonly Panel[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: Title;
  readonly about: string;
  readonly tags: readonly string[];
  readonly source: DataSource;
  /** Of Grafana's templating, whole. */
  readonly variables: readonly object[];
  readonly sections: readonly Section[];
  readonly refresh: string;
  /** Beginning of the range that is shown first. */
  readonly from: string;
}

const columns = 24;
const schemaVersion = 42;

export function dashboardJson(dashboard: Dashboard): object {
  return {
    uid: dashboard.uid,
    title: titleOf(dashboard.title),
    description: dashboard.about,
    tags: dashboard.tags,
    schemaVersion,
    version: 1,
    editable: true,
    graphTooltip: 1,
    timezone: 'browser',
    refresh: dashboard.refresh,
    time: { from: dashboard.from, to: 'now' },
    templating: { list: dashboard.variables },
    annotations: { list: [] },
    links: [],
    panels: layOut(dashboard),
  };
}

function titleOf([vi, en]: Title): string {
  return `${vi} · ${en}`;
}

/** Rows and panels with their places, numbered in reading order. */
function layOut({ sections, source }: Dashboard): object[] {
  const laid: object[] = [];
  let y = 0;
  for (const { title, panels } of sections) {
    const gridPos = { x: 0, y, w: columns, h: 1 };
    const row = { id: laid.length + 1, type: 'row', title: titleOf(title), gridPos };
    laid.push({ ...row, collapsed: false, panels: [] });
    y += 1;
    let x = 0;
    let rowHeight = 0;
    for (const panel of panels) {
      const { width: w = 8, height: h = 8 } = panel;
      if (x + w > columns) {
        x = 0;
        y += rowHeight;
        rowHeight = 0;
      }
      laid.push(panelJson(panel, source, { id: laid.length + 1, gridPos: { x, y, w, h } }));
      x += w;
      rowHeight = Math.max(rowHeight, h);
    }
    y += rowHeight;
  }
  return laid;
}

function panelJson(panel: Panel, datasource: DataSource, place: object): object {
  return {
    ...place,
    type: panel.kind,
    title: titleOf(panel.title),
    description: panel.about,
    datasource,
    targets: panel.queries.map((query, index) => ({
      refId: String.fromCodePoint(65 + index),
      datasource,
      ...queryJson(query, panel.kind, datasource),
    })),
    fieldConfig: {
      defaults: {
        unit: panel.unit,
        ...(panel.decimals === undefined ? {} : { decimals: panel.decimals }),
        color: { mode: panel.kind === 'timeseries' ? 'palette-classic' : 'thresholds' },
        thresholds: { mode: 'absolute', steps: stepsOf(panel) },
        ...(panel.kind === 'timeseries' ? { custom: lineStyleOf(panel) } : {}),
      },
      overrides: panel.overrides ?? [],
    },
    options: optionsOf(panel),
    ...(panel.transformations === undefined ? {} : { transformations: panel.transformations }),
  };
}

function queryJson(
  { text, legend = '' }: Query,
  kind: Panel['kind'],
  { type }: DataSource,
): object {
  if (type === 'influxdb') return { query: text };
  const question = { expr: text, editorMode: 'code', legendFormat: legend };
  if (kind !== 'table') return { ...question, range: true };
  return { ...question, range: false, instant: true, format: 'table' };
}

function stepsOf({ steps = [] }: Panel): object[] {
  return [
    { value: null, color: 'green' },
    ...steps.map(({ from, color }) => ({ value: from, color })),
  ];
}

function lineStyleOf({ stacked = false, drawsPoints = false, steps }: Panel): object {
  return {
    drawStyle: drawsPoints ? 'points' : 'line',
    ...(drawsPoints ? { pointSize: 4 } : { lineWidth: 1, fillOpacity: stacked ? 30 : 8 }),
    showPoints: drawsPoints ? 'always' : 'never',
    spanNulls: false,
    stacking: { mode: stacked ? 'normal' : 'none', group: 'A' },
    thresholdsStyle: { mode: steps === undefined ? 'off' : 'dashed' },
  };
}

function optionsOf({ kind }: Panel): object {
  if (kind === 'table') return { frameIndex: 0, showHeader: true, cellHeight: 'sm' };
  if (kind === 'stat') {
    return {
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
      colorMode: 'value',
      graphMode: 'area',
      justifyMode: 'auto',
      orientation: 'auto',
      percentChangeColorMode: 'standard',
      showPercentChange: false,
      textMode: 'auto',
      wideLayout: true,
    };
  }
  return {
    legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
    tooltip: { mode: 'multi', sort: 'desc' },
  };
}
