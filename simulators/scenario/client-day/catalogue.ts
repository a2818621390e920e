/**
 * From the bare address to a dataset: the links of the landing page, those of the API's root, the
 * catalogue as DCAT in JSON-LD, page by page, and the same dataset in data.json.
 */
import { keep } from './promise.ts';
import type { Wire } from './wire.ts';

export interface CatalogueFile {
  readonly url: string;
  readonly mediaType: string;
  readonly sha256: string;
  readonly bytes: number;
}

export interface FoundDataset {
  readonly uri: string;
  readonly title: string;
  readonly licence: string;
  readonly page: string;
  /** Live addresses, each with the filter of the dataset. */
  readonly observations: string;
  readonly changes: string;
  readonly live: string;
  readonly files: readonly CatalogueFile[];
}

/** A value of JSON-LD: an address, or a text with its language or type. */
interface Value {
  readonly '@id'?: string;
  readonly '@value'?: string;
  readonly '@language'?: string;
}
type Thing = Readonly<Record<string, readonly Value[] | undefined>> & {
  readonly '@id': string;
  readonly '@type': readonly string[];
};

const notALink = /[<>]/g;

/** Addresses of the catalogue in DCAT and as data.json. */
export async function findCatalogue(
  wire: Wire,
  address: string,
): Promise<{ readonly dcat: string; readonly dataJson: string; readonly index: string }> {
  const landing = await wire.ask(`${address}/`);
  keep('the landing page is there', landing.status === 200, () => landing.status);
  const links = (landing.headers.get('link') ?? '').split(/,\s*(?=<)/);
  const found = links.find((link) => /rel="index"/.test(link))?.split(';', 1)[0];
  keep('the landing page links to the API', found !== undefined, () => links);
  const index = new URL(found.trim().replaceAll(notALink, ''), `${address}/`).href;
  const root = await wire.json<{ links: { rel: string; href: string }[] }>(index);
  const hrefOf = (rel: string): string => {
    const href = root.links.find((link) => link.rel === rel)?.href;
    keep(`the root of the API links to its ${rel}`, href !== undefined, () => root.links);
    return href;
  };
  return { index, dcat: hrefOf('catalog'), dataJson: hrefOf('data.json') };
}

async function thingsOf(wire: Wire, url: string): Promise<ReadonlyMap<string, Thing>> {
  const things = new Map<string, Thing>();
  for (let page: string | undefined = url; page !== undefined;) {
    const given: { readonly '@graph': readonly Thing[] } = await wire.json(page, {
      accept: 'application/ld+json',
    });
    const { '@graph': graph } = given;
    for (const thing of graph) things.set(thing['@id'], thing);
    const about = graph.find((thing) => thing['hydra:next'] !== undefined);
    page = about?.['hydra:next']?.[0]?.['@id'];
  }
  return things;
}

const idOf = (thing: Thing | undefined, name: string): string => thing?.[name]?.[0]?.['@id'] ?? '';
const textOf = (thing: Thing | undefined, name: string): string =>
  thing?.[name]?.[0]?.['@value'] ?? '';

/** The dataset with such an English title, of all that the catalogue has. */
export async function chooseDataset(
  wire: Wire,
  catalogue: string,
  wanted: RegExp,
): Promise<FoundDataset> {
  const things = await thingsOf(wire, catalogue);
  const titleOf = (thing: Thing): string =>
    thing['dct:title']?.find((value) => value['@language'] === 'en')?.['@value'] ?? '';
  const dataset = [...things.values()].find(
    (thing) => thing['@type'].includes('dcat:Dataset') && wanted.test(titleOf(thing)),
  );
  keep('the dataset is in the catalogue', dataset !== undefined, () => [...things.keys()]);
  const distributions = (dataset['dcat:distribution'] ?? []).map((value) =>
    things.get(value['@id'] ?? ''),
  );
  const live = (what: string): string => {
    const found = distributions
      .map((each) => idOf(each, 'dcat:accessURL'))
      .find((url) => new URL(url, 'http://none').pathname.endsWith(what));
    keep(`the dataset is served as ${what}`, found !== undefined, () => distributions);
    return found;
  };
  const licences = dataset['dct:license'] ?? [];
  const licence = licences[0]?.['@id'] ?? '';
  keep('the dataset names its licence', licences.length === 1 && URL.canParse(licence), () => [
    dataset,
  ]);
  return {
    uri: dataset['@id'],
    title: titleOf(dataset),
    licence,
    page: idOf(dataset, 'dcat:landingPage'),
    observations: live('/observations.json'),
    changes: live('/changes'),
    live: live('/live'),
    files: distributions.flatMap((each) => fileOf(things, each)),
  };
}

function fileOf(
  things: ReadonlyMap<string, Thing>,
  distribution: Thing | undefined,
): CatalogueFile[] {
  const url = idOf(distribution, 'dcat:downloadURL');
  if (url === '') return [];
  const checksum = things.get(idOf(distribution, 'spdx:checksum'));
  const compressed = idOf(distribution, 'dcat:compressFormat');
  return [
    {
      url,
      mediaType: compressed === '' ? idOf(distribution, 'dcat:mediaType') : compressed,
      sha256: textOf(checksum, 'spdx:checksumValue'),
      bytes: Number(textOf(distribution, 'dcat:byteSize')),
    },
  ];
}

/** What data.json says of the dataset: its licence, and its files by their addresses. */
export async function datasetOfDataJson(
  wire: Wire,
  url: string,
  uri: string,
): Promise<{ readonly licence: string | undefined; readonly files: readonly string[] }> {
  const { dataset } = await wire.json<{
    dataset: { identifier: string; license?: string; distribution: { downloadURL?: string }[] }[];
  }>(url);
  const found = dataset.find(({ identifier }) => identifier === uri);
  keep('data.json has the dataset of the catalogue', found !== undefined, () => [uri, dataset]);
  const files = found.distribution.flatMap(({ downloadURL }) => downloadURL ?? []);
  return { licence: found.license, files };
}
