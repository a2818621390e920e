import fc from 'fast-check';
import { expect, test } from 'vitest';

import { dataBlock, html } from './html.ts';
import { darkColours, lightColours } from './style.ts';

test('nothing that is put in can begin an element or end an attribute', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { text: made } = html`<p title="${text}">${text}</p>`;
      const inside = made.slice('<p title="'.length, -'</p>'.length);
      expect(inside.replace('">', '')).not.toMatch(/[<>"']/);
    }),
  );
});

test('what is text already is not escaped again', () => {
  expect(html`<p>${html`<b>${'<'}</b>`}${[html`<i></i>`, undefined, 3]}</p>`.text).toBe(
    '<p><b>&lt;</b><i></i>3</p>',
  );
});

test('a data block cannot be ended from inside, and says the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const value = { name: `${text}</script><!--<script>` };
      const { text: made } = dataBlock('application/ld+json', value);
      const inside = made.slice(made.indexOf('>') + 1, -'</script>'.length);
      expect(inside).not.toContain('<');
      expect(JSON.parse(inside)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

/** Relative luminance and contrast by WCAG 2.2. */
function contrast(one: string, other: string): number {
  const luminance = (colour: string) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

test('every colour of text has the contrast of WCAG 2.2 AA on its paper', () => {
  expect(contrast('#ffffff', '#000000')).toBe(21);
  for (const { paper, line: _line, ...texts } of [lightColours, darkColours]) {
    for (const colour of Object.values(texts)) {
      expect([colour, paper, contrast(colour, paper) >= 4.5]).toEqual([colour, paper, true]);
    }
  }
});
