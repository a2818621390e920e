/** What all pages have: they are read without a script, by keyboard and on a phone. */
import type { Language } from '../page-words.ts';
import { html, type Html, type Part } from './html.ts';
import { sayOn } from './words.ts';

/** Of one page. */
export interface Page {
  readonly language: Language;
  readonly title: string;
  /** The title in the other language, where it is a name. */
  readonly otherTitle?: string | undefined;
  /** What kind of thing it is about. */
  readonly kind?: string;
  readonly content: Part;
  /** Embedded for search engines. */
  readonly data?: Html;
  readonly base: string;
  /** It stands beside the folders of the kinds, not in one. */
  readonly isAmongKinds?: boolean;
  /** Of this page in each language, and of the same for programs; none where nothing was found. */
  readonly forms?: {
    readonly vi: string;
    readonly en: string;
    readonly jsonld: string;
  };
}

export function pageText(page: Page): string {
  const { language, title, otherTitle, kind, content, data, base, forms, isAmongKinds } = page;
  const other = language === 'vi' ? 'en' : 'vi';
  return html`<!doctype html>
    <html lang="${language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} – Quantrac</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="${isAmongKinds === true ? '' : '../../doc/'}style.css" />
        ${
          forms &&
          html`<link rel="canonical" href="${forms[language]}" />
            <link rel="alternate" hreflang="${other}" href="${forms[other]}" />
            <link rel="alternate" type="application/ld+json" href="${forms.jsonld}" /> `
        }${data}
      </head>
      <body>
        <a class="skip" href="#content">${sayOn(language, 'skip')}</a>
        <header>
          <p><a href="${base}/">${sayOn(language, 'brand')}</a></p>
          <a href="${base}/doc/contents.${language}.html">${sayOn(language, 'contents')}</a>
          ${
            forms &&
            html`<a href="${forms[other]}" hreflang="${other}" lang="${other}"
                >${sayOn(language, 'otherLanguage')}</a
              >
              <a href="${forms.jsonld}" type="application/ld+json"
                >${sayOn(language, 'forPrograms')}</a
              > `
          }
        </header>
        <main id="content" tabindex="-1">
          <h1>${title}</h1>
          <p class="other">
            ${kind}${
              otherTitle === undefined || otherTitle === title
                ? undefined
                : html`${kind === undefined ? '' : ' · '}<span lang="${other}">${otherTitle}</span>`
            }
          </p>
          ${content}
        </main>
      </body>
    </html> `.text;
}

/** Terms and what is said of each; what is undefined is left out. */
export function facts(entries: readonly (readonly [string, Part | undefined])[]): Html {
  const known = entries.filter(([, value]) => value !== undefined && value !== '');
  return html`<dl>
    ${known.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd> `,
    )}
  </dl> `;
}

export function section(title: string, content: Part): Html {
  return html`<h2>${title}</h2>
    ${content} `;
}

export function link(href: string, text: string): Html {
  return html`<a href="${href}">${text}</a>`;
}

export function list(items: readonly Part[]): Html {
  return html`<ul>
    ${items.map((item) => html`<li>${item}</li> `)}
  </ul> `;
}

/** Wider than a phone it scrolls by itself, which a keyboard can do as well. */
export function table(
  label: string,
  { columns, rows }: { readonly columns: readonly string[]; readonly rows: readonly Part[] },
): Html {
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0">
    <table>
      <thead>
        <tr>
          ${columns.map((column) => html`<th scope="col">${column}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div> `;
}
