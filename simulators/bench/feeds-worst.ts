/**
 * Looks for the dearest question that is answered: generated from what the documentation allows, the
 * dearest found so far changed a little again and again, as a seed says.
 */
import { createSeededRandom, type Random } from '../../devices/random.ts';
import type { Answer, Asker } from './feeds-questions.ts';
import { round } from './figures.ts';

export interface WorstOptions {
  readonly seed: number;
  readonly tries: number;
  readonly nowAt: number;
  readonly yearSeries: string;
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
}

type Question = Readonly<Record<string, string>>;

const dayMs = 86_400_000;

function choicesOf({
  nowAt,
  yearSeries,
}: WorstOptions): Record<string, readonly (string | null)[]> {
  const ago = (days: number): string => new Date(nowAt - days * dayMs).toISOString();
  return {
    list: ['observations', 'aggregates', 'latest', 'changes', 'datastreams', 'stations'],
    format: ['json', 'json', 'geojson', 'csv', 'ndjson'],
    datastream: [null, null, yearSeries],
    property: [null, null, 'air-temperature', 'solar-radiation'],
    near: [null, null, '105,21,20040'],
    from: [null, null, ago(365), ago(30), ago(1), '0001-01-01T00:00:00Z'],
    to: [null, null, ago(0), ago(100), '1990-01-01T00:00:00Z'],
    quality: [null, null, 'fail', 'missing', 'good,notEvaluated,suspect'],
    asOf: [null, null, ago(0.001)],
    order: [null, 'asc', 'desc'],
    window: ['PT1M', 'PT1H', 'P1D', 'P1M', 'P1Y'],
    functions: [null, 'mean,min,max,sum,count,first,last'],
    include: [null, 'raw,position'],
    limit: [null, '1', '1000', '10000', '50000', '100000', '150000', '1000000'],
  };
}

const common = ['datastream', 'property', 'near'];
const timed = [...common, 'format', 'from', 'to', 'quality', 'asOf', 'order', 'limit'];
const parametersOf: Readonly<Record<string, readonly string[]>> = {
  observations: [...timed, 'include'],
  aggregates: [...timed, 'window', 'functions'],
  latest: [...common, 'format', 'limit'],
  changes: [...common, 'limit'],
  datastreams: [...common, 'format', 'limit'],
  stations: [...common, 'format', 'limit'],
};
const limitMax: Readonly<Record<string, number>> = { changes: 10_000 };

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

function pathOf(question: Question): string {
  const list = question['list'] ?? 'observations';
  const query = new URLSearchParams();
  for (const name of parametersOf[list] ?? []) {
    const value = question[name];
    if (value === undefined) continue;
    const isLimit = name === 'limit' && limitMax[list] !== undefined;
    query.set(name, isLimit ? String(Math.min(Number(value), limitMax[list] ?? 0)) : value);
  }
  return `/api/v1/${list}?${query.toString()}`;
}

/** What its reader waits for: the first page, which is the beginning of what is streamed. */
function waitedMs({ firstMs, wholeMs }: Answer, question: Question): number {
  const isStreamed = question['format'] === 'csv' || question['format'] === 'ndjson';
  return isStreamed ? firstMs : wholeMs;
}

export async function searchWorst(asker: Asker, options: WorstOptions): Promise<Worst> {
  const random = createSeededRandom(options.seed);
  let worst: { readonly question: Question; readonly answer: Answer } | undefined;
  let answered = 0;
  let refused = 0;
  let slowestRefusalMs = 0;
  for (let left = options.tries; left > 0; left -= 1) {
    const question = draw(random, options, random.next() < 0.5 ? worst?.question : undefined);
    const answer = await asker.ask(pathOf(question));
    if (answer.status === 400) {
      refused += 1;
      slowestRefusalMs = Math.max(slowestRefusalMs, answer.wholeMs);
      continue;
    }
    if (answer.status !== 200) throw new Error(`${pathOf(question)} answered ${answer.status}`);
    answered += 1;
    const before = worst === undefined ? 0 : waitedMs(worst.answer, worst.question);
    if (waitedMs(answer, question) > before) worst = { question, answer };
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
