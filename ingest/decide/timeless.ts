import { isSameValue } from '../checks/duplicate.ts';
import type { Candidate } from '../normalise/measurement.ts';
import type { ObservationRow } from '../observation.ts';
import { valuesInForce } from '../observations/withdrawn.ts';
import { keyAt } from './judging.ts';
import type { Kept } from './kept.ts';
import { metaBits } from './point-meta.ts';
import type { PointWindow } from './point-window.ts';
import { payloadHashOf, type Sender } from './rows.ts';

/**
 * Promise 3: a measurement that carries no time of its own is known by its device, its payload and
 * its arrival, within 60 s or half the datastream's interval of one that was kept.
 */
export function isRepeatOfTimeless(
  kept: Kept,
  window: PointWindow,
  candidate: Candidate,
  sender: Sender,
): boolean {
  const withinMs = window.state.repeatWithinMs;
  const untilAt = candidate.endAt + withinMs;
  for (let at = window.indexOf(candidate.endAt - withinMs); at < window.to; at++) {
    if ((window.endAt[at] ?? 0) > untilAt) return false;
    if (((window.columns.meta[at] ?? 0) & metaBits.timeless) === 0) continue;
    const rows = valuesInForce(kept.revisions(keyAt(window, at)));
    if (rows.some((row) => isSameMessage(row, candidate, sender))) return true;
  }
  return false;
}

function isSameMessage(row: ObservationRow, candidate: Candidate, sender: Sender): boolean {
  return (
    row.device === sender.device &&
    row.payloadHash === payloadHashOf(sender) &&
    isSameValue(row.result, candidate.result)
  );
}
