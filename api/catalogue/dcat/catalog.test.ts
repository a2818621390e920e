import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';

import jsonld from 'jsonld';
import { DataFactory, Parser, Store, Writer, type Quad } from 'n3';
import SHACLValidator from 'rdf-validate-shacl';
import { RdfXmlParser } from 'rdfxml-streaming-parser';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../../api.fixture.ts';
import { importLarge } from '../network.fixture.ts';
import { expand } from './terms.ts';

const shapes = new Store(
  new Parser().parse(readFileSync(new URL('../shapes/dcat-ap-SHACL.ttl', import.meta.url), 'utf8')),
);

let rig: TestApi;

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
