/**
 * Erasures that a log of readings tells of. A backup may hold one that was cut short, and a log that
 * is newer than the backup those that were made since: after a restore they are carried out again.
 */
import { parseDecision } from '../decisions.ts';
import type { Position } from '../log/log.ts';
import { decodeBatch } from '../observations/batch-codec.ts';
import { isErasedBatch, type ErasedPart } from '../observations/erased.ts';
import { decodeReading } from '../reading-codec.ts';
import type { EraseOrder } from './erase.ts';
import type { MaintainProgress } from './findings.ts';
import { walkLog, type LogPlace } from './log-place.ts';

export interface KnownOrder extends Omit<EraseOrder, 'devices'> {
  readonly position: Position;
}

/** Orders in readings from `from` on, oldest first. */
export async function readOrders(
  readings: LogPlace,
  from: Position,
  onProgress: MaintainProgress,
): Promise<KnownOrder[]> {
  const orders: KnownOrder[] = [];
  const end = readings.durableEnd.get();
  if (from > end) return orders;
  await walkLog({
    log: readings,
    from,
    damage: 'skip',
    onRecords(records) {
      for (const { position, body } of records) {
        const { kind, payload } = decodeReading(position, body);
        if (kind !== 'decision') continue;
        const decision = parseDecision(Buffer.from(payload).toString('utf8'));
        if (decision?.decision !== 'erase' || decision.series !== null) continue;
        const { device, owner, fromAt, toAt, reason, actor } = decision;
        orders.push({ position, device, owner, fromAt, toAt, reason, actor });
      }
      onProgress('erasures: readings', records.at(-1)?.position ?? end, end);
    },
  });
  return orders;
}

/** Those of the parts of which the batches still hold something: their erasure was cut short. */
export async function unfinishedParts(
  observations: LogPlace,
  parts: readonly ErasedPart[],
): Promise<ReadonlySet<ErasedPart>> {
  const found = new Set<ErasedPart>();
  if (parts.length === 0 || observations.durableEnd.get() === 0) return found;
  await walkLog({
    log: observations,
    damage: 'skip',
    onRecords(records) {
      for (const { position, body } of records) {
        const batch = decodeBatch(position, body);
        for (const part of parts) if (isErasedBatch(part, batch)) found.add(part);
      }
      return found.size === parts.length ? 'stop' : undefined;
    },
  });
  return found;
}
