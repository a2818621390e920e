/**
 * What a client or a cache on the way still remembers of earlier answers: entity tags, addresses that
 * are good for a year, a page token, a citation. A server that came back with an earlier history must
 * not take them for its own.
 */
import { keep } from './promise.ts';
import { sha256Of, type Wire } from './wire.ts';

export interface Remembered {
  /** Asks for everything again by its tag: 304 only where the whole answer is still the same. */
  requireTrue(): Promise<object>;
}

interface Answered {
  readonly tag: string;
  readonly text: string;
}

/** `urls` as they are answered now; asked again with each tag that was ever met. */
export async function rememberAnswers(wire: Wire, urls: readonly string[]): Promise<Remembered> {
  const met = new Map<string, Answered[]>();

  async function meet(url: string): Promise<Answered> {
    const { status, headers, bytes } = await wire.ask(url);
    const tag = headers.get('etag');
    keep('every list has an entity tag', status === 200 && tag !== null, () => [url, status]);
    const now = { tag: tag ?? '', text: lasting(bytes.toString()) };
    const known = met.get(url) ?? [];
    if (!known.some((each) => each.tag === now.tag)) known.push(now);
    met.set(url, known);
    return now;
  }

  for (const url of urls) await meet(url);
  return {
    async requireTrue() {
      let same = 0;
      let asked = 0;
      for (const [url, answers] of met) {
        for (const { tag, text } of answers.slice()) {
          asked += 1;
          const { status } = await wire.ask(url, { headers: { 'if-none-match': tag } });
          if (status !== 304) continue;
          const now = await meet(url);
          same += 1;
          // It may have changed between both questions; then the tag is another.
          keep('304 is said only of what is the same', now.tag !== tag || now.text === text, () => [
            { url, tag, before: text.slice(0, 500), now: now.text.slice(0, 500) },
          ]);
        }
        await meet(url);
      }
      return { tagsAsked: asked, tagsGood: same };
    },
  };
}

/** Without what is of the moment of asking alone. */
function lasting(text: string): string {
  return text.replaceAll(/"(ageSeconds|stale)":[^,}]+/g, '');
}

export interface LostThings {
  /** Address of a file with its version. */
  readonly file: string;
  readonly fileSha256: string;
  /** Addresses of a next page, of the changes behind the end, and of the bytes of a citation. */
  readonly page: string;
  readonly changes: string;
  readonly citation: string;
  readonly citationSha256: string;
}

/** What was given out in a stretch that a restore took back is gone, or what it was. */
export async function requireNotAnother(wire: Wire, lost: LostThings): Promise<object> {
  const file = await wire.ask(lost.file);
  const isFile = file.status === 200 && sha256Of(file.bytes) === lost.fileSha256;
  keep('an address of a file never gives another', isFile || file.status === 404, () => [
    lost.file,
    file.status,
  ]);
  const citation = await wire.ask(lost.citation);
  const isCitation = citation.status === 200 && sha256Of(citation.bytes) === lost.citationSha256;
  keep('a citation never gives other bytes', isCitation || citation.status === 404, () => [
    lost.citation,
    citation.status,
  ]);
  for (const what of ['page', 'changes'] as const) {
    const { status, bytes } = await wire.ask(lost[what]);
    keep(`a lost stretch is refused: its ${what}`, status === 410, () => [
      lost[what],
      status,
      bytes.toString('utf8', 0, 300),
    ]);
  }
  return { file: file.status, citation: citation.status };
}
