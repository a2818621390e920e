/** A citation in words: for people in both languages, as BibTeX, as CSL-JSON, as a page. */
import type { Licence } from '../../devices/licence.ts';
import type { Name } from '../../devices/model.ts';
import type { CitationRecord } from './records.ts';

export interface CitationWords {
  readonly text: Name;
  readonly bibtex: string;
  readonly cslJson: object;
}

export function wordsOf(record: CitationRecord, uri: string): CitationWords {
  return {
    text: { vi: textVi(record, uri), en: textEn(record, uri) },
    bibtex: bibtexOf(record, uri),
    cslJson: cslOf(record, uri),
  };
}

const dateOf = (at: number): string => new Date(at).toISOString().slice(0, 10);
const momentOf = (at: number): string => new Date(at).toISOString();
const namesOf = (names: readonly Name[], language: keyof Name): string =>
  names.map((name) => name[language]).join('; ');
const termsOf = (licences: readonly Licence[]): string => licences.map(({ id }) => id).join(', ');

function textVi(record: CitationRecord, uri: string): string {
  const { publishers, title, version, asOf, madeAt, sha256, licences } = record;
  const year = dateOf(asOf).slice(0, 4);
  return (
    `${namesOf(publishers, 'vi')} (${year}). ${title.vi} [Bộ dữ liệu]. Phiên bản ${version}, ` +
    `số liệu như đã công bố lúc ${momentOf(asOf)}. ${uri}. SHA-256 ${sha256}. ` +
    `Giấy phép ${termsOf(licences)}. Truy cập ngày ${dateOf(madeAt)}.`
  );
}

function textEn(record: CitationRecord, uri: string): string {
  const { publishers, title, version, asOf, madeAt, sha256, licences } = record;
  const year = dateOf(asOf).slice(0, 4);
  return (
    `${namesOf(publishers, 'en')} (${year}). ${title.en} [Data set]. Version ${version}, ` +
    `as published at ${momentOf(asOf)}. ${uri}. SHA-256 ${sha256}. ` +
    `Licence ${termsOf(licences)}. Retrieved ${dateOf(madeAt)}.`
  );
}

function bibtexOf(record: CitationRecord, uri: string): string {
  const { id, publishers, title, version, asOf, madeAt, sha256, licences } = record;
  const authors = publishers.map(({ vi }) => `{${latex(vi)}}`).join(' and ');
  const fields = [
    ['author', `{${authors}}`],
    ['title', `{{${latex(title.vi)}}}`],
    ['year', `{${dateOf(asOf).slice(0, 4)}}`],
    ['version', `{${version}}`],
    ['howpublished', `{\\url{${uri}}}`],
    ['url', `{${uri}}`],
    ['urldate', `{${dateOf(madeAt)}}`],
    ['note', `{As published at ${momentOf(asOf)}. SHA-256 ${sha256}. ${latex(termsOf(licences))}}`],
  ];
  const lines = fields.map(([name = '', value = '']) => `  ${name} = ${value}`);
  return `@misc{quantrac-${id},\n${lines.join(',\n')}\n}\n`;
}

/** Signs that TeX takes for its own. */
function latex(text: string): string {
  const named: Readonly<Record<string, string>> = {
    '\\': '\\textbackslash{}',
    '~': '\\textasciitilde{}',
    '^': '\\textasciicircum{}',
  };
  return text.replaceAll(/[\\~^{}#$%&_]/g, (sign) => named[sign] ?? `\\${sign}`);
}

/** Schema 1.0.2 of the Citation Style Language. */
function cslOf(record: CitationRecord, uri: string): object {
  const { id, publishers, title, version, asOf, madeAt, sha256, licences } = record;
  const partsOf = (at: number) => ({
    'date-parts': [dateOf(at).split('-').map(Number)],
  });
  return {
    id: `quantrac-${id}`,
    type: 'dataset',
    language: 'vi',
    title: title.vi,
    author: publishers.map(({ vi }) => ({ literal: vi })),
    publisher: namesOf(publishers, 'vi'),
    issued: partsOf(asOf),
    accessed: partsOf(madeAt),
    version,
    URL: uri,
    note: `As published at ${momentOf(asOf)}. SHA-256 ${sha256}. ${termsOf(licences)}`,
  };
}

/** A page that needs nothing but itself. */
export function pageOf(record: CitationRecord, uri: string): string {
  const { text, bibtex } = wordsOf(record, uri);
  const { title, bytes, mediaType, sha256, erasedAt } = record;
  const given =
    erasedAt === null
      ? `<a href="${escaped(uri)}/data">${escaped(record.fileName)}</a> (${escaped(mediaType)}, ${bytes} byte)`
      : 'ERASED';
  return (
    '<!doctype html><html lang="vi"><head><meta charset="utf-8">' +
    `<meta name="viewport" content="width=device-width"><title>${escaped(title.vi)}</title></head>` +
    `<body><h1>${escaped(title.vi)}</h1><p lang="en">${escaped(title.en)}</p>` +
    `<p>${escaped(text.vi)}</p><p lang="en">${escaped(text.en)}</p>` +
    `<p>${given}</p><p>SHA-256 <code>${sha256}</code></p><pre>${escaped(bibtex)}</pre></body></html>`
  );
}

function escaped(text: string): string {
  const named: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  return text.replaceAll(/[&<>"]/g, (sign) => named[sign] ?? sign);
}
