/** Pages as text in which everything that is put in is escaped, unless it is such text already. */

const isHtml = Symbol('html');

export interface Html {
  readonly [isHtml]: true;
  readonly text: string;
}

export type Part = Html | string | number | undefined | readonly Part[];

/** A tagged template: `html`<p>${name}</p>``. What is undefined is nothing. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let text = texts[0] ?? '';
  for (const [index, part] of parts.entries()) text += textOf(part) + (texts[index + 1] ?? '');
  return { [isHtml]: true, text };
}

/**
 * JSON inside a `script` element that is no script (HTML Living Standard §4.12.1, data blocks): no
 * policy forbids it, and nothing in it can end the element.
 */
export function dataBlock(mediaType: string, value: object): Html {
  const json = JSON.stringify(value).replaceAll('<', String.raw`\u003c`);
  const text = `<script type="${mediaType}">${json}</script>`;
  return { [isHtml]: true, text };
}

function textOf(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'number') return String(part);
  if (typeof part === 'string') return escaped(part);
  if ('text' in part) return part.text;
  return part.map(textOf).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
