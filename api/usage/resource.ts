/** What a request for data is counted as: what was asked for, and in which form. */
import { formats, mediaTypes } from '../formats/format.ts';

/** Of the first part of an address behind the version; what is not here is about data, not data. */
const resources = new Map([
  ['latest', 'latest'],
  ['observations', 'observations'],
  ['aggregates', 'aggregates'],
  ['changes', 'changes'],
  ['live', 'live'],
  ['files', 'files'],
  ['citations', 'citations'],
]);

/** By the template of a path; undefined where it gives no data. */
export function resourceOf(template: string): string | undefined {
  if (template.startsWith('/ogc/collections/:')) return 'maps';
  if (!template.startsWith('/api/v1/')) return undefined;
  const [first = ''] = template.slice('/api/v1/'.length).split('/', 1);
  const [name = '', extension] = first.split('.', 2);
  if (extension === 'csv-metadata') return undefined;
  const isChart = extension === 'svg' || extension === 'png';
  return isChart && resources.has(name) ? 'charts' : resources.get(name);
}

const formatOfMedia = new Map<string, string>([
  ...formats.map((format) => [mediaOf(mediaTypes[format]), format] as const),
  ['image/svg+xml', 'svg'],
  ['image/png', 'png'],
  ['application/vnd.mapbox-vector-tile', 'mvt'],
  ['text/event-stream', 'events'],
  ['application/gzip', 'csv.gz'],
]);

/** `none` for an answer without a body: the client had it already. */
export function formatOf(contentType: string | undefined): string {
  if (contentType === undefined) return 'none';
  return formatOfMedia.get(mediaOf(contentType)) ?? 'other';
}

function mediaOf(contentType: string): string {
  return contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
