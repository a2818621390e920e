/**
 * Values that leave the range: their readings say another time under the version that judges, and it
 * lies outside. What is taken away here would be nowhere, so it is told there, range or not.
 */
import { isRepeat } from '../../checks/duplicate.ts';
import type { RetoldValue } from '../../decide/restating.ts';
import { payloadHashOf, rankOf, type Sender } from '../../decide/rows.ts';
import type { Position } from '../../log/log.ts';
import type { Candidate } from '../../normalise/measurement.ts';
import { valuesInForce } from '../../observations/withdrawn.ts';
import { decodeReading } from '../../reading-codec.ts';
import type { StoreReader } from '../../store/store.ts';
import { logPlace, walkLog } from '../log-place.ts';
import type { Difference } from './differences.ts';
import type { SeedSpan } from './seeds.ts';
import type { WalkParts } from './walk.ts';

/** Channels by the reading whose value was taken away. */
export type Leavers = Map<Position, Set<string>>;

export function noteLeavers(leavers: Leavers, { withdrawn }: Difference): void {
  for (const { rank, raw } of withdrawn) {
    const known = leavers.get(rank.position);
    if (known === undefined) leavers.set(rank.position, new Set([raw.name]));
    else known.add(raw.name);
  }
}

export interface Stray {
  readonly series: number;
  readonly difference: Difference;
}

export interface StraySearch {
  readonly parts: WalkParts;
  readonly live: Pick<StoreReader, 'revisions'>;
  readonly span: SeedSpan;
  readonly leavers: Leavers;
}

/** In order of series and key. */
export async function findStrays(search: StraySearch): Promise<Stray[]> {
  const { parts, leavers } = search;
  const found: Stray[] = [];
  const positions = [...leavers.keys()];
  if (positions.length === 0) return found;
  const from = positions.reduce((least, one) => Math.min(least, one), Number.POSITIVE_INFINITY);
  const to = positions.reduce((most, one) => Math.max(most, one), 0);
  await walkLog({
    log: logPlace(parts.fileSystem, parts.readings, to),
    from,
    damage: 'skip',
    onRecords(records) {
      for (const { position, body, rewritten } of records) {
        const names = leavers.get(position);
        if (names === undefined || rewritten) continue;
        const reading = decodeReading(position, body);
        parts.scratch.pass(reading, (candidate, sender) =>
          isStray(search, { candidate, sender, names }, found),
        );
      }
      parts.onProgress('reprocess: values that leave', records.at(-1)?.position ?? to, to);
    },
  });
  parts.scratch.commit();
  return found.sort(
    (a, b) =>
      a.series - b.series || a.difference.restatement.endAt - b.difference.restatement.endAt,
  );
}

interface Leaving {
  readonly candidate: Candidate;
  readonly sender: Sender;
  readonly names: ReadonlySet<string>;
}

/** Whether the scratch world takes it in: it judges values in the range from beside it. */
function isStray(
  { live, span }: StraySearch,
  { candidate, sender, names }: Leaving,
  found: Stray[],
): boolean {
  const { series, endAt, startAt, heightMm, raw } = candidate;
  if (!names.has(raw.name) || (endAt >= span.fromAt && endAt < span.toAt)) return false;
  const rows = live.revisions({ series, endAt, startAt, heightMm });
  if (rows[0]?.verdict.reason === 'ERASED') return false;
  if (valuesInForce(rows).some((row) => isRepeat(candidate, row))) return false;
  const tell = [valueOf(candidate, sender)];
  const restatement = { endAt, startAt, heightMm, withdraw: [], tell };
  found.push({ series, difference: { kind: 'added', restatement, withdrawn: [] } });
  return endAt >= span.reachFromAt && endAt < span.reachToAt;
}

function valueOf(candidate: Candidate, sender: Sender): RetoldValue {
  const { result, resultAt, raw, latitude, longitude, given, qualifiers, reason } = candidate;
  const { device, receivedAt } = sender;
  const payloadHash = candidate.timeSource === 'receive' ? payloadHashOf(sender) : -1;
  const rank = rankOf(sender, candidate);
  const told = { result, resultAt, receivedAt, rank, device, raw, payloadHash };
  return { ...told, latitude, longitude, given, qualifiers, reason };
}
