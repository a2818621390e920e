import { describe, expect, test } from 'vitest';

import { isTagNamed, matchTag, tagOf, tagWithEncoding, type AnswerVersion } from './validator.ts';

const version: AnswerVersion = {
  question: 'q',
  moment: 'at-50',
  registryVersion: 3,
  madeAtSeconds: 0,
};
const changedAt = (changed: number) => ({
  unchangedSince(moment: string) {
    const position = Number(moment.slice('at-'.length));
    return position < 50 && changed <= position;
  },
  ageSecondsMax: 60,
});

describe('an entity tag', () => {
  test('is strong, and differs with everything that the answer depends on', () => {
    const tags = [
      version,
      { ...version, question: 'r' },
      { ...version, moment: 'at-51' },
      { ...version, registryVersion: 4 },
      { ...version, madeAtSeconds: 7 },
    ].map(tagOf);
    expect(new Set(tags).size).toBe(tags.length);
    for (const tag of tags) expect(tag).toMatch(/^"[^"]+"$/);
    expect(tagWithEncoding(tags[0] ?? '', 'br')).not.toBe(tags[0]);
  });

  test('matches itself in any encoding, weak and in a list', () => {
    const tag = tagOf(version);
    const gzip = tagWithEncoding(tag, 'gzip');
    expect(matchTag(tag, version, changedAt(99))).toBe(tag);
    expect(matchTag(`"other", W/${gzip}`, version, changedAt(99))).toBe(gzip);
  });

  test('given earlier matches as long as nothing of the question has changed', () => {
    const earlier = tagOf({ ...version, moment: 'at-40' });
    expect(matchTag(earlier, version, changedAt(40))).toBe(earlier);
    expect(matchTag(earlier, version, changedAt(41))).toBeUndefined();
    const later = tagOf({ ...version, moment: 'at-60' });
    expect(matchTag(later, version, changedAt(1))).toBeUndefined();
  });

  test('does not match another question, registry, or nothing', () => {
    const still = changedAt(0);
    expect(matchTag(tagOf({ ...version, question: 'r' }), version, still)).toBeUndefined();
    expect(matchTag(tagOf({ ...version, registryVersion: 2 }), version, still)).toBeUndefined();
    expect(matchTag(undefined, version, still)).toBeUndefined();
    expect(matchTag('*, "x", garbage', version, still)).toBeUndefined();
  });

  test('of an answer with ages matches no longer than it may be cached', () => {
    const made = (madeAtSeconds: number) => ({ ...version, madeAtSeconds });
    const tag = tagOf(made(1_000));
    expect(matchTag(tag, made(1_060), changedAt(0))).toBe(tag);
    expect(matchTag(tag, made(1_061), changedAt(0))).toBeUndefined();
    expect(matchTag(tag, made(999), changedAt(0))).toBeUndefined();
  });
});

describe('the tag of bytes', () => {
  // A hash in base64url may end as the name of an encoding does.
  test.each(['"abcd"', '"abc-d"', '"abc-gz"', '"abc-br"', '"dn7kZdMc51QL9Y4Us7q8mVfKE-d"'])(
    '%s is named by itself, in any encoding, weak and in a list, and by no other',
    (tag) => {
      const names = [tag, tagWithEncoding(tag, 'br'), tagWithEncoding(tag, 'gzip')];
      for (const name of names) {
        for (const field of [name, `W/${name}`, `"other" , ${name}`]) {
          expect([field, isTagNamed(field, tag)]).toEqual([field, true]);
        }
      }
      const others = [undefined, '', '"other"', tagWithEncoding(tag, 'zz'), tag.replace('a', 'b')];
      for (const other of others.filter((each) => each !== tag)) {
        expect([other, isTagNamed(other, tag)]).toEqual([other, false]);
      }
      expect(isTagNamed('*', tag)).toBe(true);
    },
  );
});
