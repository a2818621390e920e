import { expect, it } from 'vitest';
import { createManualClock } from '../../devices/clock-manual.ts';
import { shareNoted, type NotedPositions } from './noted.ts';

function openScene() {
  const clock = createManualClock(0);
  const asked: { answer(position: number): void; fail(): void }[] = [];
  const noted = shareNoted(() => {
    const { promise, resolve, reject } = Promise.withResolvers<NotedPositions>();
    asked.push({
      answer: (position) => resolve(new Map([[0, position]])),
      fail: () => reject(new Error('away')),
    });
    return promise;
  }, clock);
  const position = async (atMs: number): Promise<number | undefined> =>
    (await noted.since(atMs)).get(0);
  return { clock, asked, position };
}

it('asks once for all who come meanwhile, and again for who wants it newer', async () => {
  const { clock, asked, position } = openScene();
  clock.advance(1_000);
  const [first, second] = [position(0), position(500)];
  expect(asked).toHaveLength(1);
  asked[0]!.answer(7);
  expect([await first, await second, await position(1_000)]).toEqual([7, 7, 7]);
  expect(asked).toHaveLength(1);
  clock.advance(1);
  const newer = position(1_001);
  expect(asked).toHaveLength(2);
  clock.advance(5);
  // It came while a question was under way that was asked too early for it.
  const newest = position(1_006);
  asked[1]!.answer(8);
  expect(await newer).toBe(8);
  await expect.poll(() => asked.length).toBe(3);
  asked[2]!.answer(9);
  expect(await newest).toBe(9);
});

it('tells all who wait that it failed, and asks anew for the next', async () => {
  const { clock, asked, position } = openScene();
  clock.advance(10);
  const both = Promise.allSettled([position(1), position(2)]);
  asked[0]!.fail();
  expect(await both).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
  const again = position(1);
  asked[1]!.answer(3);
  expect(await again).toBe(3);
});
