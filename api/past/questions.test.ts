import { afterEach, expect, test } from 'vitest';

import type { StoreWriter } from '../../ingest/store/store.ts';
import type { Past } from './past.ts';
import { dayMs, knownFromAt, openPastScene, type PastScene } from './past.fixture.ts';
import { askViewAndPast } from './questions.ts';

const scenes: PastScene[] = [];
afterEach(async () => {
  for (const scene of scenes.splice(0)) await scene.close();
});

const span = { fromAt: knownFromAt - dayMs, toAt: knownFromAt + dayMs };
const times = [knownFromAt - 7_200_000, knownFromAt + 3_600_000, knownFromAt + 7_200_000];

test.each(['asc', 'desc'] as const)(
  'rows (%s) are of one moment though values arrive while InfluxDB is asked',
  async (order) => {
    const scene = await openPastScene([]);
    scenes.push(scene);
    const { late } = scene;
    const store = late.store as StoreWriter;
    const put = (result: number, revision: number) =>
      late.append(
        times.map((at) =>
          late.row('garden-temperature', at, {
            result,
            revision,
            type: revision === 0 ? 'insert' : 'correction',
          }),
        ),
      );
    const pin = await put(1, 0);
    let arrive = async (): Promise<unknown> => undefined;
    const past: Pick<Past, 'ask'> = {
      async ask(_series, _pins, question) {
        await arrive();
        const history = { range: async () => [] };
        return question({ history, asOf: 0, isHeldToo: true } as never);
      },
    };
    const questions = askViewAndPast({
      store,
      past: past as Past,
      lastChangeOf: () => store.position,
      hasChanged: () => store.position > pin,
    });
    const series = late.series('garden-temperature');
    const query = { series, ...span, order, limit: 10 };
    const pins = { pinOf: () => pin };
    const resultsOf = async (): Promise<unknown> =>
      (await questions.range(query, pins)).map(({ result }) => result);
    expect(await resultsOf()).toEqual([1, 1, 1]);
    arrive = () => put(2, 1);
    expect(await resultsOf()).toEqual([1, 1, 1]);
    const limited = { ...query, limit: order === 'asc' ? 2 : 3 };
    expect(await questions.range(limited, pins)).toHaveLength(limited.limit);
  },
);
