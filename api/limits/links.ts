/** What belongs to a list, as a Link field (RFC 8288): for clients that read no body to find their way. */
import { mediaTypes, type Format } from '../formats/format.ts';

export interface ListLinks {
  /** Of this server as the client sees it; empty where that is unknown. */
  readonly base: string;
  /** Of the request, with its query. */
  readonly url: string;
  readonly format: Format;
  readonly offered: readonly Format[];
}

/** `self`, the same list in other formats by their extension, and the description of the API. */
export function linkField({ base, url, format, offered }: ListLinks): string {
  const [path = '', query] = url.split('?', 2);
  const bare = path.replace(/\.[a-z]+$/, '');
  const others = new URLSearchParams(query);
  others.delete('format');
  others.delete('page');
  const search = others.size === 0 ? '' : `?${others.toString()}`;
  const links = [
    link(base + (URL.canParse(base + url) ? url : path), 'self'),
    ...offered
      .filter((other) => other !== format)
      .map((other) => link(`${base}${bare}.${other}${search}`, 'alternate', mediaTypes[other])),
    link(`${base}/api/v1/openapi.json`, 'service-desc', 'application/json'),
  ];
  return links.join(', ');
}

/** Behind the others, once it is known. */
export function nextLink(url: string): string {
  return link(url, 'next');
}

/** A target that would end its brackets is written with them encoded (RFC 3986 §2.1). */
function link(target: string, relation: string, type?: string): string {
  const safe = encodeURI(decodeSafely(target)).replaceAll('>', '%3E').replaceAll('<', '%3C');
  const media = type === undefined ? '' : `; type="${type.split(';', 1)[0] ?? ''}"`;
  return `<${safe}>; rel="${relation}"${media}`;
}
