import type { Datastream } from '../../devices/model.ts';
import type { TimeSource } from '../checks/time.ts';

/**
 * When a measurement was made (design: time). The device's own time counts where it is plausible:
 * not before `plausibleFromAt` nor the deployment's start, not more than `futureMaxMs` ahead of the
 * receive time, both bounds inclusive. Otherwise the receive time takes its place, and what was
 * sent stays in `raw.time`.
 */
export interface TimeRule {
  /** Integer ms UTC. */
  readonly plausibleFromAt: number;
  readonly futureMaxMs: number;
  /** Longest interval that `from` may name. */
  readonly intervalMsMax: number;
}

/** What the message said: NaN where it said nothing or nothing readable. Of `DecodedMeasurement`. */
export interface SentTime {
  readonly endAt: number;
  readonly startAt: number;
  readonly timeText: string | null;
  readonly resultAt: number;
}

/** Filled in place, since it is made for each value. Integer ms UTC. */
export interface ResolvedTime {
  endAt: number;
  startAt: number;
  /** NaN where the device gave none, or none that can be. */
  resultAt: number;
  source: TimeSource;
  /** The end is the time of arrival: the message carried none of its own, or none that can be. */
  isArrival: boolean;
}

export function createResolvedTime(): ResolvedTime {
  return { endAt: 0, startAt: 0, resultAt: Number.NaN, source: 'receive', isArrival: true };
}

/** The end and the result time. `fromAt`: the later of the rule's bound and the first deployment. */
export function resolveEnd(
  sent: SentTime,
  window: { readonly fromAt: number; readonly receivedAt: number; readonly futureMaxMs: number },
  into: ResolvedTime,
): void {
  const untilAt = window.receivedAt + window.futureMaxMs;
  const endAt = Math.round(sent.endAt);
  if (endAt >= window.fromAt && endAt <= untilAt) {
    into.endAt = endAt;
    into.source = 'device';
    into.isArrival = false;
  } else {
    into.endAt = window.receivedAt;
    into.source = Number.isNaN(endAt) && sent.timeText === null ? 'receive' : 'replaced';
    into.isArrival = true;
  }
}

/**
 * The device's own result time. One that cannot be is dropped and makes the source `replaced`: it
 * would outrank every later correction.
 */
export function resolveResult(
  sent: SentTime,
  rule: TimeRule,
  receivedAt: number,
  into: ResolvedTime,
): void {
  into.resultAt = Number.NaN;
  if (Number.isNaN(sent.resultAt)) return;
  const resultAt = Math.round(sent.resultAt);
  if (resultAt >= rule.plausibleFromAt && resultAt <= receivedAt + rule.futureMaxMs) {
    into.resultAt = resultAt;
  } else {
    into.source = 'replaced';
  }
}

/**
 * The start, once the end is known. An instant or a counter has none of its own. A mean, sum,
 * minimum or maximum covers what `from` names, else one interval. A wrong clock still measures
 * durations: where the end was replaced, the named interval moves with it.
 */
export function resolveStart(
  sent: SentTime,
  datastream: Datastream,
  rule: TimeRule,
  into: ResolvedTime,
): void {
  if (datastream.aggregation === 'instant' || datastream.aggregation === 'counter') {
    into.startAt = into.endAt;
    return;
  }
  into.startAt = into.endAt - datastream.intervalMs;
  if (Number.isNaN(sent.startAt)) return;
  const startAt = Math.round(sent.startAt);
  const namedEndAt = Number.isNaN(sent.endAt) ? into.endAt : Math.round(sent.endAt);
  const namedMs = namedEndAt - startAt;
  if (namedMs >= 0 && namedMs <= rule.intervalMsMax) into.startAt = into.endAt - namedMs;
  else into.source = 'replaced';
}
