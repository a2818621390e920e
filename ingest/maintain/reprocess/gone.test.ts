import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openNodeFileSystem } from '../../log/file-system-node.ts';
import type { Position } from '../../log/log.ts';
import type { Reading } from '../../reading.ts';
import { imbalance } from '../../room.fixture.ts';
import { blankReadingsOf } from '../erase-readings.ts';
import { clean, corrected, idealOf, right, world, wrong } from './wiring.fixture.ts';
import { dayAt, messagesOf, minuteMs, type Wiring } from './world.fixture.ts';

describe('what no reading says any more', () => {
  const erase = (more: object): Partial<Reading> => ({
    kind: 'decision',
    door: 'internal',
    device: '',
    topic: '',
    payload: Buffer.from(
      JSON.stringify({
        decision: 'erase',
        device: 'gauge',
        owner: null,
        series: null,
        fromAt: null,
        toAt: null,
        reason: 'asked for',
        actor: 'test',
        ...more,
      }),
    ),
  });

  test('erased values stay erased, and a re-send of them a repeat', async () => {
    const messages = messagesOf(15, 150);
    const real = await corrected(messages);
    const { series } = real.room.registry.current().datastreams.get('rain') ?? { series: -1 };
    const upTo = await real.room.append(erase({}));
    await real.send([erase({ series, upTo })]);
    expect(real.lines('rain')).toEqual([]);
    await real.run();
    expect(real.lines('rain')).toEqual([]);
    expect(real.lines('t')).toEqual((await idealOf(messages))['t']);
    expect((await real.run()).findings).toMatchObject(clean);
  });

  test('a step that told of an erased device is blanked with what it told', async () => {
    const real = await corrected(messagesOf(19, 80));
    const steps: Position[] = [];
    await real.run(
      {},
      {
        async append(reading) {
          const position = await real.room.append(reading);
          const text = Buffer.from(reading.payload).toString('utf8');
          if (text.includes('"devices":["gauge"]')) steps.push(position);
          return position;
        },
      },
    );
    const upTo = real.room.ends().readings;
    const blanked: Position[] = [];
    const { directory } = real.room;
    await blankReadingsOf({
      part: { devices: new Set(['gauge']), fromAt: dayAt, toAt: Number.POSITIVE_INFINITY, upTo },
      reason: 'asked for',
      parts: {
        fileSystem: openNodeFileSystem(),
        paths: { readings: join(directory, 'readings'), observations: '' },
        async blankReadings({ positions }) {
          blanked.push(...positions);
          return real.room.blank(positions);
        },
        timesOf: () => [],
        onProgress: () => undefined,
      },
    });
    expect(steps.length).toBeGreaterThan(0);
    expect(blanked).toEqual(expect.arrayContaining(steps));
  });

  test('an erasure that was cut short brings nothing back either', async () => {
    const real = await corrected(messagesOf(16, 150));
    await real.send([erase({})]);
    await real.run();
    expect(real.lines('rain')).toEqual([]);
  });
});

