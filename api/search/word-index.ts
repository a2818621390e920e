/**
 * Which things hold which words, by language. A word of a query is looked for among the distinct
 * words, which are few, and not in every name.
 */
import { setImmediate } from 'node:timers/promises';

import type { Thing } from './things.ts';

type Fold = (text: string) => readonly string[];

export interface ThingIndex {
  readonly things: readonly Thing[];
  readonly vi: WordIndex;
  readonly en: WordIndex;
}

export interface WordIndex {
  /** Each word with the places of the things that hold it, in their name or id. */
  readonly words: readonly (readonly [word: string, places: Uint32Array])[];
  /** By place: the texts that a thing can be called by, each as its distinct words. */
  readonly called: readonly (readonly (readonly string[])[])[];
}

/** About 4 ms. */
const thingsPerTurn = 500;

/** `fold` gives the distinct words of a text. */
export async function indexThings(things: readonly Thing[], fold: Fold): Promise<ThingIndex> {
  return {
    things,
    vi: await indexNames(things, fold, 'vi'),
    en: await indexNames(things, fold, 'en'),
  };
}

async function indexNames(
  things: readonly Thing[],
  fold: Fold,
  language: 'vi' | 'en',
): Promise<WordIndex> {
  const words = new Map<string, number[]>();
  const called: (readonly (readonly string[])[])[] = [];
  for (const [place, { id, name }] of things.entries()) {
    const ofId = fold(id);
    // An id is found by its parts, and by all of them in one word: `ha-noi` by `hanoi` too.
    const names = [fold(name[language]), ofId, ...(ofId.length > 1 ? [[ofId.join('')]] : [])];
    called.push(names);
    for (const word of new Set(names.flat())) {
      const places = words.get(word);
      if (places === undefined) words.set(word, [place]);
      else places.push(place);
    }
    if (place % thingsPerTurn === thingsPerTurn - 1) await setImmediate();
  }
  return {
    words: [...words].map(([word, places]) => [word, Uint32Array.from(places)]),
    called,
  };
}
