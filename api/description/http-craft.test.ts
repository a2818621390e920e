/**
 * What HTTP asks of every address, read from the API description itself: a new route is covered once
 * it is described. Whatever a path needs is taken from the list that it belongs to.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';

interface Operation {
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema?: { readonly enum?: readonly string[]; readonly type?: string };
  }[];
  readonly responses: Readonly<
    Record<string, { readonly headers?: Readonly<Record<string, object>> }>
  >;
}

type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

let rig: TestApi;
let paths: Paths;
let refusals: Operation['responses'];

beforeAll(async () => {
  // As to whoever asks from elsewhere: answers carry what their quota is.
  rig = await openTestApi({ config: { quotaLoopback: 'keyless', quotaKeylessUnits: 100_000_000 } });
  rig.setNow(startAt + 60_000);
  await rig.publish([rig.row('ha-noi-temperature', startAt), rig.row('hue-rain', startAt)]);
  const document = (await rig.json('/api/v1/openapi.json')) as unknown as {
    readonly paths: Paths;
    readonly components: { readonly responses: Operation['responses'] };
  };
  ({ paths } = document);
  refusals = document.components.responses;
});
afterAll(() => rig.close());

interface Asked {
  readonly path: string;
  readonly url: string;
  readonly operation: Operation;
}

/** Every described GET with an answer that ends, at an address where there is something. */
async function askable(): Promise<readonly Asked[]> {
  const found: Asked[] = [];
  for (const [path, { get }] of Object.entries(paths)) {
    if (get === undefined || path.endsWith('/live')) continue;
    const url = await filled(path, get);
    if (url !== undefined) found.push({ path, url, operation: get });
  }
  return found;
}

/** Undefined where the list that a path belongs to has nothing that it could name. */
async function filled(path: string, operation: Operation): Promise<string | undefined> {
  const required = (operation.parameters ?? []).filter(
    (each) => each.in === 'query' && each.required,
  );
  const query = required.map(({ name, schema }) => `${name}=${schema?.enum?.[0] ?? '1'}`).join('&');
  const search = query === '' ? '' : `?${query}`;
  if (!path.includes('{')) return path + search;
  const list = path.slice(0, path.indexOf('/{'));
  const answer = await rig.get(list, authorizationOf(list));
  if (!answer.ok) return undefined;
  const { items = [] } = (await answer.json()) as { items?: readonly { readonly id?: string }[] };
  const id = items[0]?.id;
  return id === undefined ? undefined : path.replace(/\{[^}]+\}/, encodeURIComponent(id)) + search;
}

function authorizationOf(path: string): Record<string, string> {
  return /\/(admin|webhooks)/.test(path) ? { authorization: `Bearer ${rig.operator}` } : {};
}

