/** What belongs to a list, as a Link field (RFC 8288): for clients that read no body to find their way. */
import type { FastifyReply } from 'fastify';

import { licenceOf } from '../../devices/licence.ts';
import type { Datastream } from '../../devices/model.ts';
import { csvwType } from '../formats/csvw.ts';
import { mediaTypes, type Format } from '../formats/format.ts';
import type { Table } from '../formats/table.ts';
import type { NetworkView } from '../network.ts';

export interface ListLinks {
  /** Of this server as the client sees it; empty where that is unknown. */
  readonly base: string;
  /** Of the request, with its query. */
  readonly url: string;
  readonly format: Format;
  readonly offered: readonly Format[];
}

/** Longer addresses would come back several times in one head. */
const urlCharactersMax = 2_000;

/**
 * `self`, the same list in other formats by their extension, `canonical` (RFC 6596: the address that
 * always gives this format, whatever `Accept` says), and what describes it; of CSV that is CSVW.
 */
export function linkField({ base, url, format, offered }: ListLinks): string {
  const document = `${base}/api/v1/openapi.json`;
  const described = [
    link(document, 'service-desc', 'application/json'),
    ...(format === 'csv' ? [] : [link(document, 'describedby', 'application/json')]),
  ];
  if (url.length > urlCharactersMax) return described.join(', ');
  const [path = '', query] = url.split('?', 2);
  const bare = path.replace(/\.[a-z]+$/, '');
  const others = new URLSearchParams(query);
  others.delete('format');
  others.delete('page');
  const search = others.size === 0 ? '' : `?${others.toString()}`;
  const alternates = offered
    .filter((other) => other !== format)
    .map((other) => link(`${base}${bare}.${other}${search}`, 'alternate', mediaTypes[other]));
  const canonical = offered.includes(format)
    ? [link(`${base}${bare}.${format}${canonicalSearch(query)}`, 'canonical')]
    : [];
  return [link(base + url, 'self'), ...canonical, ...alternates, ...described].join(', ');
}

/** As it was asked, of this page, without the format, which the extension says. */
function canonicalSearch(query: string | undefined): string {
  const asked = new URLSearchParams(query);
  asked.delete('format');
  return asked.size === 0 ? '' : `?${asked.toString()}`;
}

/** Behind the others, where it is known before the body. */
export function nextLink(url: string): string {
  return link(url, 'next');
}

const csvwSuffix = '.csv-metadata.json';

/** Of a description of a CSV at `url`, the CSV that it describes. */
export function describedCsv(base: string, url: string): string {
  return base + url.replace(csvwSuffix, '.csv');
}

/** What describes a CSV; its path has an extension or none, and `format` says no more than that it is CSV. */
export function csvwLink(base: string, url: string): string {
  const [path = '', query = ''] = url.split('?', 2);
  // As it was sent, so that the description names the very address that was asked.
  const rest = query.split('&').filter((part) => part !== '' && !part.startsWith('format='));
  const begin = `${base}${path.replace(/\.csv$/, '')}${csvwSuffix}`;
  const address = rest.length === 0 ? begin : `${begin}?${rest.join('&')}`;
  return `<${address}>; rel="describedby"; type="${csvwType}"`;
}

/** Of rows from many owners no more are named: `/datastreams` tells the terms of each series. */
const licencesMax = 8;
const linksOf = new WeakMap<readonly Datastream[], string>();

/** The terms under which the rows of a selection may be used; empty where nothing is selected. */
export function licenceLinks(
  { registry }: NetworkView,
  datastreams: readonly Datastream[],
): string {
  let links = linksOf.get(datastreams);
  if (links === undefined) {
    const licences = new Set(datastreams.map((datastream) => licenceOf(registry, datastream).uri));
    links = [...licences]
      .slice(0, licencesMax)
      .map((uri) => link(uri, 'license'))
      .join(', ');
    linksOf.set(datastreams, links);
  }
  return links;
}

/** The terms of things in a list, where one holds for all of them; empty elsewhere. */
export function oneLicenceLink<Item>(
  { licence }: Pick<Table<Item>, 'licence'>,
  items: readonly Item[],
): string {
  const [first, ...others] = items;
  if (licence === undefined || first === undefined) return '';
  const uri = licence(first);
  const isOne = uri !== undefined && others.every((item) => licence(item) === uri);
  return isOne ? link(uri, 'license') : '';
}

/** What describes the events of a stream: its messages are those of the AsyncAPI document. */
export function streamLink(base: string): string {
  return link(`${base}/api/v1/asyncapi.json`, 'describedby', 'application/json');
}

/** Behind those that are there. */
export function addLink(reply: FastifyReply, field: string): void {
  if (field === '') return;
  const links = reply.getHeader('link');
  reply.header('link', links === undefined ? field : `${String(links)}, ${field}`);
}

/** Whatever is no character of an address is written encoded (RFC 3986 §2), so that none ends it. */
function link(target: string, relation: string, type?: string): string {
  const safe = target.replaceAll(/[^!#-;=?-[\]_a-z~]/g, encodeURIComponent);
  const [media] = type?.split(';', 1) ?? [];
  return `<${safe}>; rel="${relation}"${media === undefined ? '' : `; type="${media}"`}`;
}
