/** The pages of what the catalogue describes: datasets, their distributions, services. */
import { publisherOf } from '../catalogue/dcat/publisher.ts';
import type { Distribution } from '../catalogue/distributions.ts';
import { domainNames } from '../catalogue/domain-names.ts';
import type { Entry } from '../catalogue/entry.ts';
import { schemaOrgDataset } from '../catalogue/schema-org.ts';
import type { Service } from '../catalogue/services.ts';
import { uriOf } from '../catalogue/uris.ts';
import { durationOf } from '../catalogue/vocabulary.ts';
import type { ApiContext } from '../context.ts';
import { dataBlock, html } from './html.ts';
import type { Telling } from './latest-values.ts';
import { facts, link, list, section } from './page.ts';
import { addressLink, licenceLink, linksTo, named, type Content } from './pages.ts';
import { sayOn } from './words.ts';

export function datasetPage(context: ApiContext, entry: Entry, telling: Telling): Content {
  const { language, base } = telling;
  const publisher = publisherOf(context.config.catalogue, base);
  return {
    ...named(entry.title, 'dataset', telling),
    data: dataBlock('application/ld+json', schemaOrgDataset(entry, base, publisher)),
    content: [
      html`<p>${entry.description[language]}</p> `,
      section(sayOn(language, 'about'), datasetFacts(entry, telling)),
      entry.distributions.length === 0
        ? undefined
        : section(
            sayOn(language, 'download'),
            list(entry.distributions.map(({ url, title }) => link(url, title[language]))),
          ),
      entry.properties.length === 0
        ? undefined
        : section(
            sayOn(language, 'properties'),
            linksTo(
              'property',
              entry.properties.map(({ id, label }) => ({ id, name: label })),
              telling,
            ),
          ),
      entry.stations.length === 0
        ? undefined
        : section(sayOn(language, 'stations'), linksTo('station', entry.stations, telling)),
    ],
  };
}

function datasetFacts(entry: Entry, telling: Telling) {
  const { language, base } = telling;
  const { owner, licences, startAt, intervalMs } = entry;
  const day = (at: number) => new Date(at).toISOString().slice(0, 10);
  const usage = `${base}/api/v1/usage.csv?dataset=${encodeURIComponent(entry.id)}`;
  return facts([
    [sayOn(language, 'id'), entry.id],
    [sayOn(language, 'address'), addressLink(entry.uri)],
    [sayOn(language, 'owner'), owner && link(uriOf(base, 'owner', owner.id), owner.name[language])],
    [sayOn(language, 'domain'), domainNames[entry.domain][language]],
    [sayOn(language, 'licence'), list(licences.map((licence) => licenceLink(licence, telling)))],
    [sayOn(language, 'interval'), intervalMs === undefined ? undefined : durationOf(intervalMs)],
    [sayOn(language, 'from'), startAt === undefined ? undefined : day(startAt)],
    [sayOn(language, 'planned'), entry.state === 'planned' ? day(entry.issuedAt) : undefined],
    [sayOn(language, 'catalogue'), addressLink(`${entry.page}/dcat.ttl`)],
    [sayOn(language, 'usage'), entry.kind === 'network' ? addressLink(usage) : undefined],
  ]);
}

export function distributionPage(
  entry: Entry,
  { uri, title, url, kind, id, file }: Distribution,
  telling: Telling,
): Content {
  const { language } = telling;
  return {
    ...named(title, 'distribution', telling),
    content: facts([
      [sayOn(language, 'id'), id],
      [sayOn(language, 'address'), addressLink(uri)],
      [sayOn(language, 'dataset'), link(entry.uri, entry.title[language])],
      [sayOn(language, 'format'), kind.compression ?? kind.mediaType],
      [sayOn(language, 'download'), addressLink(url)],
      ['SHA-256', file?.sha256],
    ]),
  };
}

export function servicePage(service: Service, telling: Telling): Content {
  const { language, base } = telling;
  const { id, title, description, endpoint, descriptionPath, standard } = service;
  return {
    ...named(title, 'service', telling),
    content: facts([
      [sayOn(language, 'address'), addressLink(uriOf(base, 'service', id))],
      [sayOn(language, 'meaning'), description[language]],
      [sayOn(language, 'endpoint'), addressLink(`${base}${endpoint}`)],
      [
        sayOn(language, 'description'),
        descriptionPath === undefined ? undefined : addressLink(`${base}${descriptionPath}`),
      ],
      [sayOn(language, 'format'), standard && link(standard.uri, standard.title)],
    ]),
  };
}
