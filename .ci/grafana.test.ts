import { createRequire } from 'node:module';
import type * as grafanaData from '@grafana/data';
import type * as grafanaSchema from '@grafana/schema';
import { beforeAll, describe, expect, test } from 'vitest';
import { dashboardJson } from '../grafana/dashboard.ts';
import { platform } from '../grafana/platform.ts';
import { stations } from '../grafana/stations.ts';
import { typeErrorsOf, type DashboardJson } from './grafana-types.ts';
import { readKnownMetrics, strangersIn, type KnownMetrics } from './metrics.ts';
import { listFiles, readText } from './repository.ts';

// Its modules for `import` load none of what they name; those for `require` do.
const require = createRequire(import.meta.url);
const grafana = require('@grafana/data') as typeof grafanaData;
const schema = require('@grafana/schema') as typeof grafanaSchema;

const dashboards = { platform, stations };
const fileOf = (name: string): DashboardJson =>
  JSON.parse(readText(`grafana/dashboards/${name}.json`)) as DashboardJson;

/** Every value of a key, however deep. */
function* valuesOf(key: string, within: unknown): Generator<unknown> {
  if (typeof within !== 'object' || within === null) return;
  for (const [name, value] of Object.entries(within)) {
    if (name === key) yield value;
    yield* valuesOf(key, value);
  }
}

const rulesFile = 'grafana/alerts/quantrac.rules.yml';
const recordedNames = new Set(
  [...readText(rulesFile).matchAll(/- record: (\S+)/g)].map(([, name = '']) => name),
);
const alertNames = [...readText(rulesFile).matchAll(/- alert: (\S+)/g)].map(
  ([, name = '']) => name,
);

describe.each(Object.keys(dashboards) as (keyof typeof dashboards)[])('dashboard %s', (name) => {
  const file = fileOf(name);

  test('is what its source says (npm run dashboards)', () => {
    expect(file).toEqual(JSON.parse(JSON.stringify(dashboardJson(dashboards[name]))));
  });

  test("is as Grafana's schema wants it", () => {
    expect(typeErrorsOf(file)).toBe('');
    expect([...valuesOf('schemaVersion', file)]).toEqual([
      schema.defaultDashboard.schemaVersion ?? 0,
    ]);
  });

  test('names units, reducers, transformations and matchers that Grafana has', () => {
    const units = grafana
      .getValueFormats()
      .flatMap(({ submenu }) => submenu.map(({ value }) => value));
    expect([...valuesOf('unit', file)].filter((unit) => !units.includes(unit as string))).toEqual(
      [],
    );
    const reducers = [...valuesOf('calcs', file)].flat() as string[];
    expect(
      reducers.filter((each) => grafana.fieldReducers.getIfExists(each) === undefined),
    ).toEqual([]);
    const transformers = Object.values(grafana.standardTransformers).map(({ id }) => id as string);
    const used = file.panels.flatMap((panel) => [...valuesOf('transformations', panel)].flat());
    expect(
      used.map((each) => (each as { id: string }).id).filter((id) => !transformers.includes(id)),
    ).toEqual([]);
    const matchers: string[] = Object.values(grafana.FieldMatcherID);
    const matched = [...valuesOf('matcher', file)].map((each) => (each as { id: string }).id);
    expect(matched.filter((id) => !matchers.includes(id))).toEqual([]);
  });

  test('has a title in both languages and an explanation on every panel', () => {
    const bare = file.panels.filter(({ title }) => !/\S · \S/.test(title));
    expect(bare.map(({ title }) => title)).toEqual([]);
    const silent = file.panels.filter(
      (panel) => panel.type !== 'row' && [...valuesOf('description', panel)].length === 0,
    );
    expect(silent).toEqual([]);
  });

  test('lays its panels out without overlap, in 24 columns', () => {
    const taken = new Set<string>();
    for (const { x, y, w, h } of [...valuesOf('gridPos', file)] as {
      x: number;
      y: number;
      w: number;
      h: number;
    }[]) {
      expect(x + w).toBeLessThanOrEqual(24);
      for (let column = x; column < x + w; column++) {
        for (let line = y; line < y + h; line++) {
          expect(taken.has(`${column},${line}`)).toBe(false);
          taken.add(`${column},${line}`);
        }
      }
    }
    const ids = file.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('asks data sources that are provisioned', () => {
    const provisioned = listFiles(/^grafana\/provisioning\/datasources\//)
      .map(readText)
      .join('\n');
    const uids = new Set(
      [...valuesOf('datasource', file)].map((each) => (each as { uid: string }).uid),
    );
    expect(uids.size).toBe(1);
    for (const uid of uids) expect(provisioned).toContain(`uid: ${uid}\n`);
  });
});

describe('the check of the schema', () => {
  test('shows red what is none', () => {
    const file = fileOf('platform');
    const panel = file.panels.find(({ type }) => type === 'stat');
    const wrong = (change: object) =>
      typeErrorsOf({ ...file, panels: [{ ...panel, ...change } as never] });
    expect(wrong({})).toBe('');
    expect(typeErrorsOf({ ...file, refreshes: '5s' } as never)).toContain('refreshes');
    expect(wrong({ gridpos: {} })).toContain('gridpos');
    expect(wrong({ options: { ...panel?.options, colorMode: 'bright' } })).toContain('"bright"');
    expect(wrong({ repeatDirection: 'diagonal' })).toContain('"diagonal"');
  });
});

describe('what is asked of Prometheus', () => {
  let known: KnownMetrics;
  beforeAll(async () => {
    known = await readKnownMetrics();
  });

  test('by the panels is told by the product, with these labels', () => {
    const asked = [...valuesOf('expr', fileOf('platform'))] as string[];
    expect(asked.length).toBeGreaterThan(30);
    expect(asked.flatMap((text) => strangersIn(text, known, recordedNames))).toEqual([]);
  });

  test('by the rules is told by the product, with these labels', () => {
    const asked = [...readText(rulesFile).matchAll(/expr: (\|\n(?: {10}.*\n)+|.*)/g)];
    expect(asked.length).toBe(alertNames.length + recordedNames.size);
    expect(asked.flatMap(([, text = '']) => strangersIn(text, known, recordedNames))).toEqual([]);
  });

  test('is found out when it is not', () => {
    const text = 'sum(quantrac_forward_waiting{instance="a"}) / quantrac_log_bytes{name="b"}';
    expect(strangersIn(text, known)).toEqual([
      'quantrac_forward_waiting',
      'quantrac_log_bytes{name}',
    ]);
  });
});

describe('alerts', () => {
  test('each has its paragraph in docs/operate.md, and each paragraph its alert', () => {
    const headings = [...readText('docs/operate.md').matchAll(/^### (Quantrac\w+)$/gm)];
    expect(headings.map(([, name]) => name)).toEqual(alertNames);
  });

  test('each is tested, and says what it is in both languages', () => {
    const tests = readText('grafana/alerts/quantrac.test.yml');
    const untested = alertNames.filter(
      (name) => !new RegExp(`alertname: ${name}\\n(.*\\n){1,4}.*exp_labels`).test(tests),
    );
    expect(untested).toEqual([]);
    const rules = readText(rulesFile);
    expect([...rules.matchAll(/summary: /g)].length).toBe(alertNames.length);
    expect([...rules.matchAll(/summary_vi: /g)].length).toBe(alertNames.length);
  });
});
