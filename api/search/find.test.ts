import fc from 'fast-check';
import { expect, test } from 'vitest';

import { findThings, readWords, type Search } from './find.ts';
import { foldedWords } from './fold.ts';
import type { Thing } from './things.ts';
import { indexThings } from './word-index.ts';

function thing(type: Thing['type'], id: string, vi: string, en = vi): Thing {
  return { type, id, name: { vi, en } };
}

async function find(things: readonly Thing[], asked: Search) {
  return findThings(await indexThings(things, (text) => [...new Set(foldedWords(text))]), asked);
}

function search(text: string, more: Partial<Search> = {}): Search {
  return { words: readWords(text, 16) ?? [], types: null, language: null, ...more };
}

const places = ['Hà Nội', 'Huế', 'Đà Lạt', 'Đồng Hới', 'Sông Đuống', 'Cần Thơ', 'Trường Sa'];
const names = fc
  .array(fc.constantFrom(...places, 'Trạm', 'Nguyễn Văn Cừ', 'Ô nhiễm không khí', 'PM₂.₅'), {
    minLength: 1,
    maxLength: 4,
  })
  .map((parts) => parts.join(' '));

/** The same name as others may type it: order of words, capitals, marks, how marks are encoded. */
function typed(name: string): fc.Arbitrary<string> {
  const spellings = [
    (text: string) => text.normalize('NFC'),
    (text: string) => text.normalize('NFD'),
    (text: string) => text.toUpperCase(),
    (text: string) => text.normalize('NFD').replaceAll(/\p{M}/gu, ''),
    (text: string) => foldedWords(text).join(' '),
    (text: string) => text.replaceAll('Đ', 'D').replaceAll('đ', 'd'),
  ];
  return fc
    .tuple(
      fc.shuffledSubarray(name.split(' '), { minLength: name.split(' ').length }),
      fc.constantFrom(...spellings),
    )
    .map(([words, spell]) => spell(words.join(' ')));
}

test('a name is found exactly, however its words are ordered, written and encoded', async () => {
  await fc.assert(
    fc.asyncProperty(
      names.chain((name) => fc.tuple(fc.constant(name), typed(name))),
      async ([name, asked]) => {
        const found = await find([thing('station', 's1', name)], search(asked));
        expect(found.map(({ match }) => match)).toEqual(['exact']);
      },
    ),
  );
});

test('the last word may be incomplete, and what was typed of it is still a beginning', async () => {
  await fc.assert(
    fc.asyncProperty(names, fc.integer({ min: 1, max: 8 }), async (name, length) => {
      const words = [...foldedWords(name)];
      words.push((words.pop() ?? '').slice(0, length));
      const [found] = await find([thing('station', 's1', name)], search(words.join(' ')));
      expect(['exact', 'start']).toContain(found?.match);
    }),
  );
});

test('whatever is found holds each word that was asked for', async () => {
  const things = places.map((name, at) => thing('station', `s${at}`, name, `Place ${at}`));
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 12 }), async (asked) => {
      const words = readWords(asked, 16);
      if (words === undefined) return;
      for (const { thing: one } of await find(things, search(asked))) {
        const texts = [one.name.vi, one.name.en, one.id].flatMap(foldedWords);
        const held = [...texts, foldedWords(one.id).join('')].join(' ');
        expect(words.filter((word) => !held.includes(word))).toEqual([]);
      }
    }),
  );
});

test('the whole name comes before the beginning of a word, and that before the inside of one', async () => {
  const things = [
    thing('station', 'a', 'Bạch Hà Nội'),
    thing('station', 'b', 'Thahanoi'),
    thing('station', 'c', 'Hà Nội'),
    thing('station', 'd', 'Hàm Nội thất'),
  ];
  const found = await find(things, search('ha noi'));
  expect(found.map(({ thing: { id }, match }) => [id, match])).toEqual([
    ['c', 'exact'],
    ['a', 'start'],
    ['d', 'start'],
    ['b', 'inside'],
  ]);
});

test('an id is found whole, by its parts, and in one word', async () => {
  const things = [thing('property', 'pm2.5', 'Bụi mịn', 'Fine particles')];
  for (const asked of ['pm2.5', 'PM25', 'PM₂.₅', 'pm2 5']) {
    expect((await find(things, search(asked))).map(({ match }) => match)).toEqual(['exact']);
  }
});

test('only names of the language and things of the types that are asked for are looked at', async () => {
  const things = [
    thing('property', 'rainfall', 'Lượng mưa', 'Rainfall'),
    thing('station', 'x', 'Trạm mưa', 'Rain gauge'),
  ];
  const ids = async (more: Partial<Search>, asked = 'mua') =>
    (await find(things, search(asked, more))).map(({ thing: { id } }) => id);
  expect(await ids({})).toEqual(['rainfall', 'x']);
  expect(await ids({ language: 'en' })).toEqual([]);
  expect(await ids({ language: 'en' }, 'rain')).toEqual(['rainfall', 'x']);
  expect(await ids({ types: new Set(['station']) })).toEqual(['x']);
});
