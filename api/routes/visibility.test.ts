import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type Json, type TestApi } from '../api.fixture.ts';
import { encodeObservationId } from '../../ingest/observations/observation-id.ts';

let rig: TestApi;
let recipientToken = '';
const all = ['hidden-temperature', 'shared-temperature', 'ha-noi-temperature'] as const;

beforeAll(async () => {
  rig = await openTestApi();
  rig.setNow(startAt + 60_000);
  recipientToken = grantShared(rig);
  await rig.publish(all.map((id) => rig.row(id, startAt)));
});
afterAll(() => rig.close());

/** Grants what is shared to a ministry, and answers its key. */
function grantShared({ registry }: TestApi): string {
  const ministry = { id: 'ministry', name: { vi: 'Bộ', en: 'Ministry' }, kind: 'ministry' };
  registry.importFile({ format: 'quantrac-registry/1', recipients: [ministry] }, 'test');
  const scope = { stations: ['shared', 'hidden'] };
  registry.grantAccess(
    { id: 'grant-1', recipient: 'ministry', scope, purpose: 'x', requestedBy: 'test' },
    { reason: 'x', actor: 'test' },
  );
  return registry.createToken({ role: 'reader', recipient: 'ministry', actor: 'test' }).secret;
}

const open = ['ha-noi-temperature'];
const shared = ['ha-noi-temperature', 'shared-temperature'];
const everything = ['ha-noi-temperature', 'hidden-temperature', 'shared-temperature'];

const viewers = [
  { name: 'anonymous', token: () => undefined, sees: open },
  { name: 'a reader of nobody', token: () => rig.reader, sees: open },
  { name: 'a recipient with a grant', token: () => recipientToken, sees: shared },
  { name: 'owner', token: () => rig.ownerToken, sees: everything },
  { name: 'operator', token: () => rig.operator, sees: everything },
] as const;

/** Ids of the datastreams that an answer shows, whatever the route. */
function shownBy(body: Json): string[] {
  const items = (body.items ?? body.changes) as { observation?: object }[];
  const ids = items.map((item) => {
    const row = (item.observation ?? item) as { datastream?: string; id?: string };
    return row.datastream ?? row.id ?? '';
  });
  return ids.filter((id) => (all as readonly string[]).includes(id)).sort();
}

describe.each(viewers)('what $name sees', ({ token, sees }) => {
  const headers = (): Record<string, string> => {
    const secret = token();
    return secret === undefined ? {} : { authorization: `Bearer ${secret}` };
  };

  test.each([
    '/api/v1/datastreams',
    '/api/v1/latest',
    '/api/v1/observations',
    '/api/v1/observations?property=air-temperature',
    '/api/v1/aggregates?window=PT1H',
    '/api/v1/changes',
  ])('in %s', async (path) => {
    expect(shownBy(await rig.json(path, headers()))).toEqual(sees);
  });

  test.each(all)('of %s by name: all of it or a 404', async (id) => {
    const station = id.replace('-temperature', '');
    const observation = encodeObservationId(id, {
      ...rig.row(id, startAt),
      series: rig.series(id),
    });
    const expected = (sees as readonly string[]).includes(id) ? 200 : 404;
    const paths = [
      `/api/v1/stations/${station}`,
      `/api/v1/datastreams/${id}`,
      `/api/v1/observations?datastream=${id}`,
      `/api/v1/latest?datastream=${id}`,
      `/api/v1/latest?station=${station}`,
      `/api/v1/aggregates?window=P1D&datastream=${id}`,
      `/api/v1/changes?datastream=${id}`,
      `/api/v1/observations/${observation}`,
    ];
    for (const path of paths) {
      expect([path, (await rig.get(path, headers())).status]).toEqual([path, expected]);
    }
  });

  test('a hidden datastream is refused exactly as one that does not exist', async () => {
    if ((sees as readonly string[]).includes('hidden-temperature')) return;
    const refusal = async (id: string) => {
      const answer = await rig.get(`/api/v1/latest?datastream=${id}`, headers());
      const { requestId: _id, value: _value, ...body } = (await answer.json()) as Json;
      return [answer.status, body];
    };
    expect(await refusal('hidden-temperature')).toEqual(await refusal('no-such-datastream'));
  });

  test('counts only what is seen', async () => {
    const property = await rig.json('/api/v1/properties/air-temperature', headers());
    const hidden = everything.length - sees.length;
    expect(property['datastreams']).toBe(5 - hidden);
  });

  test('is cached by others only when it is public', async () => {
    const answer = await rig.get('/api/v1/latest', headers());
    const isPublic = token() === undefined;
    expect(answer.headers.get('cache-control')?.startsWith('public')).toBe(isPublic);
    expect(answer.headers.get('vary')).toContain('authorization');
  });
});

test('a wrong token is refused, not taken for nobody', async () => {
  for (const authorization of ['Bearer wrong', 'Basic YTpi', 'Bearer ', 'nonsense']) {
    const answer = await rig.get('/api/v1/latest', { authorization });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    expect(await answer.json()).toMatchObject({ code: 'API_TOKEN_INVALID' });
  }
});
