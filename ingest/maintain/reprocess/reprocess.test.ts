import { describe, expect, onTestFinished, test } from 'vitest';
import type { Reading } from '../../reading.ts';
import { imbalance } from '../../room.fixture.ts';
import { right, wrong } from './wiring.fixture.ts';
import {
  dayAt,
  messagesOf,
  minuteMs,
  openWorld,
  type Wiring,
  type World,
} from './world.fixture.ts';

async function world(): Promise<World> {
  const opened = await openWorld();
  onTestFinished(() => opened.close());
  return opened;
}

/** What the registry's right version makes of the messages from the beginning. */
async function idealOf(messages: readonly Partial<Reading>[]): Promise<Record<string, string[]>> {
  return (await idealWorld(messages)).all();
}

async function idealWorld(messages: readonly Partial<Reading>[]): Promise<World> {
  const ideal = await world();
  await ideal.wire(right);
  await ideal.send(messages);
  return ideal;
}

/** A world that was wired wrongly for most of the messages. */
async function corrected(messages: readonly Partial<Reading>[]): Promise<World> {
  const real = await world();
  const wrongly = Math.floor(messages.length * 0.7);
  await real.wire(wrong);
  await real.send(messages.slice(0, wrongly));
  await real.wire(right);
  await real.send(messages.slice(wrongly));
  return real;
}

const clean = { differences: 0, readingsRequeued: 0, steps: 0 };

describe('a reprocess', () => {
  test.each([1, 2, 3, 4])(
    'gives what the corrected registry had given from the beginning (seed %i)',
    async (seed) => {
      const messages = messagesOf(seed, 300);
      const real = await corrected(messages);
      const { report } = await real.run();
      expect(report.told).toBeGreaterThan(100);
      const ideal = await idealWorld(messages);
      expect(real.all()).toEqual(ideal.all());
      expect(await real.digest()).toBe(await ideal.digest());
      expect((await real.run()).findings).toMatchObject(clean);
      expect(imbalance(real.life.store)).toEqual([0, 0]);
      expect(real.life.store.totals.reprocessed).toBeGreaterThan(100);
    },
  );

  test('finds nothing where the registry never changed', async () => {
    const real = await world();
    await real.wire(right);
    await real.send(messagesOf(7, 200));
    expect((await real.run()).findings).toMatchObject(clean);
  });

  test('only says what it would change when it is run dry', async () => {
    const real = await corrected(messagesOf(5, 100));
    const before = { digest: await real.digest(), end: real.room.ends().readings };
    const { findings, report } = await real.run({ isDryRun: true });
    expect(findings?.differences).toBeGreaterThan(20);
    expect(findings?.stepBytes).toBeGreaterThan(1_000);
    expect(findings?.scratchBytes).toBeGreaterThan(1_000);
    expect(findings?.series.map(({ datastream }) => datastream)).toContain('t');
    expect(report).toMatchObject({ told: 0, steps: 0 });
    expect({ digest: await real.digest(), end: real.room.ends().readings }).toEqual(before);
  });

  test('says in one record what was asked, and in one a step what came of it', async () => {
    const real = await corrected(messagesOf(6, 60));
    await real.run({ actor: 'who asked' });
    const control = real.life.store.control({ device: '', limit: 1_000 });
    const decisions = control.filter(({ kind }) => kind === 'decision').map(({ text }) => text);
    const [order, first] = decisions.toReversed().map((text) => JSON.parse(text) as object);
    expect(order).toMatchObject({ decision: 'reprocess', version: 3, series: null });
    expect(first).toMatchObject({ actor: 'who asked', keys: expect.any(Number) as number });
  });

  test('keeps what was published before: asOf finds it, and each key all its rows', async () => {
    const real = await corrected(messagesOf(8, 100));
    const { series } = real.room.registry.current().datastreams.get('t') ?? { series: -1 };
    const asOf = real.life.store.position;
    const query = { series, fromAt: 0, toAt: 8e15, order: 'asc', limit: 10_000 } as const;
    const before = real.life.store.range(query);
    await real.run();
    expect(real.life.store.range({ ...query, asOf })).toEqual(before);
    const [told] = real.life.store.range(query);
    const revisions = real.life.store.revisions(
      told ?? { ...query, endAt: 0, startAt: 0, heightMm: 0 },
    );
    expect(revisions.length).toBeGreaterThan(1);
    expect(told).toMatchObject({ revision: revisions[0]?.revision, current: true });
  });

  test('tells a step that comes twice no more', async () => {
    const steps: Reading[] = [];
    const real = await corrected(messagesOf(9, 100));
    await real.run(
      {},
      {
        append(reading) {
          steps.push(reading);
          return real.room.append(reading);
        },
      },
    );
    const before = real.all();
    const { reprocessed } = real.life.store.totals;
    await real.send(steps.filter(({ kind }) => kind === 'decision'));
    expect(real.all()).toEqual(before);
    expect(real.life.store.totals.reprocessed).toBe(reprocessed);
  });
});

