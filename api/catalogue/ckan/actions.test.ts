import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type Json, type TestApi } from '../../api.fixture.ts';
import { importLarge } from '../network.fixture.ts';
import { ckanName, uuidOf, type CkanPackage } from './package.ts';
import { readFilterQuery, readWords } from './search.ts';

let rig: TestApi;

beforeAll(async () => {
  rig = await openTestApi();
  importLarge(rig.registry, 4);
  await rig.publish([rig.row('ha-noi-temperature', startAt)]);
});
afterAll(() => rig.close());

interface Envelope {
  readonly help: string;
  readonly success: boolean;
  readonly result: unknown;
  readonly error?: Record<string, unknown>;
}

async function act(name: string, query: Record<string, string> = {}): Promise<Envelope> {
  const search = new URLSearchParams(query).toString();
  return (await rig.json(`/api/3/action/${name}?${search}`)) as unknown as Envelope;
}

async function search(query: Record<string, string>): Promise<readonly CkanPackage[]> {
  const { success, result } = await act('package_search', query);
  expect(success).toBe(true);
  return (result as { results: CkanPackage[] }).results;
}

describe('CKAN’s action API', () => {
  test('gives every dataset once to a harvester that pages through it as ckanext-harvest does', async () => {
    const ids: string[] = [];
    for (let start = 0; ; start += 7) {
      const page = await search({ rows: '7', start: String(start), sort: 'id asc' });
      if (page.length === 0) break;
      ids.push(...page.map(({ id }) => id));
    }
    const { items } = await rig.json('/api/v1/datasets?state=available');
    expect(ids.toSorted()).toEqual(items.map(({ uri }) => uuidOf(String(uri))).toSorted());
    expect(ids).toEqual(ids.toSorted());
  });

  test('filters by organisation, group and time of change, with OR and minus', async () => {
    const names = async (fq: string) => {
      const found = await search({ fq, rows: '100' });
      return new Set(found.map(({ organization }) => organization?.name));
    };
    expect(await names('organization:so-1 OR organization:so-2')).toEqual(
      new Set(['so-1', 'so-2']),
    );
    expect(await names('-organization:so-0 -organization:so-1 -organization:so-2')).toEqual(
      new Set(['agency', 'factory', 'so-3']),
    );
    expect(
      await names('organization:so-1 metadata_modified:[2020-01-01T00:00:00.000000Z TO *]'),
    ).toEqual(new Set(['so-1']));
    expect(await names('metadata_modified:[2990-01-01T00:00:00.000000Z TO *]')).toEqual(new Set());
    const air = await search({ fq: 'groups:air', rows: '100' });
    expect(air.length).toBeGreaterThan(3);
    expect(new Set(air.map(({ groups }) => groups[0]?.name))).toEqual(new Set(['air']));
  });

  test('finds words without regard to case and diacritics', async () => {
    expect((await search({ q: 'khi TUONG so 2' })).map(({ title }) => title)).toContain(
      'Khí tượng – Sở 2 – Môi trường / Weather – Department 2',
    );
    expect(await search({ q: 'khong co gi nhu vay' })).toEqual([]);
  });

  test('shows a package by id, name and its own id, and the same by POST where ckanapi asks', async () => {
    const [name] = (await act('package_list')).result as string[];
    const { result } = await act('package_show', { id: name ?? '' });
    const shown = result as CkanPackage;
    expect((await act('package_show', { id: shown.id })).result).toEqual(shown);
    const post = await fetch(`${rig.url}/api/action/package_show`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: shown.id }),
    });
    expect(((await post.json()) as Envelope).result).toEqual(shown);
    expect(shown).toMatchObject({ state: 'active', type: 'dataset', private: false });
    for (const { id, url } of shown.resources as unknown as { id: string; url: string }[]) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(url).toMatch(/^http/);
    }
  });

  test('shows organisations, groups, tags and its state', async () => {
    const { result } = await act('organization_show', { id: 'agency' });
    expect(result).toMatchObject({ name: 'agency', is_organization: true, package_count: 2 });
    expect((await act('group_list')).result).toEqual(expect.arrayContaining(['weather', 'air']));
    expect((await act('tag_list')).result).toContain('quan trắc môi trường');
    expect((await act('status_show')).result).toMatchObject({ site_url: rig.url });
    expect((await act('site_read')).result).toBe(true);
    const listed = (await act('current_package_list_with_resources', { limit: '3' })).result;
    expect(listed).toHaveLength(3);
  });

  test.each([
    ['package_show?id=none', 404, 'API_DATASET_UNKNOWN'],
    ['package_show', 400, 'API_PARAMETER_INVALID'],
    ['package_search?fq=colour:red', 400, 'API_PARAMETER_INVALID'],
    // Each term is looked at for every package: more than anybody asks would hold up all others.
    [`package_search?fq=${'-tags:x '.repeat(60)}`, 400, 'API_PARAMETER_INVALID'],
    [`package_search?fq=${'tags:x OR '.repeat(60)}tags:x`, 400, 'API_PARAMETER_INVALID'],
    [`package_search?q=${'x '.repeat(60)}`, 400, 'API_PARAMETER_INVALID'],
    [`package_search?sort=${'name asc,'.repeat(60)}id`, 400, 'API_PARAMETER_INVALID'],
    ['package_search?rows=-1', 400, 'API_PARAMETER_INVALID'],
    ['package_create', 404, 'API_NOT_FOUND'],
    ['toString', 404, 'API_NOT_FOUND'],
  ])('refuses %s as CKAN does, and as a problem', async (action, status, code) => {
    const answer = await rig.get(`/api/3/action/${action}`);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const type = status === 404 ? 'Not Found Error' : 'Validation Error';
    expect([answer.status, await answer.json()]).toMatchObject([
      status,
      { success: false, code, error: { __type: type } },
    ]);
  });

  test('shows hidden datasets to those who may see them, and to nobody else', async () => {
    const list = async (headers: Record<string, string>) => {
      const body: Json = await rig.json('/api/3/action/package_search?rows=1000', headers);
      return JSON.stringify(body);
    };
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
        stations: [
          {
            id: 'secret-station',
            name: { vi: 'Kín', en: 'Secret' },
            owner: 'secret',
            latitude: 10,
            longitude: 105,
            timeZone: 'Asia/Ho_Chi_Minh',
            class: 'reference',
          },
        ],
        datastreams: [
          {
            id: 'secret-ph',
            station: 'secret-station',
            property: 'ph',
            aggregation: 'mean',
            intervalMs: 60_000,
          },
        ],
      },
      'test',
    );
    expect(await list({})).not.toMatch(/secret/i);
    expect(await list({ authorization: `Bearer ${rig.operator}` })).toMatch(/secret~water/);
  });
});

