/** What is said of one dataset in DCAT-AP 3.0.0, with everything that it points to described. */
import type { Distribution } from '../distributions.ts';
import type { Entry } from '../entry.ts';
import { wktOf } from '../extent.ts';
import { serviceUri } from '../services.ts';
import { uriOf } from '../uris.ts';
import {
  accessRights,
  durationOf,
  environmentTheme,
  fileTypeUri,
  frequencyOf,
  highValueCategories,
  languages,
  mediaTypeUri,
  plannedStatus,
  themeScheme,
  type Concept,
} from '../vocabulary.ts';
import { contactUri, ownerThing, type Publisher } from './publisher.ts';
import { link, moment, text, texts, typed, type Thing } from './terms.ts';

export function seriesUri(base: string, owner: string): string {
  return `${uriOf(base, 'owner', owner)}#series`;
}

/** Things that a dataset describes itself, and those that many datasets share, by address. */
export interface DatasetGraph {
  readonly own: readonly Thing[];
  readonly shared: readonly Thing[];
}

export function datasetGraph(entry: Entry, base: string, publisher: Publisher): DatasetGraph {
  const { uri, distributions } = entry;
  const own = [
    datasetThing(entry, base, publisher),
    ...spatialThings(entry),
    ...temporalThings(entry),
    ...distributions.flatMap((each) => distributionThings(entry, each, base)),
    { uri: `${uri}#provenance`, types: ['dct:ProvenanceStatement'], values: provenance },
    { uri: entry.page, types: ['foaf:Document'], values: [] },
  ] as const satisfies readonly Thing[];
  return { own, shared: sharedThings(entry, base) };
}

const provenance: Thing['values'] = [
  [
    'rdfs:label',
    texts({
      vi: 'Do thiết bị tại trạm đo và gửi về, được kiểm tra tự động; mọi hiệu chỉnh đều được lưu, giá trị gốc không bị thay thế.',
      en: 'Measured and sent by devices at the stations and checked automatically; every correction is kept, and no original value is replaced.',
    }),
  ],
];

/** What all observations are described by. */
const standards: readonly (readonly [string, string])[] = [
  ['https://www.w3.org/TR/vocab-ssn/', 'Semantic Sensor Network Ontology (SOSA/SSN)'],
];

function datasetThing(entry: Entry, base: string, publisher: Publisher): Thing {
  const { uri, owner, box, places, startAt, intervalMs, licences, modifiedAt } = entry;
  const isPlanned = entry.state === 'planned';
  const contact = contactUri(publisher);
  return {
    uri,
    types: ['dcat:Dataset', 'dcat:Resource'],
    values: [
      ['dct:title', texts(entry.title)],
      ['dct:description', texts(entry.description)],
      ['dct:identifier', text(uri)],
      ['dct:issued', moment(entry.issuedAt)],
      ['dct:modified', modifiedAt === undefined ? undefined : moment(modifiedAt)],
      ['dct:publisher', link(owner === undefined ? publisher.uri : ownerUri(entry, base))],
      ['dct:license', licences.map((licence) => link(licence.uri))],
      ['dct:accessRights', link(accessRights[entry.access].uri)],
      ['dct:accrualPeriodicity', concept(intervalMs, (ms) => frequencyOf(ms).uri)],
      ['dct:language', [link(languages.vi), link(languages.en)]],
      ['dct:spatial', spatialUris(entry, box !== undefined, places).map(link)],
      ['dct:temporal', startAt === undefined ? undefined : link(`${uri}#temporal`)],
      ['dct:provenance', link(`${uri}#provenance`)],
      ['dct:conformsTo', isPlanned ? undefined : standards.map(([standard]) => link(standard))],
      ['dcat:keyword', keywordsOf(entry)],
      ['dcat:theme', link(environmentTheme.uri)],
      ['dcatap:hvdCategory', highValueCategories[entry.domain].map((each) => link(each.uri))],
      ['dcat:landingPage', link(entry.page)],
      ['dcat:contactPoint', contact === undefined ? undefined : link(contact)],
      [
        'dcat:temporalResolution',
        intervalMs === undefined ? undefined : typed(durationOf(intervalMs), 'xsd:duration'),
      ],
      [
        'dcat:inSeries',
        isPlanned || owner === undefined ? undefined : link(seriesUri(base, owner.id)),
      ],
      ['dcat:distribution', entry.distributions.map((each) => link(each.uri))],
      ['adms:status', isPlanned ? link(plannedStatus.uri) : undefined],
    ],
  };
}

function ownerUri({ owner }: Entry, base: string): string {
  return uriOf(base, 'owner', owner?.id ?? '');
}

function concept(intervalMs: number | undefined, uri: (ms: number) => string) {
  return intervalMs === undefined ? undefined : link(uri(intervalMs));
}

function keywordsOf({ keywords }: Entry) {
  return [
    ...keywords.vi.map((word) => text(word, 'vi')),
    ...keywords.en.map((word) => text(word, 'en')),
  ];
}

function spatialUris({ uri }: Entry, hasBox: boolean, places: Entry['places']): readonly string[] {
  return [
    ...(hasBox ? [`${uri}#extent`] : []),
    ...places.map(({ code }) => `${uri}#province-${code}`),
  ];
}

