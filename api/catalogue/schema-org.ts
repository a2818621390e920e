/**
 * Datasets and the catalogue in schema.org's words, for search engines that read JSON-LD: `Dataset`,
 * `DataCatalog`, `DataDownload` (https://schema.org/Dataset).
 */
import type { Name } from '../../devices/model.ts';
import type { Publisher } from './dcat/publisher.ts';
import { secondsText } from './description.ts';
import type { Entry } from './entry.ts';
import { uriOf } from './uris.ts';

const context = 'https://schema.org/';

export function schemaOrgDataset(entry: Entry, base: string, publisher: Publisher): object {
  return { '@context': context, ...schemaOrgNode(entry, base, publisher) };
}

/** The catalogue, without its datasets yet. */
export function schemaOrgHead(
  base: string,
  about: { readonly publisher: Publisher; readonly title: Name; readonly description: Name },
): object {
  const { publisher, title, description } = about;
  return {
    '@context': context,
    '@type': 'DataCatalog',
    '@id': `${base}/catalog`,
    url: `${base}/catalog`,
    name: both(title),
    description: both(description),
    inLanguage: ['vi', 'en'],
    ...(publisher.isStated ? { publisher: publisherNode(publisher) } : {}),
    dataset: [],
  };
}

export function schemaOrgNode(entry: Entry, base: string, publisher: Publisher): object {
  const { box, startAt, modifiedAt, licences, owner, places } = entry;
  const creator =
    owner === undefined ? undefined : organisation(uriOf(base, 'owner', owner.id), owner.name);
  return {
    '@type': 'Dataset',
    '@id': entry.uri,
    url: entry.page,
    identifier: entry.uri,
    name: both(entry.title),
    description: both(entry.description),
    keywords: [...entry.keywords.vi, ...entry.keywords.en],
    inLanguage: ['vi', 'en'],
    license: licences.map(({ uri }) => uri),
    isAccessibleForFree: true,
    creativeWorkStatus: entry.state === 'planned' ? 'Planned' : 'Published',
    ...(creator === undefined ? {} : { creator }),
    ...(publisher.isStated ? { publisher: publisherNode(publisher) } : {}),
    includedInDataCatalog: {
      '@type': 'DataCatalog',
      '@id': `${base}/catalog`,
      url: `${base}/catalog`,
    },
    datePublished: secondsText(entry.issuedAt),
    ...(modifiedAt === undefined ? {} : { dateModified: secondsText(modifiedAt) }),
    // ISO 8601 with an open end: the data go on.
    ...(startAt === undefined ? {} : { temporalCoverage: `${secondsText(startAt)}/..` }),
    ...(box === undefined
      ? {}
      : {
          spatialCoverage: {
            '@type': 'Place',
            ...(places.length === 0 ? {} : { name: places.map(({ name }) => name).join(', ') }),
            geo: {
              '@type': 'GeoShape',
              // South west, then north east, latitude first (https://schema.org/box).
              box: `${box.south} ${box.west} ${box.north} ${box.east}`,
            },
          },
        }),
    variableMeasured: entry.properties.map(({ id, label, unit }) => ({
      '@type': 'PropertyValue',
      propertyID: uriOf(base, 'property', id),
      name: both(label),
      unitText: unit,
    })),
    distribution: entry.distributions.map(({ uri, title, kind, url, file }) => ({
      '@type': 'DataDownload',
      '@id': uri,
      name: both(title),
      contentUrl: url,
      encodingFormat: kind.compression ?? kind.mediaType,
      ...(file === undefined
        ? {}
        : {
            contentSize: `${file.bytes} B`,
            sha256: file.sha256,
            dateModified: secondsText(file.madeAt),
          }),
    })),
  };
}

function both({ vi, en }: Name): readonly object[] {
  return [
    { '@language': 'vi', '@value': vi },
    { '@language': 'en', '@value': en },
  ];
}

function organisation(uri: string, name: Name): object {
  return { '@type': 'Organization', '@id': uri, name: both(name) };
}

function publisherNode({ uri, name, email, homepage }: Publisher): object {
  return {
    ...organisation(uri, name),
    ...(homepage === undefined ? {} : { url: homepage }),
    ...(email === undefined ? {} : { contactPoint: { '@type': 'ContactPoint', email } }),
  };
}
