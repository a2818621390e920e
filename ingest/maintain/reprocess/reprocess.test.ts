import { describe, expect, test } from 'vitest';
import type { Reading } from '../../reading.ts';
import { imbalance } from '../../room.fixture.ts';
import { clean, corrected, idealOf, idealWorld, right, world, wrong } from './wiring.fixture.ts';
import { dayAt, messagesOf } from './world.fixture.ts';

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
  });

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
