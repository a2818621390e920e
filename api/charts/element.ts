/** SVG as text: every text and attribute is escaped here, and nowhere else. */

type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Characters that XML 1.0 cannot hold at all (§2.2), and lone surrogates. */
// oxlint-disable-next-line no-control-regex
const unspeakable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

export function escapeText(text: string): string {
  return text
    .toWellFormed()
    .replace(unspeakable, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** `inner` is SVG already. */
export function element(name: string, attributes: Attributes, inner = ''): string {
  let text = `<${name}`;
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) text += ` ${key}="${escapeText(String(value))}"`;
  }
  return inner === '' ? `${text}/>` : `${text}>${inner}</${name}>`;
}

export function textElement(content: string, attributes: Attributes): string {
  return element('text', attributes, escapeText(content));
}

/** Be Vietnam Pro is 0.56 em wide on average; wider letters are allowed for. */
const widthEm = 0.6;

/** No less than it will be. */
export function textWidth(text: string, sizePixels: number): number {
  return text.length * sizePixels * widthEm;
}

/** A letter and its diacritics are cut off together. */
const graphemes = new Intl.Segmenter('vi');

/** As much of a text as has its place, with … where it was cut. */
export function fitText(text: string, sizePixels: number, widthPixels: number): string {
  const charactersMax = Math.max(1, Math.floor(widthPixels / (sizePixels * widthEm)));
  const characters = Array.from(graphemes.segment(text), ({ segment }) => segment);
  if (characters.length <= charactersMax) return text;
  return `${characters
    .slice(0, charactersMax - 1)
    .join('')
    .trimEnd()}…`;
}

/** Tenths of a pixel are enough, and half as long. */
export function pixel(value: number): string {
  const rounded = Math.round(value * 10) / 10;
  return String(rounded === 0 ? 0 : rounded);
}
