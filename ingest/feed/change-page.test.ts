import { expect, test } from 'vitest';

import { createManualClock } from '../../devices/clock-manual.ts';
import { readChangePage, type ChangePageContext } from './change-page.ts';
import type { FeedPlace } from './places/places.ts';

test('a place that is not here yet is not the end: the page is empty and begins there again', async () => {
  const from: FeedPlace = { position: 9, index: 0 };
  const clock = createManualClock(0);
  const places = { isCovered: () => false, cursorOf: () => 'where it was' };
  const context = { clock, places } as unknown as ChangePageContext;
  const view = {} as Parameters<typeof readChangePage>[1]['view'];
  let isAnswered = false;
  const answer = readChangePage(context, { from, limit: 1, view }).finally(() => {
    isAnswered = true;
  });
  while (!isAnswered) {
    clock.advance(20);
    await Promise.resolve();
  }
  expect(await answer).toEqual({
    texts: [],
    next: 'where it was',
    scannedBytes: 0,
    atEnd: false,
    isAtUntil: false,
  });
  expect(clock.monotonicMs()).toBeGreaterThan(1_000);
});
