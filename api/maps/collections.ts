/**
 * What maps show: stations, and the newest row of every series. Each collection gives its features by
 * id, true at one moment, made into text or tags only where they are wanted.
 */
import type { Datastream, Name } from '../../devices/model.ts';
import type { ApiContext } from '../context.ts';
import { readFilter, selectDatastreams, selectStations, type FilterQuery } from '../filter.ts';
import { stationTable } from '../formats/registry-tables.ts';
import { createRowTable } from '../formats/row-table.ts';
import type { Point } from '../formats/table.ts';
import type { NetworkView } from '../network.ts';
import type { Moment, Pins } from '../../ingest/feed/places/places.ts';
import { intervalOf, unchangedSince } from '../routes/unchanged.ts';

/** What a vector tile may hold beside the place; it knows no null. */
export type Tags = Readonly<Record<string, string | number | boolean>>;

export interface MapFeature {
  readonly id: string;
  readonly point: Point;
  /** Start and end of what it was observed over, UTC ms; null without time. */
  readonly time: readonly [number, number] | null;
  /** Its properties as a JSON object. */
  json(): string;
  tags(): Tags;
}

export interface Collected {
  /** By id. */
  readonly features: readonly MapFeature[];
  readonly moment: Moment;
  readonly intervalMs: number | undefined;
  /** Seconds UTC at which ages were computed; 0 without ages. */
  readonly madeAtSeconds: number;
  readonly unchangedSince: (pins: Pins) => boolean;
}

export interface Collection {
  readonly id: 'stations' | 'latest';
  readonly title: Name;
  readonly description: Name;
  /** Names and types of the tags, for those who draw tiles. */
  readonly fields: Readonly<Record<string, 'String' | 'Number' | 'Boolean'>>;
  collect(context: ApiContext, view: NetworkView, query: FilterQuery): Promise<Collected>;
}

const stations: Collection = {
  id: 'stations',
  title: { vi: 'Trạm quan trắc', en: 'Stations' },
  description: {
    vi: 'Vị trí công khai của mọi trạm, với tên, chủ quản và cấp trạm.',
    en: 'The public place of every station, with its name, owner and class.',
  },
  fields: {
    id: 'String',
    nameVi: 'String',
    nameEn: 'String',
    owner: 'String',
    class: 'String',
    kind: 'String',
  },
  async collect(context, view, query) {
    const filter = readFilter(query, context.config.valuesPerParameterMax);
    // No address stands in what maps show of it.
    const table = stationTable(view, '');
    const found = selectStations(view, filter);
    return {
      features: found.map((station) => ({
        id: station.id,
        point: table.point(station) ?? view.placeOf(station),
        time: null,
        json: () => table.json(station),
        tags: () => ({
          id: station.id,
          nameVi: station.name.vi,
          nameEn: station.name.en,
          owner: station.owner,
          class: station.class,
          ...(station.kind === undefined ? {} : { kind: station.kind }),
        }),
      })),
      moment: await context.places.at(context.store.position),
      intervalMs: undefined,
      madeAtSeconds: 0,
      // Only the registry says where stations are, and its version is in every tag.
      unchangedSince: () => true,
    };
  },
};

const latest: Collection = {
  id: 'latest',
  title: { vi: 'Giá trị mới nhất', en: 'Latest values' },
  description: {
    vi: 'Giá trị mới nhất của mọi chuỗi số liệu tại vị trí trạm, kèm cờ chất lượng và tuổi.',
    en: 'The newest value of every series at its station, with quality flag and age.',
  },
  fields: {
    id: 'String',
    datastream: 'String',
    station: 'String',
    property: 'String',
    unit: 'String',
    phenomenonTime: 'String',
    result: 'Number',
    flag: 'Number',
    stale: 'Boolean',
  },
  async collect(context, view, query) {
    const filter = readFilter(query, context.config.valuesPerParameterMax);
    const datastreams = selectDatastreams(view, filter);
    const latestAt = Math.floor(context.clock.now() / 1000) * 1000;
    // Read in one turn of the event loop, so that all rows are of one position.
    const { position } = context.store;
    const series = datastreams.map((datastream) => datastream.series);
    const held = series.map((one) => context.store.latest(one));
    const moment = await context.places.at(position);
    const rows = await context.questions.latest(series, held, moment);
    return {
      features: featuresOf(view, datastreams, { rows, latestAt }),
      moment,
      intervalMs: intervalOf(datastreams),
      madeAtSeconds: latestAt / 1000,
      unchangedSince: unchangedSince(context, datastreams),
    };
  },
};

type LatestRows = Awaited<ReturnType<ApiContext['questions']['latest']>>;

function featuresOf(
  view: NetworkView,
  datastreams: readonly Datastream[],
  { rows, latestAt }: { readonly rows: LatestRows; readonly latestAt: number },
): MapFeature[] {
  const table = createRowTable(view, { base: '', order: null, latestAt });
  return datastreams.flatMap((datastream, at): MapFeature[] => {
    const row = rows[at];
    const point = row === undefined ? null : table.point(row);
    if (row === undefined || point === null) return [];
    return [
      {
        id: datastream.id,
        point,
        time: [row.startAt, row.endAt],
        json: () => table.json(row),
        tags: () => tagsOf(JSON.parse(table.json(row)) as Readonly<Record<string, unknown>>),
      },
    ];
  });
}

function tagsOf(properties: Readonly<Record<string, unknown>>): Tags {
  const tags: Record<string, string | number | boolean> = {};
  for (const name of Object.keys(latest.fields)) {
    const value = properties[name];
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      tags[name] = value;
    }
  }
  return tags;
}

export const collections: readonly Collection[] = [stations, latest];
