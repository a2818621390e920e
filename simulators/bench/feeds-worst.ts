/**
 * Looks for the dearest question that is answered: generated from what the documentation allows, the
 * dearest found so far changed a little again and again, as a seed says.
 */
import { createSeededRandom, type Random } from '../../devices/random.ts';
import type { Answer, Asker } from './feeds-questions.ts';
import { choicesOf, parametersOf, pathOf, type AskedOf } from './feeds-routes.ts';
import { round } from './figures.ts';

export interface WorstOptions extends AskedOf {
  readonly seed: number;
  readonly tries: number;
}

export interface Worst {
  readonly path: string;
  readonly firstByteMs: number;
  readonly wholeMs: number;
  readonly bytes: number;
  readonly asked: number;
  readonly answered: number;
  readonly refused: number;
  /** Of the refusals. */
  readonly slowestRefusalMs: number;
  /** The longest wait for each address. */
  readonly waitedMsOf: Readonly<Record<string, number>>;
}

type Question = Readonly<Record<string, string>>;

/** `base` with a few members drawn anew, or all of them. */
function draw(random: Random, options: WorstOptions, base: Question | undefined): Question {
  const entries = Object.entries(choicesOf(options)).flatMap(([name, values]) => {
    const kept = base?.[name];
    if (base !== undefined && random.next() < 0.7) return kept === undefined ? [] : [[name, kept]];
    const value = values[Math.floor(random.next() * values.length)] ?? null;
    return value === null ? [] : [[name, value]];
  });
  return Object.fromEntries(entries) as Question;
}

const streamed: ReadonlySet<string> = new Set(['csv', 'ndjson', 'parquet']);

/** What its reader waits for: the first page, which is the beginning of what is streamed. */
function waitedMs({ firstMs, wholeMs }: Answer, question: Question): number {
  const isStreamed = streamed.has(question['format'] ?? '');
  return isStreamed ? firstMs : wholeMs;
}

export async function searchWorst(asker: Asker, options: WorstOptions): Promise<Worst> {
  const random = createSeededRandom(options.seed);
  let worst: { readonly question: Question; readonly answer: Answer } | undefined;
  let answered = 0;
  let refused = 0;
  let slowestRefusalMs = 0;
  const routes = Object.keys(parametersOf);
  const waitedMsOf: Record<string, number> = {};
  for (let left = options.tries; left > 0; left -= 1) {
    // Every address is asked as it is first, when nothing about it is remembered.
    const route = routes[options.tries - left];
    const base = random.next() < 0.5 ? worst?.question : undefined;
    const question =
      route === undefined ? draw(random, options, base) : { window: 'P1D', q: 'a', route };
    const answer = await asker.ask(pathOf(question));
    if (answer.status === 400) {
      refused += 1;
      slowestRefusalMs = Math.max(slowestRefusalMs, answer.wholeMs);
      continue;
    }
    if (answer.status !== 200) throw new Error(`${pathOf(question)} answered ${answer.status}`);
    answered += 1;
    const before = worst === undefined ? 0 : waitedMs(worst.answer, worst.question);
    const waited = waitedMs(answer, question);
    if (waited > before) worst = { question, answer };
    const asked = question['route'] ?? '';
    waitedMsOf[asked] = Math.max(waitedMsOf[asked] ?? 0, round(waited));
  }
  if (worst === undefined) throw new Error('no question was answered');
  return {
    path: pathOf(worst.question),
    firstByteMs: round(worst.answer.firstMs),
    wholeMs: round(worst.answer.wholeMs),
    bytes: worst.answer.bytes,
    asked: options.tries,
    answered,
    refused,
    slowestRefusalMs: round(slowestRefusalMs),
    waitedMsOf,
  };
}

/** Questions that must be refused on any data set of the size that the bench makes. */
export function dearQuestions(yearSeries: string): Readonly<Record<string, string>> {
  return {
    rows: '/api/v1/observations?limit=1000000',
    filtered: '/api/v1/observations?quality=fail&limit=1000000',
    windows: '/api/v1/aggregates?window=PT1M&limit=1000000',
    ofOneSeries: `/api/v1/aggregates?window=PT1M&limit=1000000&datastream=${yearSeries}`,
  };
}
