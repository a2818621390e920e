import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';

import jsonld from 'jsonld';
import { DataFactory, Parser, Store, Writer, type Quad } from 'n3';
import SHACLValidator from 'rdf-validate-shacl';
import { RdfXmlParser } from 'rdfxml-streaming-parser';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../../api.fixture.ts';
import { apiConfig } from '../../config.ts';
import { createNetworks } from '../../network.ts';
import { createSettableClock } from '../../settable-clock.fixture.ts';
import { viewerOf } from '../../viewer.ts';
import { createCatalogue } from '../catalogue.ts';
import { importLarge } from '../network.fixture.ts';
import { fileKinds } from '../vocabulary.ts';
import { catalogPageText } from './page.ts';
import { expand } from './terms.ts';

const shapes = new Store(
  new Parser().parse(readFileSync(new URL('../shapes/dcat-ap-SHACL.ttl', import.meta.url), 'utf8')),
);

let rig: TestApi;

/** A view of no rows at all. */
const emptyStore = { range: () => [], horizon: { knownFromAt: -Infinity } };

beforeAll(async () => {
  rig = await openTestApi({
    config: {
      catalogue: {
        publisher: {
          name: { vi: 'Bộ "Thử" & <Nghiệm>', en: 'Ministry of Tests' },
          email: 'data@example.vn',
          homepage: 'https://example.vn/data?a=1&b=2',
        },
        datasetsPerPageMax: 40,
        pageBytesMax: 50_000_000,
        filesPerDatasetMax: 10,
        firstRowsMs: 60_000,
        plannedDatasets: [
          {
            id: 'rung',
            title: { vi: 'Rừng', en: 'Forests' },
            description: { vi: 'Sẽ mở.', en: 'To come.' },
            owner: 'so-1',
            domain: 'soil',
            from: '2030-01-01',
          },
        ],
      },
    },
  });
  importLarge(rig.registry, 20);
  await rig.publish([rig.row('ha-noi-temperature', startAt)]);
});
afterAll(() => rig.close());

async function textOf(path: string, accept = '*/*'): Promise<string> {
  const answer = await rig.get(path, { accept });
  expect([path, answer.status]).toEqual([path, 200]);
  return answer.text();
}

async function failuresOf(store: Store): Promise<readonly string[]> {
  const { results } = await new SHACLValidator(shapes).validate(store);
  return results.map(({ focusNode, path }) => `${focusNode?.value} ${String(path?.value)}`);
}

/** Every page of the catalogue, by its own paging. */
async function pagesOf(path: string): Promise<readonly Store[]> {
  const pages: Store[] = [];
  let url: string | undefined = path;
  while (url !== undefined) {
    const page: Store = new Store(new Parser().parse(await textOf(url)));
    pages.push(page);
    url = nextOf(page);
  }
  return pages;
}

function nextOf(page: Store): string | undefined {
  return page.getObjects(null, expand('hydra:next'), null)[0]?.value.replace(rig.url, '');
}

function datasetsIn(store: Store): readonly string[] {
  return store
    .getSubjects(expand('rdf:type'), expand('dcat:Dataset'), null)
    .map(({ value }) => value);
}

