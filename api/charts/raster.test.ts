import { beforeAll, describe, expect, test } from 'vitest';

import { openRaster, type Raster } from './raster.ts';

let raster: Raster;

beforeAll(async () => {
  raster = await openRaster();
});

/** The picture of a text alone, as base64. */
function paint(text: string, family = 'Be Vietnam Pro'): string {
  const style = `x="4" y="40" font-size="32" font-family="${family}"`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="56"><text ${style}>${text}</text></svg>`;
  return Buffer.from(raster(svg)).toString('base64');
}

describe('a painted text', () => {
  test('has every Vietnamese letter with its diacritics', () => {
    const bases = { a: 'ăâàảãáạằẳẵắặầẩẫấậ', e: 'êèẻẽéẹềểễếệ', i: 'ìỉĩíị', o: 'ôơòỏõóọồổỗốộờởỡớợ' };
    const more = { u: 'ưùủũúụừửữứự', y: 'ỳỷỹýỵ', d: 'đ' };
    const nothing = paint('');
    // A letter that the font lacks.
    const unknown = paint('漢');
    for (const [base, letters] of Object.entries({ ...bases, ...more })) {
      for (const letter of Array.from((letters + letters.toUpperCase()).normalize('NFC'))) {
        const plain = paint(letter === letter.toLowerCase() ? base : base.toUpperCase());
        const painted = paint(letter);
        expect([letter, [nothing, unknown, plain].includes(painted)]).toEqual([letter, false]);
      }
    }
  });

  test('is the same composed and decomposed', () => {
    expect(paint('ệ'.normalize('NFD'))).toBe(paint('ệ'.normalize('NFC')));
  });

  test('is in the one font there is, whatever family is named', () => {
    expect(paint('Trạm', 'system-ui')).toBe(paint('Trạm'));
    expect(paint('Trạm')).not.toBe(paint('Tram'));
  });
});

test('what is no SVG is refused, and the next is painted', () => {
  expect(() => raster('no picture')).toThrow(/SVG data parsing failed/);
  expect(paint('a')).not.toBe(paint(''));
});