function spatialThings({ uri, box, places }: Entry): readonly Thing[] {
  const provinces = places.map(({ code, name }): Thing => ({
    uri: `${uri}#province-${code}`,
    types: ['dct:Location'],
    values: [
      ['skos:prefLabel', text(name, 'vi')],
      ['dct:identifier', text(code)],
    ],
  }));
  if (box === undefined) return provinces;
  const extent: Thing = {
    uri: `${uri}#extent`,
    types: ['dct:Location'],
    values: [['dcat:bbox', typed(wktOf(box), 'geosparql:wktLiteral')]],
  };
  return [extent, ...provinces];
}

/** Without an end: the data go on. */
function temporalThings({ uri, startAt }: Entry): readonly Thing[] {
  if (startAt === undefined) return [];
  return [
    {
      uri: `${uri}#temporal`,
      types: ['dct:PeriodOfTime'],
      values: [['dcat:startDate', moment(startAt)]],
    },
  ];
}

function distributionThings(
  { licences }: Entry,
  { uri, title, kind, url, service, file }: Distribution,
  base: string,
): readonly Thing[] {
  const [licence] = licences;
  const distribution: Thing = {
    uri,
    types: ['dcat:Distribution'],
    values: [
      ['dct:title', texts(title)],
      ['dcat:accessURL', link(url)],
      ['dcat:downloadURL', file === undefined ? undefined : link(url)],
      ['dcat:mediaType', link(mediaTypeUri(kind.mediaType))],
      ['dct:format', kind.code === undefined ? undefined : link(fileTypeUri(kind.code))],
      [
        'dcat:compressFormat',
        kind.compression === undefined ? undefined : link(mediaTypeUri(kind.compression)),
      ],
      // One at most (DCAT-AP 3.0.0, Distribution.licence): several are told by the dataset.
      [
        'dct:license',
        licences.length === 1 && licence !== undefined ? link(licence.uri) : undefined,
      ],
      ['dct:modified', file === undefined ? undefined : moment(file.madeAt)],
      [
        'dcat:byteSize',
        file === undefined ? undefined : typed(String(file.bytes), 'xsd:nonNegativeInteger'),
      ],
      ['spdx:checksum', file === undefined ? undefined : link(`${uri}#checksum`)],
      ['dcat:accessService', service === undefined ? undefined : link(serviceUri(base, service))],
    ],
  };
  const address: Thing = { uri: url, types: ['rdfs:Resource'], values: [] };
  if (file === undefined) return [distribution, address];
  const checksum: Thing = {
    uri: `${uri}#checksum`,
    types: ['spdx:Checksum'],
    values: [
      ['spdx:algorithm', link(sha256Algorithm)],
      ['spdx:checksumValue', typed(file.sha256, 'xsd:hexBinary')],
    ],
  };
  return [distribution, address, checksum];
}

const sha256Algorithm = 'http://spdx.org/rdf/terms#checksumAlgorithm_sha256';

/** Terms of published vocabularies, named so that a reader needs no other file. */
function sharedThings(entry: Entry, base: string): readonly Thing[] {
  const concepts: readonly Concept[] = [
    environmentTheme,
    ...highValueCategories[entry.domain],
    ...(entry.state === 'planned' ? [plannedStatus] : []),
  ];
  const kinds = entry.distributions.map(({ kind }) => kind);
  const mediaTypes = kinds.flatMap(({ mediaType, compression }) => [mediaType, compression ?? []]);
  return [
    ...concepts.map(conceptThing),
    rightsThing(accessRights[entry.access]),
    ...(entry.intervalMs === undefined ? [] : [frequencyThing(frequencyOf(entry.intervalMs))]),
    ...entry.licences.map((licence) => ({
      uri: licence.uri,
      types: ['dct:LicenseDocument'] as const,
      values: [
        ['dct:title', texts(licence.title)],
        ['dct:identifier', text(licence.id)],
      ] as const,
    })),
    ...standards.map(([uri, title]) => ({
      uri,
      types: ['dct:Standard'] as const,
      values: [['dct:title', text(title, 'en')]] as const,
    })),
    ...mediaTypes.flat().map((type) => plain(mediaTypeUri(type), 'dct:MediaType')),
    ...kinds.flatMap(({ code }) =>
      code === undefined ? [] : [plain(fileTypeUri(code), 'dct:MediaTypeOrExtent')],
    ),
    ...(entry.owner === undefined ? [] : [ownerThing(entry.owner, base)]),
    ...(entry.distributions.some(({ file }) => file !== undefined)
      ? [plain(sha256Algorithm, 'spdx:ChecksumAlgorithm')]
      : []),
  ];
}

function plain(uri: string, type: Thing['types'][number]): Thing {
  return { uri, types: [type], values: [] };
}

function conceptThing({ uri, label }: Concept): Thing {
  const scheme = uri === environmentTheme.uri ? link(themeScheme.uri) : undefined;
  return {
    uri,
    types: ['skos:Concept'],
    values: [
      ['skos:prefLabel', texts(label)],
      ['skos:inScheme', scheme],
    ],
  };
}

function rightsThing({ uri, label }: Concept): Thing {
  return { uri, types: ['dct:RightsStatement'], values: [['rdfs:label', texts(label)]] };
}

function frequencyThing({ uri, label }: Concept): Thing {
  return { uri, types: ['dct:Frequency'], values: [['rdfs:label', texts(label)]] };
}
