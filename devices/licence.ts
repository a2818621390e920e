import type { Datastream, Name } from './model.ts';
import type { Registry } from './registry.ts';

/** Terms under which data may be used. */
export interface Licence {
  /** SPDX id where there is one, else the address itself. */
  readonly id: string;
  /** Address of the terms. */
  readonly uri: string;
  readonly title: Name;
}

const knownLicences: readonly Licence[] = [
  {
    id: 'CC-BY-4.0',
    uri: 'https://creativecommons.org/licenses/by/4.0/',
    title: {
      vi: 'Creative Commons Ghi công 4.0 Quốc tế',
      en: 'Creative Commons Attribution 4.0 International',
    },
  },
  {
    id: 'CC0-1.0',
    uri: 'https://creativecommons.org/publicdomain/zero/1.0/',
    title: {
      vi: 'Creative Commons CC0 1.0 Phổ dụng',
      en: 'Creative Commons Zero 1.0 Universal',
    },
  },
  {
    id: 'ODbL-1.0',
    uri: 'https://opendatacommons.org/licenses/odbl/1-0/',
    title: {
      vi: 'Giấy phép Cơ sở dữ liệu mở 1.0',
      en: 'Open Data Commons Open Database License 1.0',
    },
  },
  {
    id: 'ODC-By-1.0',
    uri: 'https://opendatacommons.org/licenses/by/1-0/',
    title: {
      vi: 'Giấy phép Ghi công Open Data Commons 1.0',
      en: 'Open Data Commons Attribution License 1.0',
    },
  },
];

/** Where nobody says otherwise. */
export const usualLicence = 'CC-BY-4.0';

/** The licence of an SPDX id or an address; one that is not known is its own title. */
export function readLicence(text: string): Licence {
  const known = knownLicences.find(({ id, uri }) => text === id || text === uri);
  if (known !== undefined) return known;
  return { id: text, uri: uriOf(text), title: { vi: text, en: text } };
}

const spdxId = /^[A-Za-z0-9][A-Za-z0-9.+-]*$/;
/** RFC 3987 and the grammar of N-Triples: what no address may hold as it is. */
const forbidden = /[^\u0021-\u007e]|[<>"{}|\\^`]/g;

/** Safe in a header and in every form of RDF, whatever an owner has written. */
function uriOf(text: string): string {
  if (spdxId.test(text)) return `https://spdx.org/licenses/${text}.html`;
  const url = /^https?:\/\//.test(text) ? URL.parse(text) : null;
  if (url === null) return `urn:quantrac:licence:${encodeURIComponent(text.toWellFormed())}`;
  return url.href.replace(forbidden, (character) => encodeURIComponent(character));
}

/** Of a datastream: its own, else its station's, else its owner's, else the usual one. */
export function licenceOf(registry: Registry, datastream: Datastream): Licence {
  return readLicence(termOf(registry, datastream, 'licence') ?? usualLicence);
}

/** Whom to name: of the datastream, else of its station, else of its owner; undefined for nobody. */
export function attributionOf(registry: Registry, datastream: Datastream): string | undefined {
  return termOf(registry, datastream, 'attribution');
}

function termOf(
  registry: Registry,
  datastream: Datastream,
  term: 'licence' | 'attribution',
): string | undefined {
  const station = registry.stations.get(datastream.station);
  const owner = registry.owners.get(station?.owner ?? '');
  return datastream[term] ?? station?.[term] ?? owner?.[term];
}
