/** The time that a chart shows, and that its series have something in. */
import type { Datastream } from '../../devices/model.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import type { Pins } from '../../ingest/feed/places/places.ts';
import type { Questions } from '../questions.ts';

export interface Span {
  readonly fromAt: number;
  readonly toAt: number;
}

/** What reading for a chart needs. */
export interface Reading {
  readonly questions: Pick<Questions, 'range' | 'hours'>;
  readonly moment: Pins;
  readonly hasChanged: (series: number) => boolean;
  readonly rowsPerReadMax: number;
}

/** A span of ends of rows, from inclusive, to exclusive. */
export async function readRange(
  { questions, moment, hasChanged }: Reading,
  { series }: Datastream,
  part: Span & {
    readonly order: 'asc' | 'desc';
    readonly limit: number;
    readonly after?: ObservationRow | undefined;
  },
): Promise<readonly ObservationRow[]> {
  const { fromAt, toAt, order, limit, after } = part;
  const query = {
    series,
    fromAt,
    toAt,
    order,
    limit,
    ...(hasChanged(series) ? { asOf: moment.pinOf(series) } : {}),
    ...(after === undefined ? {} : { after }),
  };
  return questions.range(query, moment);
}

/** Ends of the first and the last row in the span; undefined without any. */
export async function filledSpan(
  reading: Reading,
  datastream: Datastream,
  span: Span,
): Promise<Span | undefined> {
  const [first] = await readRange(reading, datastream, { ...span, order: 'asc', limit: 1 });
  if (first === undefined) return undefined;
  const [last] = await readRange(reading, datastream, { ...span, order: 'desc', limit: 1 });
  return last === undefined ? undefined : { fromAt: first.endAt, toAt: last.endAt };
}

/** What decides where a chart begins and ends when it was not asked. */
export interface UsualSpan {
  /** Ends that were not given. */
  readonly isOpen: { readonly from: boolean; readonly to: boolean };
  /** What is held in the time asked for, exclusive at its end; undefined where that is nothing. */
  readonly held: Span | undefined;
  /** What is shown at most without a beginning. */
  readonly lengthMs: number;
  /** End of a chart of nothing. */
  readonly nowAt: number;
}

/** From inclusive, to exclusive, and never empty. */
export function shownSpan(asked: Span, { isOpen, held, lengthMs, nowAt }: UsualSpan): Span {
  const endOfNothing = isOpen.from ? nowAt : asked.fromAt + lengthMs;
  const toAt = isOpen.to ? (held?.toAt ?? endOfNothing) : asked.toAt;
  const usualFromAt = Math.max(toAt - lengthMs, held?.fromAt ?? -Infinity);
  const fromAt = isOpen.from ? usualFromAt : asked.fromAt;
  return { fromAt, toAt: Math.max(toAt, fromAt + 1) };
}