describe('readings that are gone', () => {
  test('leave their values as they are, judged with the others, and are counted', async () => {
    const real = await world();
    await real.wire(fahrenheit('[degF]'));
    const sent = Array.from({ length: 12 }, (_, step) => ({
      payload: message(step * 10, 68),
      receivedAt: dayAt + step * 10 * minuteMs + 1_000,
    }));
    await real.send(sent);
    const first = real.room.ends().readings - sent.length + 1;
    await real.room.blank([first + 3, first + 4]);
    await real.wire(fahrenheit('Cel'));
    const { findings } = await real.run();
    expect(findings).toMatchObject({ readingsGone: 2, series: [{ datastream: 't', left: 2 }] });
    const values = real.lines('t').map((line) => line.split(' ')[1]);
    expect(values.filter((value) => value === '68')).toHaveLength(10);
    expect(values.slice(3, 5)).toEqual(['20', '20']);
    expect((await real.run()).findings).toMatchObject(clean);
  });

  test('a person who dismissed a reading is heeded', async () => {
    const real = await world();
    await real.wire(wrong);
    const receivedAt = dayAt + 60 * minuteMs;
    const extra = (ts: number) => ({
      payload: Buffer.from(JSON.stringify({ ts, extra: 0.2 })),
      receivedAt,
    });
    await real.send([extra(dayAt), extra(dayAt + 10 * minuteMs)]);
    const position = real.room.ends().readings;
    const text = JSON.stringify({ decision: 'dismiss', position, channel: 'extra' });
    await real.send([{ kind: 'decision', device: '', topic: '', payload: Buffer.from(text) }]);
    await real.wire(right);
    await real.run();
    expect(real.lines('spare')).toHaveLength(1);
    const states = real.life.store.quarantine({ limit: 10 }).map(({ state }) => state);
    expect(states).toEqual(['dismissed', 'replayed']);
    expect((await real.run()).findings).toMatchObject(clean);
  });

  test('what is no value any more is set aside with its reason', async () => {
    const real = await world();
    await real.wire(right);
    await real.send([
      {
        payload: Buffer.from(JSON.stringify({ ts: dayAt, ta: 20, extra: 0.2 })),
        receivedAt: dayAt,
      },
    ]);
    const reading = real.room.ends().readings;
    await real.wire({
      deployments: [
        { device: 'logger', datastream: 'spare', channel: 'extra', from: always, to: always },
      ],
    });
    const { findings } = await real.run();
    expect(findings).toMatchObject({ readingsRequeued: 1, series: [{ removed: 1 }] });
    expect(real.lines('spare')).toEqual([]);
    expect(real.lines('t')).toHaveLength(1);
    const [entry] = real.life.store.quarantine({ limit: 10 });
    expect(entry).toMatchObject({ position: reading, channel: 'extra', state: 'open' });
    expect(entry?.payload?.length).toBeGreaterThan(0);
    expect(imbalance(real.life.store)).toEqual([0, 0]);
  });
});

const always = '2020-01-01T00:00:00Z';

function fahrenheit(unit: string): Wiring {
  return {
    deployments: [{ device: 'logger', datastream: 't', channel: 'ta', unit, from: always }],
  };
}

describe('a part of the time', () => {
  const noon = dayAt + 12 * 60 * minuteMs;

  test('leaves what lies outside, and parts together come to the whole', async () => {
    const messages = messagesOf(17, 250);
    const real = await corrected(messages);
    const outside = (lines: readonly string[]) =>
      lines.filter((line) => Number.parseFloat(line) >= 720 + 48 * 60);
    const before = outside(real.lines('t'));
    await real.run({ toAt: noon });
    expect(outside(real.lines('t'))).toEqual(before);
    expect((await real.run({ toAt: noon })).findings).toMatchObject({ differences: 0 });
    await real.run({ fromAt: noon });
    expect(real.all()).toEqual(await idealOf(messages));
    expect((await real.run()).findings).toMatchObject({ differences: 0 });
  });

  test('a value whose time leaves the range is told where it belongs', async () => {
    const real = await world();
    await real.send([
      { payload: message(0, 20), receivedAt: noon },
      { payload: message(10, 21), receivedAt: noon + 1_000 },
    ]);
    expect(real.lines('t')).toHaveLength(2);
    // The logger was deployed only at five past midnight: what it says of midnight cannot be.
    await real.wire(deployedFrom('2026-01-01T00:05:00Z'));
    const { findings } = await real.run({ toAt: dayAt + 60 * minuteMs });
    expect(findings?.series).toMatchObject([{ datastream: 't', added: 1, removed: 1 }]);
    expect(real.lines('t').map((line) => line.split(' ').slice(0, 2))).toEqual([
      ['10/0', '21'],
      ['720/0', '20'],
    ]);
    expect((await real.run({ toAt: dayAt + 60 * minuteMs })).findings).toMatchObject(clean);
  });
});

function message(minutes: number, ta: number): Uint8Array {
  return Buffer.from(JSON.stringify({ ts: dayAt + minutes * minuteMs, ta }));
}

function deployedFrom(from: string) {
  const ended = { from: '2020-01-01T00:00:00Z', to: '2020-01-01T00:00:00Z' };
  const served = { device: 'logger', datastream: 't', channel: 'ta' };
  return {
    deployments: [
      { ...served, ...ended },
      { ...served, from },
    ],
  };
}
