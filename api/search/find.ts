/**
 * Finds things whose name or id holds every word that is asked for, in any order. The last word may
 * still be being typed, so it is enough that another begins with it.
 */
import { foldedWords } from './fold.ts';
import type { Thing, ThingType } from './things.ts';
import type { ThingIndex, WordIndex } from './word-index.ts';

/** How well: the whole name or id, beginnings of its words, or something inside of them. */
export const matches = ['exact', 'start', 'inside'] as const;
export type Match = (typeof matches)[number];

export interface Found {
  readonly thing: Thing;
  readonly match: Match;
}

export interface Search {
  /** Folded, each once, never none. */
  readonly words: readonly string[];
  readonly types: ReadonlySet<ThingType> | null;
  /** Whose names are looked at; null: either. */
  readonly language: 'vi' | 'en' | null;
}

/** The words of a query; undefined where there is nothing to look for, or too much. */
export function readWords(text: string, wordsMax: number): readonly string[] | undefined {
  const words = [...new Set(foldedWords(text))];
  return words.length === 0 || words.length > wordsMax ? undefined : words;
}

/** The best first; things that match as well as each other stay in their order. */
export function findThings(index: ThingIndex, search: Search): readonly Found[] {
  const { words, types, language } = search;
  const vi = language === 'en' ? null : rankAll(index.vi, index.things.length, words);
  const en = language === 'vi' ? null : rankAll(index.en, index.things.length, words);
  const ranked: Found[][] = [[], [], [], []];
  for (const [place, thing] of index.things.entries()) {
    if (types !== null && !types.has(thing.type)) continue;
    const rank = Math.min(vi?.[place] ?? none, en?.[place] ?? none);
    const match = matchOfRank[rank];
    if (match !== undefined) ranked[rank]?.push({ thing, match });
  }
  return ranked.flat();
}

/** Whole words with a beginning at the end are better than beginnings alone. */
const matchOfRank: readonly Match[] = ['exact', 'start', 'start', 'inside'];
const inside = 3;
const none = 4;

/** By place: how well the thing matches all words. */
function rankAll(index: WordIndex, size: number, words: readonly string[]): Uint8Array {
  const ranks = new Uint8Array(size);
  const ofWord = new Uint8Array(size);
  for (const [at, word] of words.entries()) {
    ofWord.fill(none);
    rankWord(index, ofWord, { word, isLast: at === words.length - 1 });
    for (let place = 0; place < size; place++) {
      const rank = ofWord[place] ?? none;
      if (rank > (ranks[place] ?? none)) ranks[place] = rank;
    }
  }
  for (let place = 0; place < size; place++) {
    if (ranks[place] === 0 && !isCalled(index, place, words)) ranks[place] = 1;
  }
  return ranks;
}

/** Lowers the ranks of the things that hold the word. */
function rankWord(
  index: WordIndex,
  ranks: Uint8Array,
  { word, isLast }: { readonly word: string; readonly isLast: boolean },
): void {
  for (const [known, places] of index.words) {
    const found = known.indexOf(word);
    if (found < 0) continue;
    const ofStart = known.length === word.length ? 0 : isLast ? 1 : 2;
    const rank = found > 0 ? inside : ofStart;
    for (const place of places) {
      if (rank < (ranks[place] ?? 0)) ranks[place] = rank;
    }
  }
}

/** Whether these words are all that the name or the id is made of. */
function isCalled({ called }: WordIndex, place: number, words: readonly string[]): boolean {
  return (called[place] ?? []).some(
    (name) => name.length === words.length && words.every((word) => name.includes(word)),
  );
}
