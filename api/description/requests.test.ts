/**
 * Requests made from the API description: every described GET with parameters that are right, nearly
 * right and wrong. None fails the server, each answer is as its description says, each refusal names
 * what is wrong. `QUANTRAC_FUZZ_REQUESTS` says how many (CI: 100,000), `QUANTRAC_FUZZ_SEED` which.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: {
    readonly enum?: readonly string[];
    readonly type?: string;
    readonly minimum?: number;
    readonly maximum?: number;
  };
}

interface Described {
  readonly headers?: Readonly<Record<string, object>>;
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>;
}

interface Operation {
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly responses: Readonly<Record<string, Described>>;
}

const requests = Number(process.env['QUANTRAC_FUZZ_REQUESTS'] ?? 1_500);
const seed = process.env['QUANTRAC_FUZZ_SEED'];
const perTurn = 8;

let rig: TestApi;
let operations: readonly Operation[];
let components: Readonly<Record<string, object>>;
const checks = new Map<object, z.ZodType>();

beforeAll(async () => {
  rig = await openTestApi({
    config: { asOfSettleMs: 0, quotaLoopback: 'keyless', quotaKeylessUnits: 100_000_000 },
  });
  rig.setNow(startAt + 86_400_000);
  const rows = Array.from({ length: 100 }, (_, index) =>
    rig.row('ha-noi-temperature', startAt + index * 600_000),
  );
  await rig.publish([...rows, rig.row('hue-rain', startAt), rig.row('ha-noi-direction', startAt)]);
  const document = (await rig.json('/api/v1/openapi.json')) as unknown as {
    readonly paths: Record<string, Record<string, Operation>>;
    readonly components: { readonly schemas: Record<string, object> };
  };
  components = document.components.schemas;
  operations = Object.entries(document.paths).flatMap(([path, { get }]) =>
    get === undefined || path.endsWith('/live')
      ? []
      : [{ ...get, path, parameters: get.parameters ?? [] }],
  );
});
afterAll(() => rig.close());

const instants = fc
  .date({ noInvalidDate: true, min: new Date('1900-01-01'), max: new Date('2100-01-01') })
  .map((date) => date.toISOString());
const near = fc.integer({ min: -200, max: 200 }).map(String);
/** What is right where the schema says no more than "text". */
const texts = fc.oneof(
  fc.constantFrom('ha-noi', 'ha-noi-temperature', 'hue-rain,ha-noi-temperature', 'air-temperature'),
  fc.constantFrom('agency', 'reference', 'citizen,indicative', '01', 'good', 'good,fail', 'raw'),
  fc.constantFrom('mean,min', 'now', 'mmtkil1c0-cuyo.ha-noi-temperature', 'rainfall', 'hue'),
  fc.constant('102,8,110,24'),
  fc.constant('105.8,21,50'),
  fc.array(near, { minLength: 1, maxLength: 5 }).map((each) => each.join()),
  instants,
);
const junk = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('', ',', '-1', '0', '1e9', 'NaN', '%', '../..', '9'.repeat(40), '\u0000', 'null'),
);

function valueOf({ schema = {} }: Parameter): fc.Arbitrary<string> {
  const { enum: values, type, minimum = 0, maximum = 1_000 } = schema;
  if (values !== undefined) return fc.constantFrom(...values);
  if (type !== 'integer' && type !== 'number') return texts;
  return fc.integer({ min: minimum, max: Math.min(maximum, minimum + 2_000) }).map(String);
}

function requestOf({ path, parameters }: Operation): fc.Arbitrary<string> {
  const query = parameters
    .filter((each) => each.in === 'query')
    .map((each) => {
      const right = valueOf(each).map((value) => [each.name, value] as const);
      const wrong = junk.map((value) => [each.name, value] as const);
      const absent = fc.constant(null);
      return fc.oneof(
        { weight: each.required === true ? 12 : 2, arbitrary: right },
        {
          weight: 1,
          arbitrary: fc.oneof({ weight: 1, arbitrary: wrong }, { weight: 2, arbitrary: right }),
        },
        { weight: each.required === true ? 1 : 8, arbitrary: absent },
      );
    });
  const unknown = fc.oneof(
    { weight: 30, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.tuple(fc.string({ minLength: 1, maxLength: 8 }), junk) },
  );
  const ids = fc.oneof(texts, junk).filter((id) => !/^\.{0,2}$/.test(id));
  return fc.tuple(fc.tuple(...query), unknown, ids).map(([pairs, extra, id]) => {
    const all = [...pairs, extra].filter((pair) => pair !== null);
    const search = all
      .map((pair) => pair.map((part) => encodeURIComponent(part.toWellFormed())).join('='))
      .join('&');
    const filled = path.replaceAll(/\{[^}]+\}/g, encodeURIComponent(id.toWellFormed()));
    return search === '' ? filled : `${filled}?${search}`;
  });
}

