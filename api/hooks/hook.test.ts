import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { openKept } from '../kept/kept.ts';
import { openHookStore, type Hook } from './hook.ts';

function hookNamed(id: string): Hook {
  return {
    id,
    url: 'https://receiver.example/',
    filter: {},
    subject: null,
    createdAt: 0,
    network: null,
    stateSince: 0,
    secret: 'whsec_x',
    previousSecret: null,
    previousUntil: null,
    state: 'active',
    reason: null,
    isVerified: true,
    cursor: 'a',
    batch: null,
    attempts: 0,
    failingSince: null,
    nextAt: 0,
    deliveredAt: null,
    lastStatus: null,
    lastFailure: null,
    handled: 0,
    placed: 0,
  };
}

test('a place that moved over nothing to tell is written now and then, not each time', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-hook-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const database = openKept(join(folder, 'feeds.db'), 1_000);
  const store = openHookStore(database);
  const hook = hookNamed('one');
  store.add(hook);
  const written = () => openHookStore(database).all.get('one')?.cursor;
  hook.cursor = 'b';
  store.moved(hook);
  store.flush();
  expect(written()).toBe('a');
  store.noteMoved();
  store.flush();
  expect(written()).toBe('b');
  database.close();
});

test('what could not be written is written with the next flush, all of it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-hook-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const database = openKept(join(folder, 'feeds.db'), 1_000);
  const store = openHookStore(database);
  const hooks = ['one', 'two'].map(hookNamed);
  for (const hook of hooks) {
    store.add(hook);
    hook.cursor = 'b';
    store.note(hook);
  }
  database.exec(`CREATE TRIGGER full BEFORE INSERT ON hook WHEN NEW.id = 'two'
    BEGIN SELECT RAISE(ABORT, 'full'); END`);
  expect(() => store.flush()).toThrow('full');
  database.exec('DROP TRIGGER full');
  store.flush();
  expect([...openHookStore(database).all.values()].map(({ cursor }) => cursor)).toEqual(['b', 'b']);
  database.close();
});
