import jsonld from 'jsonld';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';

let rig: TestApi;

const things = [
  ['station', 'ha-noi'],
  ['datastream', 'ha-noi-temperature'],
  ['owner', 'agency'],
  ['property', 'pm2.5'],
  ['unit', 'ug~2Fm3'],
  ['flag', '3'],
  ['licence', 'CC-BY-4.0'],
  ['dataset', 'agency~weather'],
  ['distribution', 'agency~weather~latest.csv'],
  ['service', 'api'],
] as const;

beforeAll(async () => {
  rig = await openTestApi();
  const name = { vi: `<b>Trạm</b> "Đồng Hới" & '`, en: '</title><script>x</script>' };
  const station = {
    id: 'dong-hoi',
    name,
    owner: 'agency',
    latitude: 17.5,
    longitude: 106.6,
    timeZone: 'Asia/Ho_Chi_Minh',
    class: 'reference',
  };
  const datastream = {
    id: 'dong-hoi-rain',
    station: 'dong-hoi',
    property: 'rainfall',
    aggregation: 'sum',
    intervalMs: 600_000,
  };
  rig.registry.importFile(
    { format: 'quantrac-registry/1', stations: [station], datastreams: [datastream] },
    'test',
  );
  rig.setNow(startAt + 3_600_000);
  await rig.publish([
    rig.row('ha-noi-temperature', startAt, { result: 26.45 }),
    rig.row('ha-noi-pm25', startAt + 3_000_000, {
      result: null,
      verdict: {
        flag: 9,
        tests: '9999999999999999',
        qualifiers: 0,
        reason: 'MISSING',
        rules: '0badc0de',
      },
    }),
  ]);
});
afterAll(() => rig.close());

