/** Numbers for the verdicts and sources of the tail's rows: few in a network, so they are kept. */
import type { ObservationRow, Verdict } from '../observation.ts';
import { timeFormOf } from './columns/sent-time.ts';
import type { NameTables, Source } from './tail-chunk.ts';

export interface TailNames extends NameTables {
  verdictOf(row: ObservationRow): number;
  sourceOf(row: ObservationRow): number;
  timeFormOf(row: ObservationRow): number;
}

/** Each batch brings verdict objects of its own: so many are remembered, then all are forgotten. */
const objectsMax = 4_096;

export function verdictText(verdict: Verdict): string {
  return `${verdict.flag} ${verdict.tests} ${verdict.qualifiers} ${verdict.reason} ${verdict.rules}`;
}

export function createTailNames(): TailNames {
  const verdicts: Verdict[] = [];
  const verdictIds = new Map<string, number>();
  const objects = new Map<Verdict, number>();
  let lastVerdict: Verdict | null = null;
  let lastVerdictId = 0;
  const sources: Source[] = [];
  const sourceIds = new Map<string, number>();
  /** Source of each series' last row. */
  const sourceBySeries: number[] = [];
  let lastTime: string | null = null;
  let lastEndAt = Number.NaN;
  let lastForm = 0;

  function findVerdict(verdict: Verdict): number {
    const met = objects.get(verdict);
    if (met !== undefined) return met;
    const text = verdictText(verdict);
    let id = verdictIds.get(text);
    if (id === undefined) {
      id = verdicts.push(verdict) - 1;
      verdictIds.set(text, id);
    }
    if (objects.size >= objectsMax) objects.clear();
    objects.set(verdict, id);
    return id;
  }

  function findSource(row: ObservationRow): number {
    const { device } = row;
    const { name: rawName, unit: rawUnit } = row.raw;
    const text = JSON.stringify([device, rawName, rawUnit]);
    let id = sourceIds.get(text);
    if (id === undefined) {
      id = sources.push({ device, rawName, rawUnit }) - 1;
      sourceIds.set(text, id);
    }
    while (sourceBySeries.length <= row.series) sourceBySeries.push(-1);
    sourceBySeries[row.series] = id;
    return id;
  }

  return {
    verdicts,
    sources,
    verdictOf({ verdict }) {
      if (verdict !== lastVerdict) {
        lastVerdictId = findVerdict(verdict);
        lastVerdict = verdict;
      }
      return lastVerdictId;
    },
    sourceOf(row) {
      const id = sourceBySeries[row.series] ?? -1;
      const source = sources[id];
      const { raw } = row;
      const isSame =
        source?.device === row.device && source.rawName === raw.name && source.rawUnit === raw.unit;
      return isSame ? id : findSource(row);
    },
    timeFormOf({ raw, endAt }) {
      const { time } = raw;
      if (time !== lastTime || endAt !== lastEndAt) {
        lastTime = time;
        lastEndAt = endAt;
        lastForm = timeFormOf(time, endAt);
      }
      return lastForm;
    },
  };
}
