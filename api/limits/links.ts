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

/** Longer addresses would come back several times in one head. */
const urlCharactersMax = 2_000;

/** `self`, the same list in other formats by their extension, and the description of the API. */
export function linkField({ base, url, format, offered }: ListLinks): string {
  const described = link(`${base}/api/v1/openapi.json`, 'service-desc', 'application/json');
  if (url.length > urlCharactersMax) return described;
  const [path = '', query] = url.split('?', 2);
  const bare = path.replace(/\.[a-z]+$/, '');
  const others = new URLSearchParams(query);
  others.delete('format');
  others.delete('page');
  const search = others.size === 0 ? '' : `?${others.toString()}`;
  const alternates = offered
    .filter((other) => other !== format)
    .map((other) => link(`${base}${bare}.${other}${search}`, 'alternate', mediaTypes[other]));
  return [link(base + url, 'self'), ...alternates, described].join(', ');
}

/** Behind the others, where it is known before the body. */
export function nextLink(url: string): string {
  return link(url, 'next');
}

/** Whatever is no character of an address is written encoded (RFC 3986 §2), so that none ends it. */
function link(target: string, relation: string, type?: string): string {
  const safe = target.replaceAll(/[^!#-;=?-[\]_a-z~]/g, encodeURIComponent);
  const [media] = type?.split(';', 1) ?? [];
  return `<${safe}>; rel="${relation}"${media === undefined ? '' : `; type="${media}"`}`;
}
