/** What lies before the horizon is asked of the real InfluxDB, 2 and 1.8. */
import fc from 'fast-check';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { openSystemClock } from '../../devices/clock-system.ts';
import { configFor, openInfluxView } from '../store/influx/influx.fixture.ts';
import {
  batchesOf,
  dayMs,
  openHorizonWorld,
  type HorizonHistory,
  type Stage,
} from './horizon.fixture.ts';
import { play, saidBy, steps } from './horizon-steps.fixture.ts';

const { influx1, influx2, absent } = inject('realServers');
let views = 0;

for (const [name, server] of [
  ['InfluxDB 2', influx2],
  ['InfluxDB 1.8', influx1],
] as const) {
  const why = server === undefined ? absent : '';
  describe.skipIf(server === undefined)(`a partition whose past is in ${name}${why}`, () => {
    /** Stores what the world says is stored, when it is asked. */
    function openHistory(stage: Stage): HorizonHistory {
      const measurement = `horizon_${process.pid}_${Date.now()}_${views++}`;
      const config = configFor(server!, { measurement });
      const view = openInfluxView(config, server!.token, openSystemClock());
      onTestFinished(async () => {
        for (const end of ['', '_superseded', '_overflow']) {
          await view.connection.drop(`${measurement}${end}`);
        }
        view.close();
      });
      let held = 0;
      return {
        async kept(query) {
          const batches = batchesOf(stage).slice(0, stage.state.notedMax);
          for (; held < batches.length; held++) await view.take(held + 1, batches[held]!);
          return view.reader.kept(query);
        },
        close: () => undefined,
      };
    }

    it('decides as one that keeps everything: same rows, revisions, digest, totals', async () => {
      let asked = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(steps, { minLength: 30, maxLength: 60 }), async (all) => {
          const horizon = { lengthMs: 3 * dayMs, waitMs: 100_000, forgetEveryMs: 10 };
          const worlds = [
            await openHorizonWorld({ ...horizon, openHistory }),
            await openHorizonWorld({}),
          ];
          for (const world of worlds) await play(world, all);
          const [one, other] = [await saidBy(worlds[0]!), await saidBy(worlds[1]!)];
          asked += worlds[0]!.state.asked;
          for (const world of worlds) await world.close();
          expect(one).toEqual(other);
        }),
        { numRuns: 6 },
      );
      expect(asked).toBeGreaterThan(0);
    });
  });
}
