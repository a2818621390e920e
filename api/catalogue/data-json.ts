/**
 * `/data.json`: DCAT-US 1.1 (Project Open Data), by the schema for publishers outside the US federal
 * government. One language a text: English titles, Vietnamese beside them in the description.
 */
import type { Publisher } from './dcat/publisher.ts';
import { secondsText } from './description.ts';
import type { Entry } from './entry.ts';
import { durationOf } from './vocabulary.ts';

const schema = 'https://project-open-data.cio.gov/v1.1/schema';

/** The catalogue, without its datasets yet. */
export function dataJsonHead(base: string): object {
  return {
    '@context': `${schema}/data.jsonld`,
    '@id': `${base}/data.json`,
    '@type': 'dcat:Catalog',
    conformsTo: schema,
    describedBy: `${schema}/catalog.json`,
    dataset: [],
  };
}

export function dataJsonDataset(entry: Entry, publisher: Publisher, nowAt: number): object {
  const { licences, startAt, box, intervalMs, modifiedAt, owner } = entry;
  const [licence] = licences;
  const rights = rightsOf(entry);
  return {
    '@type': 'dcat:Dataset',
    identifier: entry.uri,
    title: `${entry.title.en} / ${entry.title.vi}`,
    description: `${entry.description.en}\n\n${entry.description.vi}`,
    keyword: [...entry.keywords.en, ...entry.keywords.vi],
    modified: secondsText(modifiedAt ?? entry.issuedAt),
    issued: secondsText(entry.issuedAt),
    publisher: {
      '@type': 'org:Organization',
      name: owner?.name.en ?? publisher.name.en,
    },
    contactPoint: {
      '@type': 'vcard:Contact',
      fn: publisher.name.en,
      ...(publisher.email === undefined ? {} : { hasEmail: `mailto:${publisher.email}` }),
    },
    accessLevel: entry.access === 'restricted' ? 'restricted public' : entry.access,
    ...(rights === undefined ? {} : { rights }),
    ...(licences.length === 1 && licence !== undefined ? { license: licence.uri } : {}),
    // The schema knows no open end: the day of the answer stands for it.
    ...(startAt === undefined
      ? {}
      : { temporal: `${secondsText(startAt)}/${secondsText(nowAt).slice(0, 10)}` }),
    ...(box === undefined ? {} : { spatial: `${box.west},${box.south},${box.east},${box.north}` }),
    ...(intervalMs === undefined ? {} : { accrualPeriodicity: `R/${durationOf(intervalMs)}` }),
    theme: ['Environment'],
    language: ['vi', 'en'],
    landingPage: entry.page,
    ...(entry.distributions.length === 0
      ? {}
      : {
          distribution: entry.distributions.map(({ title, kind, url, file }) => ({
            '@type': 'dcat:Distribution',
            title: `${title.en} / ${title.vi}`,
            format: kind.label,
            mediaType: kind.compression ?? kind.mediaType,
            ...(file === undefined ? { accessURL: url } : { downloadURL: url }),
          })),
        }),
  };
}

/** At most 255 characters, which the schema allows. */
function rightsOf({ access, licences, state }: Entry): string | undefined {
  if (state === 'planned') return 'Planned: not open yet.';
  if (access === 'restricted') return 'For named recipients.';
  if (access === 'non-public') return 'For the owner and the operators.';
  if (licences.length < 2) return undefined;
  return `Several licences: ${licences.map(({ id }) => id).join(', ')}`.slice(0, 255);
}