describe('the catalogue in DCAT-AP', () => {
  test('passes the published shapes on every page, of which no dataset is on two', async () => {
    const pages = await pagesOf('/catalog.ttl');
    expect(pages.length).toBeGreaterThan(2);
    const listed = pages.flatMap(datasetsIn);
    expect(new Set(listed).size).toBe(listed.length);
    expect(listed.length).toBeGreaterThan(100);
    for (const page of pages) expect(await failuresOf(page)).toEqual([]);
  });

  test('would not pass without a title, a publisher, or the class of a licence', async () => {
    const text = await textOf('/catalog.ttl');
    for (const [subject, predicate] of [
      [`${rig.url}/id/dataset/agency~weather`, 'dct:title'],
      [`${rig.url}/catalog`, 'dct:publisher'],
      ['https://creativecommons.org/licenses/by/4.0/', 'rdf:type'],
    ] as const) {
      const store = new Store(new Parser().parse(text));
      const quads = store.getQuads(subject, expand(predicate), null, null);
      expect(quads.length).toBeGreaterThan(0);
      store.removeQuads(quads);
      expect((await failuresOf(store)).length).toBeGreaterThan(0);
    }
  });

  test('says the same in Turtle, RDF/XML and JSON-LD, and has no blank node', async () => {
    const canonical = (nquads: string) =>
      jsonld.canonize(nquads, { algorithm: 'RDFC-1.0', inputFormat: 'application/n-quads' });
    const turtle = new Parser().parse(await textOf('/catalog?page=2', 'text/turtle'));
    const json = JSON.parse(await textOf('/catalog?page=2', 'application/ld+json')) as object;
    const fromJson = await jsonld.toRDF(json, { format: 'application/n-quads' });
    const xml = await quadsOfXml(await textOf('/catalog?page=2', 'application/rdf+xml'));
    const expected = await canonical(nquadsOf(turtle));
    expect(expected.split('\n').length).toBeGreaterThan(3_000);
    expect(await canonical(fromJson)).toBe(expected);
    expect(await canonical(nquadsOf(xml))).toBe(expected);
    expect(expected).not.toContain('_:');
  });

  test('passes them with files too, each with its size and hash', async () => {
    const file = {
      id: '2024-05.parquet',
      kind: fileKinds.parquet,
      url: 'https://example.vn/files/2024-05.parquet',
      month: '2024-05',
      bytes: 12_345,
      sha256: 'ab'.repeat(32),
      rows: 99,
      madeAt: startAt + 86_400_000,
    };
    const csv = {
      ...file,
      id: '2024-05.csv.gz',
      kind: fileKinds['csv.gz'],
      url: `${file.url}.csv`,
    };
    const config = apiConfig.parse({});
    const catalogue = createCatalogue(
      { config, clock: createSettableClock(startAt), store: emptyStore as never },
      rig.registry,
      { filesOf: () => [file, csv], changedAt: () => file.madeAt },
    );
    await catalogue.follow();
    const view = createNetworks(rig.registry).viewOf(viewerOf(rig.registry, undefined));
    const items = catalogue.items(view, ['network']).slice(0, 3);
    const base = 'https://example.vn';
    const question = { catalogue, view, base, format: 'ttl', items, page: 1 } as const;
    const text = await catalogPageText({ config }, { ...question, pageUrl: String });
    const store = new Store(new Parser({ baseIRI: `${base}/` }).parse(text));
    expect(await failuresOf(store)).toEqual([]);
    const uri = `${base}/id/distribution/agency~air~2024-05.parquet`;
    const valueOf = (term: 'dcat:byteSize' | 'dct:modified') =>
      store.getObjects(uri, expand(term), null).map(({ value }) => value);
    expect(valueOf('dcat:byteSize')).toEqual(['12345']);
    expect(valueOf('dct:modified')).toEqual(['2024-06-02T00:00:00Z']);
    const sums = store.getObjects(`${uri}#checksum`, expand('spdx:checksumValue'), null);
    expect(sums.map(({ value }) => value)).toEqual([file.sha256]);
    expect(items.map((item) => catalogue.modifiedAt(item))).toContain(file.madeAt);
  });

  test('goes on behind the last dataset of a page, though one of that page is closed meanwhile', async () => {
    const config = apiConfig.parse({ catalogue: { datasetsPerPageMax: 2 } });
    const catalogue = createCatalogue(
      { config, clock: createSettableClock(startAt), store: emptyStore as never },
      rig.registry,
      { filesOf: () => [], changedAt: () => undefined },
    );
    await catalogue.follow();
    const view = createNetworks(rig.registry).viewOf(viewerOf(rig.registry, undefined));
    const items = catalogue.items(view, ['series']).slice(0, 5);
    const pageUrl = (page: number, after?: string) => `https://example.vn/?${page}&${after ?? ''}`;
    const question = {
      catalogue,
      view,
      base: 'https://example.vn',
      format: 'ttl',
      pageUrl,
    } as const;
    const nextOf = async (of: typeof items, page: number, after?: string) =>
      / hydra:next <https:\/\/example\.vn\/\?(\d+)&([^>]*)>/
        .exec(await catalogPageText({ config }, { ...question, items: of, page, after }))
        ?.slice(1);
    const sorted = items.map(({ id }) => id).toSorted();
    expect(await nextOf(items, 1)).toEqual(['2', sorted[1]]);
    const rest = items.filter(({ id }) => id !== sorted[0]);
    expect(await nextOf(rest, 2, sorted[1])).toEqual(['3', sorted[3]]);
    expect(await nextOf(rest, 3, sorted[3])).toBeUndefined();
  });

  test('keeps the address of a dataset through a merger of provinces and another device', async () => {
    const before = datasetsIn(
      new Store(new Parser().parse(await textOf('/catalog.ttl?owner=so-3'))),
    );
    rig.registry.importFile(
      {
        format: 'quantrac-registry/1',
        stations: [0, 1].map((number) => ({
          id: `so-3-tram-${number}`,
          name: { vi: 'Tên mới', en: 'New name' },
          owner: 'so-3',
          latitude: 10,
          longitude: 105,
          timeZone: 'Asia/Ho_Chi_Minh',
          class: 'reference',
          administrative: [{ province: '79', from: '2026-01-01' }],
        })),
        devices: [{ id: 'other', owner: 'so-3' }],
        deployments: [
          {
            device: 'other',
            datastream: 'so-3-tram-0.air-temperature',
            channel: 'x',
            from: '2026-01-01T00:00:00Z',
          },
        ],
      },
      'test',
    );
    const after = datasetsIn(
      new Store(new Parser().parse(await textOf('/catalog.ttl?owner=so-3'))),
    );
    expect(before.length).toBeGreaterThan(1);
    expect(after).toEqual(before);
  });
});

function nquadsOf(quads: readonly Quad[]): string {
  return new Writer({ format: 'N-Quads' }).quadsToString([...quads]);
}

async function quadsOfXml(text: string): Promise<readonly Quad[]> {
  const quads: Quad[] = [];
  const parser = new RdfXmlParser({ dataFactory: DataFactory as never });
  for await (const quad of Readable.from([text]).pipe(parser as never) as AsyncIterable<Quad>) {
    quads.push(quad);
  }
  return quads;
}
