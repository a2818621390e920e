/**
 * Text as it is searched: without case, diacritics and punctuation, whether composed or decomposed
 * (Unicode Standard Annex #15, NFKD). The bar of `đ` is no mark that decomposition takes away.
 */

/** Words in order; none where the text has neither letters nor digits. */
export function foldedWords(text: string): readonly string[] {
  return text
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll('đ', 'd')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}
