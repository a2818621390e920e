import { EventEmitter } from 'node:events';

import { expect, test } from 'vitest';

import { createManualClock } from '../../devices/clock-manual.ts';
import { createRecordedTelemetry } from '../../devices/telemetry-silent.ts';
import { createApiEvents } from '../events.ts';
import { createPainter, type Painted, type PaintThread } from './painter.ts';

/** A thread that answers when the test says so. */
class PlayedThread extends EventEmitter implements PaintThread {
  readonly asked: string[] = [];
  isEnded = false;
  postMessage(svg: string): void {
    this.asked.push(svg);
  }
  terminate(): Promise<number> {
    this.isEnded = true;
    return Promise.resolve(0);
  }
  answer(painted: Painted): void {
    this.emit('message', painted);
  }
}

function open(chartsCacheBytesMax = 100) {
  const threads: PlayedThread[] = [];
  const clock = createManualClock(0);
  const telemetry = createRecordedTelemetry();
  const painter = createPainter({
    config: { chartsCacheBytesMax, chartPaintMsMax: 1_000 },
    clock,
    events: createApiEvents(telemetry),
    startThread() {
      const thread = new PlayedThread();
      threads.push(thread);
      return thread;
    },
  });
  const paint = (name: string) =>
    painter.paint({
      question: name,
      tag: `"${name}"`,
      draw: async () => `<${name}>`,
      painted: () => undefined,
    });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { painter, threads, clock, telemetry, paint, settle };
}

const png = (length: number): Painted => ({ png: new Uint8Array(length) });

test('pictures are painted one at a time, and the same only once', async () => {
  const { threads, paint, settle } = open();
  const all = [paint('a'), paint('a'), paint('b')];
  await settle();
  expect(threads.map(({ asked }) => asked)).toEqual([['<a>']]);
  threads[0]?.answer(png(3));
  await settle();
  expect(threads[0]?.asked).toEqual(['<a>', '<b>']);
  threads[0]?.answer(png(4));
  expect((await Promise.all(all)).map(({ length }) => length)).toEqual([3, 3, 4]);
});

test('a picture is kept while its tag is true and there is room', async () => {
  const { painter, threads, paint, settle } = open(100);
  for (const name of ['a', 'b', 'c']) {
    const painting = paint(name);
    await settle();
    threads[0]?.answer(png(40));
    await painting;
  }
  const kept = (name: string, isTrue = true) => painter.kept(name, () => isTrue)?.length;
  expect([kept('a'), kept('b'), kept('c')]).toEqual([undefined, 40, 40]);
  expect([kept('b', false), kept('b'), kept('c')]).toEqual([undefined, undefined, 40]);
});

test('a thread that fails, ends or takes too long is replaced, and the next picture is painted', async () => {
  const { threads, clock, telemetry, paint, settle } = open();
  const ends: ((thread: PlayedThread) => void)[] = [
    (thread) => thread.answer({ failure: 'no picture' }),
    (thread) => thread.emit('error', new Error('out of memory')),
    (thread) => thread.emit('exit', 1),
    () => clock.advance(1_001),
  ];
  for (const [index, end] of ends.entries()) {
    const failing = paint(`bad-${index}`).then(
      () => 'painted',
      (error: { code: string }) => error.code,
    );
    await settle();
    const thread = threads.at(-1);
    if (thread !== undefined) end(thread);
    expect(await failing).toBe('API_UNAVAILABLE');
  }
  expect(telemetry.value('quantrac_chart_failures_total')).toBe(ends.length);
  const painting = paint('good');
  await settle();
  threads.at(-1)?.answer(png(5));
  expect(await painting).toHaveLength(5);
  expect(threads).toHaveLength(ends.length + 1);
  // One that goes wrong while it rests is told too, and does not end the server.
  threads.at(-1)?.emit('error', new Error('out of memory'));
  expect(telemetry.value('quantrac_chart_failures_total')).toBe(ends.length + 1);
});
