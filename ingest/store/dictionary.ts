/**
 * The few distinct verdicts and texts (devices, raw names, units) of a network, each under a number.
 * The writer adds to them inside the transaction of the block that needs them; a reader that meets a
 * number it does not know reads on from the greatest it knows.
 */
import type { Database } from '../../devices/database.ts';
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
  const verdictsAfter = database.prepare('SELECT * FROM verdicts WHERE id > ? ORDER BY id');
  const textsAfter = database.prepare('SELECT id, text FROM texts WHERE id > ? ORDER BY id');
  let addVerdict: ReturnType<Database['prepare']> | undefined;
  let addText: ReturnType<Database['prepare']> | undefined;
  let verdicts: (Verdict | undefined)[] = [];
  let texts: (string | undefined)[] = [];
  let verdictIds = new Map<string, number>();
  /** The objects met so far: most rows share few. Kept short, since each batch brings its own. */
  let verdictObjects = new Map<Verdict, number>();
  const verdictObjectsMax = 4_096;
  let textIds = new Map<string, number>();

  function loadVerdicts(): void {
    const from = Math.max(0, verdicts.length - 1);
    for (const found of verdictsAfter.all(from) as unknown as VerdictRecord[]) {
      const { id, flag, tests, qualifiers, rules } = found;
      const reason = reasons.find((known) => known === found.reason) ?? null;
      const verdict: Verdict = { flag: flag as Flag, tests, qualifiers, reason, rules };
      verdicts[id] = verdict;
      verdictIds.set(verdictText(verdict), id);
    }
  }

  function loadTexts(): void {
    const from = Math.max(0, texts.length - 1);
    for (const found of textsAfter.all(from) as { id: number; text: string }[]) {
      texts[found.id] = found.text;
      textIds.set(found.text, found.id);
    }
  }

  function addedVerdict(verdict: Verdict): number {
    addVerdict ??= database.prepare('INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?)');
    const id = Math.max(1, verdicts.length);
    const { flag, tests, qualifiers, reason, rules } = verdict;
    addVerdict.run(id, flag, tests, qualifiers, reason, rules);
    verdicts[id] = verdict;
    verdictIds.set(verdictText(verdict), id);
    return id;
  }

  function load(): void {
    verdicts = [];
    texts = [];
    verdictIds = new Map();
    verdictObjects = new Map();
    textIds = new Map();
    loadVerdicts();
    loadTexts();
  }

  load();
  return {
    verdictId(verdict) {
      const met = verdictObjects.get(verdict);
      if (met !== undefined) return met;
      const id = verdictIds.get(verdictText(verdict)) ?? addedVerdict(verdict);
      if (verdictObjects.size >= verdictObjectsMax) verdictObjects.clear();
      verdictObjects.set(verdict, id);
      return id;
    },
    textId(text) {
      const known = textIds.get(text);
      if (known !== undefined) return known;
      addText ??= database.prepare('INSERT INTO texts VALUES (?, ?)');
      const id = Math.max(1, texts.length);
      addText.run(id, text);
      texts[id] = text;
      textIds.set(text, id);
      return id;
    },
    verdictOf(id) {
      if (verdicts[id] === undefined) loadVerdicts();
      return verdicts[id];
    },
    textOf(id) {
      if (texts[id] === undefined) loadTexts();
      return texts[id];
    },
    reload: load,
  };
}
