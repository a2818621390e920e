/** What the map interfaces say of themselves: OGC API Features (17-069r4, 18-058r1), Tiles (20-057). */
import type { NetworkView } from '../network.ts';
import { collections, type Collection } from './collections.ts';
import { coordinateSystems, crs84 } from './coordinates.ts';

export const conformanceClasses = [
  'http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core',
  'http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson',
  'http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs',
  'http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core',
  'http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset',
  'http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/geodata-tilesets',
  'http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/mvt',
] as const;

export const webMercatorQuad = 'http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad';
export const tileMedia = 'application/vnd.mapbox-vector-tile';
export const zoomMax = 22;

interface Link {
  readonly rel: string;
  readonly href: string;
  readonly type: string;
  readonly title?: string;
}

const json = 'application/json';
const geoJson = 'application/geo+json';

export function landing(base: string): object {
  const links: Link[] = [
    { rel: 'self', href: `${base}/ogc/`, type: json },
    {
      rel: 'service-desc',
      href: `${base}/api/v1/openapi.json`,
      type: 'application/vnd.oai.openapi+json;version=3.1',
    },
    { rel: 'conformance', href: `${base}/ogc/conformance`, type: json },
    {
      rel: 'http://www.opengis.net/def/rel/ogc/1.0/conformance',
      href: `${base}/ogc/conformance`,
      type: json,
    },
    { rel: 'data', href: `${base}/ogc/collections`, type: json },
    {
      rel: 'http://www.opengis.net/def/rel/ogc/1.0/data',
      href: `${base}/ogc/collections`,
      type: json,
    },
  ];
  return {
    title: 'Quantrac',
    description:
      'Trạm quan trắc và giá trị mới nhất trên bản đồ. Stations and their latest values on maps.',
    links,
  };
}

export function listOfCollections(base: string, view: NetworkView): object {
  return {
    links: [{ rel: 'self', href: `${base}/ogc/collections`, type: json }],
    crs: coordinateSystems().map(({ uri }) => uri),
    collections: collections.map((each) => describeCollection(base, view, each)),
  };
}

export function describeCollection(
  base: string,
  view: NetworkView,
  collection: Collection,
): object {
  const href = `${base}/ogc/collections/${collection.id}`;
  const box = extentOf(view);
  const links: Link[] = [
    { rel: 'self', href, type: json },
    { rel: 'items', href: `${href}/items`, type: geoJson },
    {
      rel: 'http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector',
      href: `${href}/tiles`,
      type: json,
    },
    { rel: 'alternate', href: `${href}/tiles/tilejson.json`, type: json, title: 'TileJSON 3.0.0' },
  ];
  return {
    id: collection.id,
    title: `${collection.title.vi} · ${collection.title.en}`,
    description: `${collection.description.vi} ${collection.description.en}`,
    ...(box === null ? {} : { extent: { spatial: { bbox: [box], crs: crs84 } } }),
    itemType: 'feature',
    crs: ['#/crs'],
    storageCrs: crs84,
    links,
  };
}

/** West, south, east, north of the places that the viewer may know; null of none. */
export function extentOf(view: NetworkView): readonly [number, number, number, number] | null {
  let box: [number, number, number, number] | null = null;
  for (const station of view.stations) {
    const { longitude, latitude } = view.placeOf(station);
    box ??= [longitude, latitude, longitude, latitude];
    box = [
      Math.min(box[0], longitude),
      Math.min(box[1], latitude),
      Math.max(box[2], longitude),
      Math.max(box[3], latitude),
    ];
  }
  return box;
}

export function listOfTilesets(base: string, collection: Collection): object {
  return {
    links: [{ rel: 'self', href: `${base}/ogc/collections/${collection.id}/tiles`, type: json }],
    tilesets: [describeTileset(base, collection)],
  };
}

export function describeTileset(base: string, collection: Collection): object {
  const href = `${base}/ogc/collections/${collection.id}/tiles`;
  return {
    title: `${collection.title.vi} · ${collection.title.en}`,
    dataType: 'vector',
    crs: 'http://www.opengis.net/def/crs/EPSG/0/3857',
    tileMatrixSetURI: webMercatorQuad,
    links: [
      { rel: 'self', href: `${href}/WebMercatorQuad`, type: json },
      {
        rel: 'item',
        href: `${href}/WebMercatorQuad/{tileMatrix}/{tileRow}/{tileCol}`,
        type: tileMedia,
        templated: true,
      },
      {
        rel: 'http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme',
        href: webMercatorQuad,
        type: json,
      },
    ],
    layers: [layerOf(collection)],
  };
}

function layerOf({ id, fields }: Collection): object {
  const properties = Object.entries(fields).map(([name, type]) => [
    name,
    { type: type.toLowerCase() },
  ]);
  return {
    id,
    dataType: 'vector',
    geometryDimension: 0,
    propertiesSchema: { type: 'object', properties: Object.fromEntries(properties) },
  };
}

/** TileJSON 3.0.0, which web maps read. Rows come before columns in addresses of OGC. */
export function tileJson(base: string, view: NetworkView, collection: Collection): object {
  const box = extentOf(view);
  return {
    tilejson: '3.0.0',
    name: `${collection.title.vi} · ${collection.title.en}`,
    description: `${collection.description.vi} ${collection.description.en}`,
    tiles: [`${base}/ogc/collections/${collection.id}/tiles/WebMercatorQuad/{z}/{y}/{x}`],
    minzoom: 0,
    maxzoom: zoomMax,
    ...(box === null ? {} : { bounds: box }),
    vector_layers: [{ id: collection.id, fields: collection.fields }],
  };
}