function ask(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${rig.url}${path}`, { headers, redirect: 'manual' });
}

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

describe('a name', () => {
  test.each(things)(
    'of a %s (%s) leads people and programs to a document each',
    async (kind, id) => {
      for (const [language, accepted] of [
        ['vi', 'vi-VN,vi;q=0.9,en;q=0.5'],
        ['en', 'en-GB,en;q=0.9'],
      ] as const) {
        const answer = await ask(`/id/${kind}/${id}`, { ...browser, 'accept-language': accepted });
        expect(answer.status).toBe(303);
        const address = answer.headers.get('location') ?? '';
        expect(address).toBe(`${rig.url}/doc/${kind}/${encodeURIComponent(id)}.${language}.html`);
        const page = await fetch(address);
        expect([page.status, page.headers.get('content-type')]).toEqual([
          200,
          'text/html; charset=utf-8',
        ]);
        expect(await page.text()).toContain(`<html lang="${language}">`);
      }
      const linked = await ask(`/id/${kind}/${id}`);
      expect(linked.status).toBe(303);
      const document = await fetch(linked.headers.get('location') ?? '');
      expect([document.status, document.headers.get('content-type')?.split(';')[0]]).toEqual([
        200,
        'application/ld+json',
      ]);
      const triples = await jsonld.toRDF((await document.json()) as object, {});
      expect(triples.map(({ subject }) => subject.value)).toContain(`${rig.url}/id/${kind}/${id}`);
    },
  );

  test('says what its answer depends on, and takes the language that is asked for', async () => {
    const answer = await ask('/id/station/ha-noi?lang=en', {
      ...browser,
      'accept-language': 'vi',
    });
    expect(answer.headers.get('location')).toMatch(/\.en\.html$/);
    expect(answer.headers.get('vary')).toMatch(/accept, accept-language/);
    expect((await ask('/id/station/ha-noi?lang=fr')).status).toBe(400);
    expect((await ask('/id/station/ha-noi', { accept: 'image/png' })).status).toBe(406);
  });

  test.each(['station', 'datastream', 'owner', 'dataset'])(
    'of a hidden %s is answered byte for byte as one of nothing',
    async (kind) => {
      const hidden = { station: 'hidden', datastream: 'hidden-temperature', owner: 'secret' };
      rig.registry.importFile(
        {
          format: 'quantrac-registry/1',
          owners: [
            {
              id: 'secret',
              name: { vi: 'Kín', en: 'Secret' },
              kind: 'state',
              visibility: 'internal',
            },
          ],
        },
        'test',
      );
      const id = { ...hidden, dataset: 'hidden~air-temperature' }[kind] ?? '';
      const other = 'x'.repeat(id.length);
      const plain = async (path: string, headers: Record<string, string>) => {
        const answer = await ask(path, headers);
        const body = await answer.text();
        const { date: _date, ...head } = Object.fromEntries(answer.headers);
        const said = JSON.stringify([answer.status, head, body]);
        return said.replaceAll(/req-[a-z0-9]+/g, 'req').replaceAll(encodeURIComponent(id), other);
      };
      for (const headers of [browser, {}]) {
        for (const path of ['/id/*/#', '/doc/*/#.vi.html', '/doc/*/#.jsonld']) {
          const of = (name: string) => path.replace('*', kind).replace('#', name);
          expect(await plain(of(encodeURIComponent(id)), headers)).toBe(
            await plain(of(other), headers),
          );
          expect((await ask(of(encodeURIComponent(id)), headers)).status).toBe(404);
        }
      }
      const operator = { ...browser, authorization: `Bearer ${rig.operator}` };
      expect((await ask(`/id/${kind}/${encodeURIComponent(id)}`, operator)).status).toBe(303);
    },
  );
});

describe('the contents', () => {
  test.each(['/doc', '/doc/'])('at %s lead people and programs on', async (path) => {
    for (const [accepted, language] of [
      ['vi-VN', 'vi'],
      ['en-GB,en;q=0.9', 'en'],
    ] as const) {
      const answer = await ask(path, { ...browser, 'accept-language': accepted });
      expect(answer.status).toBe(303);
      const address = `${rig.url}/doc/contents.${language}.html`;
      expect(answer.headers.get('location')).toBe(address);
      const page = await (await fetch(address)).text();
      expect(page).toContain(`<html lang="${language}">`);
      for (const [kind, id] of things) {
        const isIn = page.includes(`href="${rig.url}/id/${kind}/${encodeURIComponent(id)}"`);
        expect([kind, isIn]).toEqual([kind, !['datastream', 'distribution'].includes(kind)]);
      }
    }
    const linked = await ask(path);
    expect(linked.headers.get('location')).toBe(`${rig.url}/catalog.jsonld`);
  });

  test('name what the viewer sees, and nothing else', async () => {
    const path = '/doc/contents.en.html';
    const text = await (await ask(path)).text();
    expect(text).not.toContain('/id/station/hidden"');
    const all = await ask(path, { authorization: `Bearer ${rig.operator}` });
    expect(all.headers.get('cache-control')).toMatch(/^private/);
    expect(await all.text()).toContain('/id/station/hidden"');
  });
});

describe('a document', () => {
  test('of a station shows its newest values with age, staleness and flag', async () => {
    const vi = await (await ask('/doc/station/ha-noi.vi.html')).text();
    expect(vi).toContain('26,45 °C');
    expect(vi).toContain('01/06/2024 07:00');
    expect(vi).toMatch(/1 giờ <span class="late">\(quá hạn\)<\/span>/);
    expect(vi).toMatch(/class="chip flag9"[^>]*>thiếu</);
    expect(vi).toContain('thiết bị không gửi');
    const en = await (await ask('/doc/station/ha-noi.en.html')).text();
    expect(en).toContain('26.45 °C');
    expect(en).toContain('nothing was sent');
    expect(en).toContain('10 minutes');
    expect(en).toContain('/api/v1/observations.svg?datastream=ha-noi-temperature&amp;lang=en');
  });

  test('of a place that is public to a precision shows it so', async () => {
    const text = await (await ask('/doc/station/garden.en.html')).text();
    expect(text).not.toContain('10.762622');
  });

  test('holds every name as text, whatever is in it', async () => {
    for (const language of ['vi', 'en']) {
      const text = await (await ask(`/doc/station/dong-hoi.${language}.html`)).text();
      expect(text).not.toMatch(/<script>x|<b>Trạm|<\/title><script/);
      expect(text).toContain('&lt;b&gt;Trạm&lt;/b&gt; &quot;Đồng Hới&quot; &amp; &#39;');
    }
  });

  test('of a property links it to published terms, and of a unit to QUDT', async () => {
    const read = async (path: string) => JSON.parse(await (await ask(path)).text()) as object;
    expect(await read('/doc/property/pm2.5.jsonld')).toMatchObject({
      id: `${rig.url}/id/property/pm2.5`,
      prefLabel: { vi: 'Bụi mịn PM2,5', en: 'PM2.5' },
      exactMatch: expect.arrayContaining([
        'http://dd.eionet.europa.eu/vocabulary/aq/pollutant/6001',
      ]),
      isPrimaryTopicOf: `${rig.url}/doc/property/pm2.5.jsonld`,
    });
    expect(await read('/doc/unit/ug~2Fm3.jsonld')).toMatchObject({
      id: `${rig.url}/id/unit/ug~2Fm3`,
      ucumCode: 'ug/m3',
      closeMatch: ['http://qudt.org/vocab/unit/MicroGM-PER-M3'],
    });
    expect(await read('/doc/flag/3.jsonld')).toMatchObject({
      exactMatch: 'http://codes.wmo.int/wmdr/WaterML2_0/suspect',
    });
  });

  test('of a dataset holds its description for search engines', async () => {
    const text = await (await ask('/doc/dataset/agency~weather.vi.html')).text();
    const [, block = ''] = /<script type="application\/ld\+json">(.*?)<\/script>/s.exec(text) ?? [];
    expect(JSON.parse(block)).toMatchObject({
      '@type': 'Dataset',
      '@id': `${rig.url}/id/dataset/agency~weather`,
    });
  });

  test('is answered 304 while it is the same', async () => {
    const first = await ask('/doc/property/rainfall.vi.html');
    await first.text();
    const again = await ask('/doc/property/rainfall.vi.html', {
      'if-none-match': first.headers.get('etag') ?? '',
    });
    expect(again.status).toBe(304);
  });

  test('leads to others that are there: no link of any page is broken', async () => {
    const seen = new Set<string>();
    const broken: string[] = [];
    const waiting = things.map(([kind, id]) => `${rig.url}/id/${kind}/${id}`);
    for (let address = waiting.pop(); address !== undefined; address = waiting.pop()) {
      if (seen.has(address) || !address.startsWith(rig.url) || seen.size > 400) continue;
      seen.add(address);
      if (/\/live|\/changes|observations|\.parquet|\/$/.test(address)) continue;
      const answer = await fetch(address, { headers: browser });
      const text = await answer.text();
      if (answer.status !== 200) broken.push(`${answer.status} ${address}`);
      if (!answer.headers.get('content-type')?.startsWith('text/html')) continue;
      for (const [, href = ''] of text.matchAll(/href="([^"]+)"/g)) {
        waiting.push(new URL(href.replaceAll('&amp;', '&'), answer.url).href);
      }
    }
    expect(broken).toEqual([]);
    expect(seen.size).toBeGreaterThan(60);
  });
});
