import type { Name, Owner } from '../../../devices/model.ts';
import type { CatalogueConfig } from '../config.ts';
import { uriOf } from '../uris.ts';
import { link, text, texts, type Thing } from './terms.ts';

/** Said where nobody was named: a name that was made up would be taken for one. */
export const publisherUnstated: Name = {
  vi: 'Chưa công bố đơn vị phát hành',
  en: 'Publisher not stated',
};

/** Who answers for the catalogue, and how to reach them. */
export interface Publisher {
  readonly uri: string;
  readonly name: Name;
  readonly email: string | undefined;
  readonly homepage: string | undefined;
  readonly isStated: boolean;
}

export function publisherOf(config: CatalogueConfig, base: string): Publisher {
  const { publisher } = config;
  return {
    uri: `${base}/catalog#publisher`,
    name: publisher?.name ?? publisherUnstated,
    email: publisher?.email,
    homepage: publisher?.homepage,
    isStated: publisher !== undefined,
  };
}

export function publisherThings(publisher: Publisher): readonly Thing[] {
  const agent: Thing = {
    uri: publisher.uri,
    types: ['foaf:Agent'],
    values: [
      ['foaf:name', texts(publisher.name)],
      ['foaf:homepage', publisher.homepage === undefined ? undefined : link(publisher.homepage)],
    ],
  };
  const page: readonly Thing[] =
    publisher.homepage === undefined
      ? []
      : [{ uri: publisher.homepage, types: ['foaf:Document'], values: [] }];
  const contact = contactUri(publisher);
  if (contact === undefined) return [agent, ...page];
  return [
    agent,
    ...page,
    {
      uri: contact,
      types: ['vcard:Kind', 'vcard:Organization'],
      values: [
        ['vcard:fn', texts(publisher.name)],
        [
          'vcard:hasEmail',
          publisher.email === undefined ? undefined : link(`mailto:${publisher.email}`),
        ],
        ['vcard:hasURL', publisher.homepage === undefined ? undefined : link(publisher.homepage)],
      ],
    },
  ];
}

/** Undefined where there is neither an address nor a page. */
export function contactUri({ uri, email, homepage }: Publisher): string | undefined {
  return email === undefined && homepage === undefined ? undefined : `${uri}-contact`;
}

export function ownerThing(owner: Owner, base: string): Thing {
  return {
    uri: uriOf(base, 'owner', owner.id),
    types: ['foaf:Agent'],
    values: [
      ['foaf:name', texts(owner.name)],
      ['dct:identifier', text(owner.id)],
    ],
  };
}
