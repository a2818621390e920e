/**
 * The row that the world sees (interfaces.md §5): the same JSON in REST, SSE and the `open/` topics.
 *
 *   id, datastream, station, slug, property, phenomenonTime, resultTime, receivedAt, result, unit,
 *   flag, tests, qualifiers, reason, revision
 *
 * phenomenonTime is an instant or `start/end`; times are RFC 3339 with the station's offset;
 * resultTime is null where the device gave none. A row with its own place carries `latitude`,
 * `longitude` (to the station's public precision) and `heightMetres` behind these.
 */
import { publicPlace } from './public-place.ts';
import type { Datastream, ObservedProperty, Station } from '../../devices/model.ts';
import type { Registry } from '../../devices/registry.ts';
import type { ObservationRow, Raw, Verdict } from '../observation.ts';
import { namesOf } from '../quality.ts';
import { createLocalTimes, type LocalTime } from './local-time.ts';
import { datastreamPart, encodeTimePart, observationIdCharactersMax } from './observation-id.ts';

/** What all rows of one series have in common. */
export interface SeriesContext {
  readonly datastream: Datastream;
  readonly station: Station;
  /** Undefined where the registry names a property that it does not describe. */
  readonly property: ObservedProperty | undefined;
  readonly unit: string;
  readonly time: LocalTime;
  id(row: ObservationRow): string;
}

/** Rows of one version of the registry. Keeps its last texts: make one a registry and keep it. */
export interface PublicRows {
  readonly registry: Registry;
  /** Undefined for a series that the registry does not know (any more). */
  context(series: number): SeriesContext | undefined;
  /** The row as a JSON object; undefined for an unknown series. */
  text(row: ObservationRow): string | undefined;
  /** The same with `ageSeconds` and `stale`, as `/latest` and `open/` show it. */
  latestText(row: ObservationRow, nowAt: number): string | undefined;
  /** The same with `raw`. */
  rawText(row: ObservationRow): string | undefined;
}

/** Older than two intervals of its datastream. */
export function isStale(row: ObservationRow, datastream: Datastream, nowAt: number): boolean {
  return nowAt - row.endAt > 2 * datastream.intervalMs;
}

/** Whole seconds since the end of the phenomenon time, never negative. */
export function ageSecondsOf(row: ObservationRow, nowAt: number): number {
  return Math.max(0, Math.floor((nowAt - row.endAt) / 1000));
}

/** `instant` or `start/end` in the station's time. */
export function phenomenonTimeOf(row: ObservationRow, time: LocalTime): string {
  return row.startAt === row.endAt
    ? time.text(row.endAt)
    : time.text(row.startAt) + '/' + time.text(row.endAt);
}

/** As JSON and CSV write it, so that it is read back the same: −0 too. */
export function resultText(result: number | null): string {
  return result === 0 && 1 / result < 0 ? '-0' : String(result);
}

export function rawJson(raw: Raw): string {
  return JSON.stringify({ name: raw.name, value: raw.value, unit: raw.unit, time: raw.time });
}

const verdictTextsMax = 4_096;

interface CompiledSeries extends SeriesContext {
  /** `,"datastream":…,"property":…,"phenomenonTime":"`, ready to stand behind the id. */
  readonly head: string;
  /** `,"unit":…`. */
  readonly unitMember: string;
  readonly plainId: string;
  readonly plainIdTimeMax: number;
}