describe('cut short anywhere and run again', () => {
  test('it comes to the same as a run that was not', async () => {
    const messages = messagesOf(11, 60);
    const whole = await corrected(messages);
    await whole.run();
    const digest = await whole.digest();
    let records = 0;
    for (let cut = 0; ; cut += cut < 6 ? 1 : 7) {
      const real = await corrected(messages);
      records = 0;
      const run = real.run(
        {},
        {
          append(reading) {
            if (records === cut) return Promise.reject(new Error('killed'));
            records += 1;
            return real.room.append(reading);
          },
        },
      );
      const end = await run.then(
        () => 'whole',
        (error: Error) => error.message,
      );
      if (end === 'killed') await real.run();
      expect(await real.digest()).toBe(digest);
      expect((await real.run()).findings).toMatchObject(clean);
      if (end === 'whole') break;
    }
    expect(records).toBeGreaterThan(12);
  }, 60_000);

  test('so does ingest that dies between the steps', async () => {
    const messages = messagesOf(18, 100);
    const whole = await corrected(messages);
    await whole.run();
    const real = await corrected(messages);
    let records = 0;
    await real.run(
      {},
      {
        async append(reading) {
          const appended = real.room.append(reading);
          // Steps come one after another, replays many at once.
          if (reading.kind === 'decision' && records++ % 5 === 1) await real.crash();
          return appended;
        },
      },
    );
    expect(await real.digest()).toBe(await whole.digest());
    expect(imbalance(real.life.store)).toEqual([0, 0]);
  });
});

describe('what happens meanwhile', () => {
  test('repeats and corrections that come between the steps are folded in', async () => {
    const messages = messagesOf(12, 150);
    const late = messagesOf(13, 60).map((one, at) => ({
      ...one,
      receivedAt: dayAt + 5 * 86_400_000 + at * 1_000,
    }));
    const repeated = messages.slice(0, 60).map((one, at) => ({
      ...one,
      receivedAt: dayAt + 6 * 86_400_000 + at * 1_000,
    }));
    const between = [...late, ...repeated];
    const real = await corrected(messages);
    let sent = 0;
    await real.run(
      {},
      {
        async append(reading) {
          for (const one of between.slice(sent, sent + 10)) await real.room.append(one);
          sent += 10;
          return real.room.append(reading);
        },
      },
    );
    await real.send(between.slice(sent));
    expect((await real.run()).findings).toMatchObject(clean);
    expect(real.all()).toEqual(await idealOf([...messages, ...between]));
  });

  test('another registry ends it by name, and its steps do nothing', async () => {
    const real = await corrected(messagesOf(14, 80));
    let appended = 0;
    const before = real.all();
    const run = real.run(
      {},
      {
        async append(reading) {
          if (appended++ === 1) await real.wire(wrong);
          return real.room.append(reading);
        },
      },
    );
    await expect(run).rejects.toMatchObject({ code: 'INGEST_REPROCESS_REGISTRY' });
    expect(real.all()).toEqual(before);
    const control = real.life.store.control({ device: '', limit: 1_000 });
    const refused = control.filter(({ text }) => text.includes('"refusedUnder":4'));
    expect(refused.length).toBeGreaterThan(0);
  });
});

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