test('ids have names that CKAN takes, and no two the same', () => {
  const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}~[a-z][a-z0-9.-]{0,30}$/);
  fc.assert(
    fc.property(id, id, (one, other) => {
      expect(ckanName(one)).toMatch(/^[a-z0-9_-]{2,100}$/);
      expect(ckanName(one) === ckanName(other)).toBe(one === other);
    }),
  );
});

/** As Python's `uuid.uuid5(uuid.NAMESPACE_URL, 'http://python.org/')` gives it. */
test('an id of an address is its UUID of version 5', () => {
  expect(uuidOf('http://python.org/')).toBe('4c565f0d-3f5a-5890-b41b-20cf47701c5e');
});

test('no query of a client is anything but a test or a refusal by name', () => {
  const outcome = (read: () => unknown): string => {
    try {
      return typeof read();
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.stringMatching(
      /^[+-]?(id|tags|metadata_modified|colour):(\[?[0-9T:Z. *-]{0,12}( TO \*\])?|"x y"|a)( OR | AND | )?$/,
    ),
  );
  fc.assert(
    fc.property(text, (given) => {
      for (const read of [readFilterQuery, readWords]) {
        expect(['function', 'API_PARAMETER_INVALID']).toContain(outcome(() => read(given, 'fq')));
      }
    }),
    { numRuns: 500 },
  );
});
