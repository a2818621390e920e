/**
 * The few distinct verdicts and texts (devices, raw names, units) of a network, each under a number.
 * The writer adds to them inside the transaction of the block that needs them; a reader that meets a
 * number it does not know reads on from the greatest it knows.
 */
import type { Database, Statement } from '../../devices/database.ts';
import type { Verdict } from '../observation.ts';
import { reasons, type Flag } from '../quality.ts';
import { verdictText } from './tail-names.ts';

export interface Dictionary {
  /** The number of a verdict or text; the writer's alone, it adds what is new. */
  verdictId(verdict: Verdict): number;
  textId(text: string): number;
  /** Undefined where the number is in no table: the block is damaged. */
  verdictOf(id: number): Verdict | undefined;
  textOf(id: number): string | undefined;
  /** Forgets what a transaction that was rolled back had added. */
  reload(): void;
}

interface VerdictRecord {
  readonly id: number;
  readonly flag: number;
  readonly tests: string;
  readonly qualifiers: number;
  readonly reason: string | null;
  readonly rules: string;
}

export function openDictionary(database: Database): Dictionary {
  const verdicts = openVerdicts(database);
  const texts = openTexts(database);
  return {
    verdictId: (verdict) => verdicts.id(verdict),
    textId: (text) => texts.id(text),
    verdictOf: (id) => verdicts.of(id),
    textOf: (id) => texts.of(id),
    reload() {
      verdicts.reload();
      texts.reload();
    },
  };
}

interface Numbered<Value> {
  id(value: Value): number;
  of(id: number): Value | undefined;
  reload(): void;
}

/** Verdict objects remembered: each batch brings its own, so all are forgotten now and then. */
const objectsMax = 4_096;

function openVerdicts(database: Database): Numbered<Verdict> {
  const after = database.prepare('SELECT * FROM verdicts WHERE id > ? ORDER BY id');
  let insert: Statement | undefined;
  const held: (Verdict | undefined)[] = [];
  const ids = new Map<string, number>();
  const objects = new Map<Verdict, number>();

  function load(): void {
    for (const found of after.all(held.length - 1) as unknown as VerdictRecord[]) {
      const { id, flag, tests, qualifiers, rules } = found;
      const reason = reasons.find((known) => known === found.reason) ?? null;
      const verdict: Verdict = { flag: flag as Flag, tests, qualifiers, reason, rules };
      held[id] = verdict;
      ids.set(verdictText(verdict), id);
    }
  }

  function add(verdict: Verdict): number {
    insert ??= database.prepare('INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?)');
    const id = Math.max(1, held.length);
    const { flag, tests, qualifiers, reason, rules } = verdict;
    insert.run(id, flag, tests, qualifiers, reason, rules);
    held[id] = verdict;
    ids.set(verdictText(verdict), id);
    return id;
  }

  load();
  return {
    id(verdict) {
      const met = objects.get(verdict);
      if (met !== undefined) return met;
      const id = ids.get(verdictText(verdict)) ?? add(verdict);
      if (objects.size >= objectsMax) objects.clear();
      objects.set(verdict, id);
      return id;
    },
    of(id) {
      if (held[id] === undefined) load();
      return held[id];
    },
    reload() {
      held.length = 0;
      ids.clear();
      objects.clear();
      load();
    },
  };
}

function openTexts(database: Database): Numbered<string> {
  const after = database.prepare('SELECT id, text FROM texts WHERE id > ? ORDER BY id');
  let insert: Statement | undefined;
  const held: (string | undefined)[] = [];
  const ids = new Map<string, number>();

  function load(): void {
    for (const found of after.all(held.length - 1) as { id: number; text: string }[]) {
      held[found.id] = found.text;
      ids.set(found.text, found.id);
    }
  }

  load();
  return {
    id(text) {
      const known = ids.get(text);
      if (known !== undefined) return known;
      insert ??= database.prepare('INSERT INTO texts VALUES (?, ?)');
      const id = Math.max(1, held.length);
      insert.run(id, text);
      held[id] = text;
      ids.set(text, id);
      return id;
    },
    of(id) {
      if (held[id] === undefined) load();
      return held[id];
    },
    reload() {
      held.length = 0;
      ids.clear();
      load();
    },
  };
}
