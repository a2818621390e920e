/**
 * Units and licences in addresses. A UCUM code may hold `/`, `%`, `[` and more, and a licence may be
 * an address itself: proxies decode `%2F` on their way, so each byte that is not a letter, a digit,
 * `.`, `_` or `-` is written as `~` and two hexadecimal digits. `m/s` is `m~2Fs`, `[ppm]` is
 * `~5Bppm~5D`. `~` is unreserved (RFC 3986 §2.3), so nothing on the way changes it.
 */
export function slugOf(text: string): string {
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replaceAll(
      /[^A-Za-z0-9._-]/g,
      (byte) => `~${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    );
}

/** The one text that has this slug; undefined where none has. */
export function textOfSlug(slug: string): string | undefined {
  const bytes = slug.replaceAll(/~([0-9A-F]{2})/g, (_whole, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const text = Buffer.from(bytes, 'latin1').toString('utf8');
  return slugOf(text) === slug ? text : undefined;
}

/** As it stands in an address: ids of the registry are of unreserved characters already. */
export function idInAddress(kind: string, id: string): string {
  return kind === 'unit' || kind === 'licence' ? slugOf(id) : encodeURIComponent(id);
}
