import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';
import { createNetworks, type NetworkView } from '../network.ts';
import { askView } from '../questions.ts';
import { costOfWindows } from './cost.ts';
import type { FunctionName } from './functions.ts';
import { stepWindows } from './steps.ts';
import type { WindowName } from './window.ts';

const minute = 60_000;
const steps = 3_000;
let rig: TestApi;
let view: NetworkView;

beforeAll(async () => {
  rig = await openTestApi();
  rig.registry.importFile(
    {
      format: 'quantrac-registry/1',
      datastreams: [
        {
          id: 'ha-noi-speed',
          station: 'ha-noi',
          property: 'wind-speed',
          aggregation: 'instant',
          intervalMs: 10 * minute,
        },
      ],
    },
    'test',
  );
  rig.setNow(startAt + 100 * 1_440 * minute);
  for (const id of [
    'ha-noi-temperature',
    'kathmandu-temperature',
    'ha-noi-direction',
    'ha-noi-speed',
  ]) {
    await rig.publish(
      Array.from({ length: steps }, (_, index) => rig.row(id, startAt + index * 10 * minute)),
    );
  }
  view = createNetworks(rig.registry).viewOf({
    principal: 'anonymous',
    key: 'anonymous',
    actor: 'anonymous',
  });
});
afterAll(() => rig.close());

interface Case {
  readonly ids: readonly string[];
  readonly window: WindowName;
  readonly functions: readonly FunctionName[];
  readonly limit?: number;
}

/** What is really read, without the looks at both ends of each series. */
async function readFor({ ids, window, functions, limit = Infinity }: Case) {
  const read = { rows: 0, hours: 0 };
  const view_ = askView(rig.store);
  const windows = stepWindows({
    questions: {
      async range(query, pins) {
        const rows = await view_.range(query, pins);
        if (query.limit > 1) read.rows += rows.length;
        return rows;
      },
      async hours(query, pins) {
        const hours = await view_.hours(query, pins);
        read.hours += hours.length;
        return hours;
      },
    },
    view,
    datastreams: datastreamsOf(ids),
    window,
    functions,
    fromAt: startAt,
    toAt: startAt + 2 * steps * 10 * minute,
    order: 'asc',
    flags: null,
    moment: { pinOf: () => rig.store.position },
    hasChanged: () => false,
    after: undefined,
    limit,
    rowsPerReadMax: 100,
    valuesMax: 1_000_000,
  });
  for await (const _some of windows);
  return read;
}

const datastreamsOf = (ids: readonly string[]) =>
  ids.flatMap((id) => view.registry.datastreams.get(id) ?? []);

test.each<Case>([
  { ids: ['ha-noi-temperature'], window: 'P1D', functions: ['mean'] },
  { ids: ['ha-noi-temperature'], window: 'PT1M', functions: ['mean'] },
  { ids: ['ha-noi-temperature'], window: 'P1D', functions: ['p95'] },
  { ids: ['ha-noi-temperature', 'kathmandu-temperature'], window: 'PT1H', functions: ['max'] },
  { ids: ['ha-noi-direction'], window: 'P1D', functions: ['p95', 'sd'] },
  { ids: ['ha-noi-direction'], window: 'P1D', functions: ['vectorDirection'] },
  { ids: ['kathmandu-temperature'], window: 'P1D', functions: ['mean'] },
  { ids: ['kathmandu-temperature'], window: 'P1D', functions: ['p95'], limit: 3 },
  { ids: ['ha-noi-temperature'], window: 'P1D', functions: ['mean'], limit: 3 },
])('windows cost about what was foretold: $ids $window $functions', async (given) => {
  const foretold = costOfWindows({
    view,
    datastreams: datastreamsOf(given.ids),
    fromAt: startAt,
    toAt: startAt + (steps - 1) * 10 * minute,
    window: given.window,
    functions: given.functions,
    isOfRows: false,
    ...(given.limit === undefined ? {} : { limit: given.limit }),
  });
  const read = await readFor(given);
  // A window at each end may be wider than the span; rows are read a hundred at a time, and hours of
  // two months at once, however few are wanted.
  const slack = { rows: 400, hours: given.limit === undefined ? 50 : 1_488 };
  for (const of of ['rows', 'hours'] as const) {
    expect(read[of]).toBeLessThanOrEqual(foretold[of] + slack[of]);
    expect(foretold[of]).toBeLessThanOrEqual(read[of] + slack[of]);
  }
});