const headers = fc.record(
  {
    accept: fc.constantFrom('*/*', 'text/csv', 'application/json;q=0.5', 'image/png', ';;,'),
    'if-none-match': fc.constantFrom('*', '"x"', 'W/"x', '"x.1.1.0"'),
    'accept-encoding': fc.constantFrom('gzip', 'identity', 'br;q=1, x', '*;q=0'),
  },
  { requiredKeys: [] },
);

function checkOf(schema: object): z.ZodType {
  const known = checks.get(schema);
  if (known !== undefined) return known;
  const name = /^#\/components\/schemas\/(\w+)$/.exec(
    (schema as { $ref?: string }).$ref ?? '',
  )?.[1];
  const whole = name === undefined ? schema : components[name];
  const check = z.fromJSONSchema(whole as Parameters<typeof z.fromJSONSchema>[0]);
  checks.set(schema, check);
  return check;
}

/** What is wrong with the answer, in words; nothing where it is as described. */
function faultsOf(operation: Operation, answer: Response, text: string): string[] {
  const { status } = answer;
  if (status >= 500) return [`${status} ${text}`];
  if (status === 304) return text === '' ? [] : ['a body with 304'];
  const described = operation.responses[String(status)] ?? operation.responses['default'];
  if (described === undefined) return [`${status} is not described`];
  const [type = ''] = (answer.headers.get('content-type') ?? '').split(';', 1);
  const media = described.content?.[type];
  if (described.content !== undefined && media === undefined) return [`${status} as ${type}`];
  const faults = Object.keys(described.headers ?? {})
    .filter((name) => name !== 'Trailer' && !answer.headers.has(name))
    .map((name) => `no ${name} with ${status}`);
  if (media?.schema === undefined || !/[/+]json$/.test(type)) return faults;
  return [...faults, ...faultsOfBody(media.schema, status, JSON.parse(text))];
}

function faultsOfBody(schema: object, status: number, body: unknown): string[] {
  const { error } = checkOf(schema).safeParse(body);
  const faults = (error?.issues ?? []).map((issue) => JSON.stringify(issue));
  const { parameter } = body as { readonly parameter?: unknown };
  const isNamed = status !== 400 || typeof parameter === 'string';
  return isNamed ? faults : [...faults, `unnamed: ${JSON.stringify(body)}`];
}

test(
  `${requests} requests from the description are answered as it says, or refused by name`,
  { timeout: 60_000 + requests * 20 },
  async () => {
    const statuses = new Map<number, number>();
    const one = fc
      .nat({ max: operations.length - 1 })
      .chain((index) => fc.tuple(fc.constant(index), requestOf(operations[index]!), headers));
    await fc.assert(
      fc.asyncProperty(fc.array(one, { minLength: perTurn, maxLength: perTurn }), async (asked) => {
        const faults = await Promise.all(
          asked.map(async ([index, url, sent]) => {
            const operation = operations[index]!;
            const isOperators = operation.path.includes('/admin');
            const token = isOperators ? { authorization: `Bearer ${rig.operator}` } : {};
            const answer = await rig.get(url, { ...sent, ...token });
            const text = await answer.text();
            statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
            return faultsOf(operation, answer, text).map((fault) => `${url}: ${fault}`);
          }),
        );
        expect(faults.flat()).toEqual([]);
      }),
      {
        numRuns: Math.ceil(requests / perTurn),
        ...(seed === undefined ? {} : { seed: Number(seed) }),
      },
    );
    expect(statuses.get(200)).toBeGreaterThan(requests / 10);
    expect(statuses.get(400)).toBeGreaterThan(requests / 20);
  },
);
