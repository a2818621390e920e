import { afterEach, beforeEach, expect, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';
import { createNetworks } from '../network.ts';
import { askView } from '../questions.ts';
import { anonymousViewer } from '../viewer.ts';
import { stepWindows, type WindowRow } from './steps.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const datastream = 'ha-noi-temperature';

let rig: TestApi;
beforeEach(async () => {
  rig = await openTestApi();
  rig.setNow(startAt + 300 * dayMs);
  const days = Array.from({ length: 200 }, (_, day) => day);
  await rig.append(
    days.map((day) => rig.row(datastream, startAt + day * dayMs + hourMs, { result: day })),
  );
});
afterEach(() => rig.close());

/** Sums by day; `disturb` comes between the first windows and the next. */
async function sumsOf(
  order: 'asc' | 'desc',
  disturb: () => Promise<unknown> = async () => undefined,
): Promise<number[]> {
  const view = createNetworks(rig.registry).viewOf(anonymousViewer);
  const pin = rig.store.position;
  const steps = stepWindows({
    questions: askView(rig.store),
    view,
    datastreams: view.datastreams.filter(({ id }) => id === datastream),
    window: 'P1D',
    fromAt: startAt - dayMs,
    toAt: startAt + 300 * dayMs,
    order,
    flags: null,
    functions: ['sum'],
    moment: { pinOf: () => pin },
    hasChanged: () => rig.store.position > pin,
    after: undefined,
    limit: Infinity,
    rowsPerReadMax: 17,
    valuesMax: 1_000,
  });
  const found: WindowRow[] = [];
  let isDisturbed = false;
  for await (const windows of steps) {
    found.push(...windows);
    if (windows.length === 0 || isDisturbed) continue;
    isDisturbed = true;
    await disturb();
  }
  return found.map(({ sum }) => sum.sum);
}

test.each(['asc', 'desc'] as const)(
  'windows (%s) are of one moment though values are corrected while they are given out',
  async (order) => {
    const before = await sumsOf(order);
    expect(before).toHaveLength(200);
    const disturbed = await sumsOf(order, () =>
      rig.append(
        [0, 100, 199].map((day) =>
          rig.row(datastream, startAt + day * dayMs + hourMs, {
            result: 1_000,
            revision: 1,
            type: 'correction',
          }),
        ),
      ),
    );
    expect(disturbed).toEqual(before);
    const after = before.map((sum) => ([0, 100, 199].includes(sum) ? 1_000 : sum));
    expect(await sumsOf(order)).toEqual(after);
  },
);