export function openPublicRows(registry: Registry): PublicRows {
  const timeOf = createLocalTimes();
  const compiled: (CompiledSeries | null | undefined)[] = [];
  const verdictText = createVerdictTexts();

  function compile(series: number): CompiledSeries | null {
    const datastream = registry.bySeries[series];
    const station = datastream && registry.stations.get(datastream.station);
    return datastream === undefined || station === undefined
      ? null
      : compileSeries(datastream, station, { registry, timeOf });
  }

  function compiledOf(series: number): CompiledSeries | null {
    let found = compiled[series];
    if (found === undefined) compiled[series] = found = compile(series);
    return found;
  }

  /** The object without its closing brace. */
  function openText(row: ObservationRow, series: CompiledSeries): string {
    const { time } = series;
    const text =
      '{"id":"' +
      series.id(row) +
      series.head +
      phenomenonTimeOf(row, time) +
      (row.resultAt === row.resultAt
        ? '","resultTime":"' + time.text(row.resultAt) + '","receivedAt":"'
        : '","resultTime":null,"receivedAt":"') +
      time.text(row.receivedAt) +
      '","result":' +
      resultText(row.result) +
      series.unitMember +
      verdictText(row.verdict) +
      row.revision;
    const hasPlace = row.latitude === row.latitude || row.heightMm === row.heightMm;
    return hasPlace ? text + placeJson(row, series.station) : text;
  }

  return {
    registry,
    context: (series) => compiledOf(series) ?? undefined,
    text(row) {
      const series = compiledOf(row.series);
      return series === null ? undefined : openText(row, series) + '}';
    },
    latestText(row, nowAt) {
      const series = compiledOf(row.series);
      if (series === null) return undefined;
      const stale = isStale(row, series.datastream, nowAt) ? 'true}' : 'false}';
      return (
        openText(row, series) + ',"ageSeconds":' + ageSecondsOf(row, nowAt) + ',"stale":' + stale
      );
    },
    rawText(row) {
      const series = compiledOf(row.series);
      return series === null
        ? undefined
        : openText(row, series) + ',"raw":' + rawJson(row.raw) + '}';
    },
  };
}

function compileSeries(
  datastream: Datastream,
  station: Station,
  network: {
    readonly registry: Registry;
    readonly timeOf: (timeZone: string) => LocalTime;
  },
): CompiledSeries {
  const property = network.registry.properties.get(datastream.property);
  const unit = property?.unit ?? '1';
  const plainId = '.' + datastream.id;
  const plainIdTimeMax = observationIdCharactersMax - plainId.length;
  const head =
    `","datastream":${JSON.stringify(datastream.id)},"station":${JSON.stringify(station.id)},` +
    `"slug":${JSON.stringify(datastream.slug)},"property":${JSON.stringify(datastream.property)},` +
    `"phenomenonTime":"`;
  return {
    datastream,
    station,
    property,
    unit,
    time: network.timeOf(station.timeZone),
    head,
    unitMember: `,"unit":${JSON.stringify(unit)},`,
    plainId,
    plainIdTimeMax,
    id(row) {
      const time = encodeTimePart(row);
      return time.length <= plainIdTimeMax
        ? time + plainId
        : time + datastreamPart(datastream.id, time.length);
    },
  };
}

/** Few distinct verdicts exist in a network, though each batch brings its own objects of them. */
function createVerdictTexts(): (verdict: Verdict) => string {
  const texts = new Map<string, string>();
  let last: Verdict | undefined;
  let lastText = '';
  return (verdict) => {
    if (verdict === last) return lastText;
    const key = `${verdict.flag}${verdict.tests}${verdict.qualifiers}${verdict.reason}`;
    let text = texts.get(key);
    if (text === undefined) {
      if (texts.size >= verdictTextsMax) texts.clear();
      texts.set(key, (text = verdictJson(verdict)));
    }
    last = verdict;
    lastText = text;
    return text;
  };
}

/** Ends in `"revision":`, so that the number can follow. */
function verdictJson(verdict: Verdict): string {
  return (
    `"flag":${verdict.flag},"tests":"${verdict.tests}",` +
    `"qualifiers":${JSON.stringify(namesOf(verdict.qualifiers))},` +
    `"reason":${JSON.stringify(verdict.reason)},"revision":`
  );
}

/** Position and height of a moving platform or a profile, as further members. */
function placeJson(row: ObservationRow, station: Station): string {
  let text = '';
  if (row.latitude === row.latitude && row.longitude === row.longitude) {
    const place = publicPlace(row.latitude, row.longitude, station.publicPrecisionMetres);
    text = `,"latitude":${place.latitude},"longitude":${place.longitude}`;
  }
  return row.heightMm === row.heightMm ? text + `,"heightMetres":${row.heightMm / 1000}` : text;
}
