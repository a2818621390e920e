/** Lines of line protocol, one for each row (`schema.ts`). */
import type { Position } from '../../log/log.ts';
import type { ObservationRow } from '../../observation.ts';
import { textOfRow, type RowOrigin } from './row-text.ts';
import {
  fitsTime,
  measurementsOf,
  ordinalOf,
  ordinalsMax,
  seriesTagsText,
  timeText,
  type SeriesTags,
} from './schema.ts';

/** Where a row stands, and under which registry it was decided. */
export interface LineOrigin extends RowOrigin {
  /** Its number in the batch, from 0. */
  readonly place: number;
  readonly registryVersion: number;
}

export interface LinesOptions {
  readonly measurement: string;
  readonly shapesMax: number;
  readonly seriesCacheMax: number;
  /** Tags of a series, the same for every version that has it; throws where there is none. */
  readonly rowTags: (series: number, registryVersion: number) => SeriesTags;
}

export interface LineBuilder {
  /** Without a line break. INFLUX_TAG, or what `rowTags` throws. */
  lineOf(row: ObservationRow, origin: LineOrigin): string;
}

/** Beginnings of the lines of one series, by interval length and own height. */
interface SeriesPrefixes {
  readonly tags: SeriesTags;
  readonly overflow: string;
  readonly shapes: Map<number, Map<number, Shape>>;
  count: number;
  last: Shape | undefined;
}

interface Shape {
  readonly spanMs: number;
  readonly heightMm: number;
  readonly shown: string;
  readonly superseded: string;
}

export function createLineBuilder(options: LinesOptions): LineBuilder {
  const { shapesMax, seriesCacheMax, rowTags } = options;
  const names = measurementsOf(options.measurement);
  const known = new Map<number, SeriesPrefixes>();

  function prefixesOf(series: number, registryVersion: number): SeriesPrefixes {
    const found = known.get(series);
    if (found !== undefined) return found;
    const tags = rowTags(series, registryVersion);
    const made: SeriesPrefixes = {
      tags,
      overflow: `${names.overflow},${seriesTagsText(series, tags, null)} row="`,
      shapes: new Map(),
      count: 0,
      last: undefined,
    };
    if (known.size >= seriesCacheMax) known.clear();
    known.set(series, made);
    return made;
  }

  /** Undefined where the series has as many as it may. */
  function shapeOf(prefixes: SeriesPrefixes, row: ObservationRow): Shape | undefined {
    const spanMs = row.endAt - row.startAt;
    const { heightMm } = row;
    const { last } = prefixes;
    if (last !== undefined && last.spanMs === spanMs && Object.is(last.heightMm, heightMm)) {
      return last;
    }
    const byHeight = prefixes.shapes.get(spanMs) ?? new Map<number, Shape>();
    const found = byHeight.get(heightMm);
    if (found === undefined && prefixes.count >= shapesMax) return undefined;
    const shape = found ?? addShape(prefixes, byHeight, { series: row.series, spanMs, heightMm });
    prefixes.last = shape;
    return shape;
  }

  function addShape(
    prefixes: SeriesPrefixes,
    byHeight: Map<number, Shape>,
    of: { readonly series: number; readonly spanMs: number; readonly heightMm: number },
  ): Shape {
    const tags = seriesTagsText(of.series, prefixes.tags, of);
    const { spanMs, heightMm } = of;
    const shown = `${names.shown},${tags} row="`;
    const shape = { spanMs, heightMm, shown, superseded: `${names.superseded},${tags} row="` };
    byHeight.set(heightMm, shape);
    prefixes.shapes.set(spanMs, byHeight);
    prefixes.count += 1;
    return shape;
  }

  return {
    lineOf(row, origin) {
      const prefixes = prefixesOf(row.series, origin.registryVersion);
      const text = textOfRow(row, origin);
      const shape = fitsTime(row) ? shapeOf(prefixes, row) : undefined;
      if (shape === undefined) {
        return `${prefixes.overflow}${row.endAt}|${text}" ${placeTime(origin.batch, origin.place)}`;
      }
      const prefix = row.revision >= 0 ? shape.shown : shape.superseded;
      const time = timeText(row.endAt, ordinalOf(row));
      return `${prefix}${text}"${resultField(row.result)},flag=${row.verdict.flag}i ${time}`;
    },
  };
}

/** InfluxDB has no number for what is none; the row's text says which it was. */
function resultField(result: number | null): string {
  if (result === null || !Number.isFinite(result)) return '';
  return Object.is(result, -0) ? ',result=-0' : `,result=${result}`;
}

/** More rows than any record of Kafka holds: no two rows of a partition share a time. */
const batchMs = 64;

function placeTime(batch: Position, place: number): string {
  return timeText(batch * batchMs + Math.floor(place / ordinalsMax), place % ordinalsMax);
}

/** End and text of a row in the overflow. */
export function splitOverflow(text: string): { readonly endAt: number; readonly text: string } {
  const bar = text.indexOf('|');
  return { endAt: bar <= 0 ? Number.NaN : Number(text.slice(0, bar)), text: text.slice(bar + 1) };
}