async function ask({ path, url }: Asked, headers: Record<string, string> = {}, method = 'GET') {
  const all = { ...authorizationOf(path), 'accept-encoding': 'identity', ...headers };
  const answer = await fetch(rig.url + url, { method, headers: all });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

test('most addresses can be asked from their description alone', async () => {
  const asked = await askable();
  expect(asked.length).toBeGreaterThan(40);
  const statuses = await Promise.all(
    asked.map(async (each) => [each.path, (await ask(each)).status]),
  );
  const unanswered = statuses.filter(([, status]) => status !== 200);
  // What a later version of the registry would have, and metrics of a machine.
  expect(unanswered).toEqual([]);
});

test('every answer says how long it may be kept and what it depends on; a tag is strong', async () => {
  for (const asked of await askable()) {
    const { headers } = await ask(asked);
    expect([asked.path, headers.get('cache-control')]).not.toEqual([asked.path, null]);
    expect([asked.path, headers.get('content-type')]).not.toEqual([asked.path, null]);
    expect([asked.path, headers.get('x-content-type-options')]).toEqual([asked.path, 'nosniff']);
    const tag = headers.get('etag');
    if (tag === null) continue;
    expect([asked.path, tag]).toEqual([asked.path, expect.stringMatching(/^"[^"]+"$/)]);
    expect([asked.path, headers.get('vary')]).toEqual([
      asked.path,
      expect.stringMatching(/accept-encoding/i),
    ]);
  }
});

test('a tag is good for a 304 alone, in a list and as any, and not a changed one', async () => {
  for (const asked of await askable()) {
    const tag = (await ask(asked)).headers.get('etag');
    if (tag === null) continue;
    for (const condition of [tag, `"other", W/"x" , ${tag}`, `W/${tag}`, '*']) {
      const { status, headers, text } = await ask(asked, { 'if-none-match': condition });
      expect([asked.path, condition, status, text]).toEqual([asked.path, condition, 304, '']);
      expect(headers.get('etag')).not.toBeNull();
      expect(headers.get('cache-control')).not.toBeNull();
    }
    const { status } = await ask(asked, { 'if-none-match': `${tag.slice(0, -2)}~"` });
    expect([asked.path, status]).toEqual([asked.path, 200]);
  }
});

test('HEAD answers as GET does, without a body', async () => {
  for (const asked of await askable()) {
    const got = await ask(asked);
    const head = await ask(asked, {}, 'HEAD');
    const shown = (answer: typeof got) =>
      ['content-type', 'cache-control', 'vary'].map((name) => answer.headers.get(name));
    expect([asked.path, head.status, head.text, shown(head)]).toEqual([
      asked.path,
      got.status,
      '',
      shown(got),
    ]);
    expect(head.headers.has('etag')).toBe(got.headers.has('etag'));
  }
});

test('a parameter that is not known is refused by its name, another method with those that are taken', async () => {
  for (const asked of await askable()) {
    if (asked.operation.parameters === undefined) continue;
    const mark = asked.url.includes('?') ? '&' : '?';
    const refused = await ask({ ...asked, url: `${asked.url}${mark}colour=red` });
    const problem = JSON.parse(refused.text) as Record<string, unknown>;
    expect([asked.path, refused.status, problem['code'], problem['parameter']]).toEqual([
      asked.path,
      400,
      'API_PARAMETER_UNKNOWN',
      'colour',
    ]);
    expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const other = await ask(asked, {}, 'PATCH');
    expect([asked.path, other.status]).toEqual([asked.path, 405]);
    expect(other.headers.get('allow')).toMatch(/GET, HEAD/);
    expect(JSON.parse(other.text)).toMatchObject({ code: 'API_METHOD_NOT_ALLOWED', status: 405 });
  }
});

test('a list in several formats names the others, each of which is there, and its next page', async () => {
  const tried = new Set<string>();
  for (const asked of (await askable()).filter(({ url }) => !url.includes('?'))) {
    const { headers } = await ask(asked);
    const links = [...(headers.get('link') ?? '').matchAll(/<([^>]+)>; rel="([a-z-]+)"/g)];
    if (links.length === 0) continue;
    const relations = new Set(links.map(([, , relation]) => relation));
    // One thing may be told its terms alone.
    const wanted = relations.has('alternate') ? ['self', 'service-desc'] : [];
    expect([asked.path, wanted.filter((relation) => !relations.has(relation))]).toEqual([
      asked.path,
      [],
    ]);
    for (const [, target = '', relation] of links) {
      // Terms of use are not ours to serve.
      if (relation === 'license' || tried.has(target)) continue;
      tried.add(target);
      const answer = await fetch(target);
      await answer.arrayBuffer();
      expect([asked.path, relation, target, answer.status]).toEqual([
        asked.path,
        relation,
        target,
        200,
      ]);
    }
  }
  const page = await rig.get('/api/v1/observations?limit=1');
  const { next } = (await page.json()) as { next: string };
  expect(page.headers.get('link')).toContain(`<${next}>; rel="next"`);
});

test('an answer carries RateLimit fields where it is described to, and every address says how it refuses', async () => {
  const shown = (names: Iterable<string>) =>
    [...names].map((name) => name.toLowerCase()).filter((name) => name.startsWith('ratelimit'));
  const limited: string[] = [];
  for (const asked of await askable()) {
    const { responses } = asked.operation;
    // Asked here with an operator's token, which has no quota; others ask it with keys that have.
    if (asked.path.startsWith('/api/v1/webhooks')) continue;
    const described = shown(Object.keys(responses['200']?.headers ?? {}));
    const { headers } = await ask(asked);
    expect([asked.path, shown(headers.keys())]).toEqual([asked.path, described]);
    if (described.length === 0) continue;
    limited.push(asked.path);
    for (const status of ['429', '503']) {
      const refusal = responses[status] ?? {};
      const name = (refusal as { readonly $ref?: string }).$ref?.split('/').at(-1) ?? '';
      const told = Object.keys((name === '' ? refusal : refusals[name])?.headers ?? {});
      expect([asked.path, status, told.sort()]).toEqual([
        asked.path,
        status,
        ['RateLimit', 'RateLimit-Policy', 'Retry-After'],
      ]);
    }
  }
  expect(limited).toEqual(
    expect.arrayContaining(['/api/v1/latest', '/catalog', '/ogc/collections']),
  );
  expect(limited).not.toContain('/livez');
});

test('what is wrong with a request before its address is a problem too', async () => {
  const operator = { authorization: `Bearer ${rig.operator}` };
  const long = await rig.get(`/api/v1/stations/${'x'.repeat(300)}`);
  const head = await rig.get('/api/v1/stations', { 'x-long': 'x'.repeat(20_000) });
  const accept = await rig.get('/api/v1/latest', { accept: 'image/x-none' });
  const post = (type: string, body: string) =>
    fetch(`${rig.url}/api/v1/admin/tokens`, {
      method: 'POST',
      headers: { ...operator, 'content-type': type },
      body,
    });
  const kind = await post('text/csv', 'a,b');
  const large = await post('application/json', JSON.stringify({ role: 'x'.repeat(1_100_000) }));
  const answers = { 414: long, 431: head, 406: accept, 415: kind, 413: large };
  for (const [status, answer] of Object.entries(answers)) {
    const problem = (await answer.json()) as Record<string, unknown>;
    expect([answer.status, problem['status'], problem['code']]).toEqual([
      Number(status),
      Number(status),
      expect.stringMatching(/^API_/),
    ]);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  }
});
