/**
 * A lawful erasure of what devices said, in this order, so that it may be cut short at any moment and
 * is whole once the same order has run to its end:
 *
 *   1. the order enters `readings`: the record of it, and the line between what it takes and what
 *      comes later, which it never touches
 *   2. for each device, series and day with values before the line: a decision, from which ingest
 *      makes deletions
 *   3. what came before the line is blanked: in the view, the readings and last the log of
 *      observations, whose state therefore says whether an erasure was finished (erasure-orders.ts)
 *
 * A reading is blanked whole when it came in the period or any value in it is of the period.
 */
import type { Clock } from '../../devices/clock.ts';
import type { FileSystem } from '../log/file-system.ts';
import type { Position } from '../log/log.ts';
import { decodeBatch } from '../observations/batch-codec.ts';
import { isErasedBatch, isErasedRow, type ErasedPart } from '../observations/erased.ts';
import type { Reading } from '../reading.ts';
import { dayOf, endsOfDay } from '../store/directory.ts';
import type { FolderPaths } from './backup.ts';
import { untilConsumed } from './consumed.ts';
import { maintainError } from './errors.ts';
import { blankReadingsOf, type TimesOf } from './erase-readings.ts';
import type { MaintainProgress } from './findings.ts';
import { logPlace, walkLog } from './log-place.ts';
import type { ObservationsCalls } from './observations-calls.ts';
import type { ReadingsCalls } from './readings-calls.ts';
import type { LogPositions } from './verify-folder.ts';

export interface EraseOrder {
  /** As it was asked for: one of the two, or neither for all that is of the period. */
  readonly device: string | null;
  readonly owner: string | null;
  /** The devices that it means. */
  readonly devices: readonly string[];
  /** On the end of phenomenon time: from inclusive, to exclusive; null: without this bound. */
  readonly fromAt: number | null;
  readonly toAt: number | null;
  readonly reason: string;
  readonly actor: string;
}

export interface EraseParts extends ObservationsCalls, Pick<ReadingsCalls, 'blankReadings'> {
  readonly clock: Clock;
  readonly fileSystem: FileSystem;
  readonly paths: Pick<FolderPaths, 'readings' | 'observations'>;
  readonly ends: () => Promise<LogPositions>;
  /** Resolves once the reading is durable. */
  readonly append: (reading: Reading) => Promise<Position>;
  /** When the values of a message were measured. */
  readonly timesOf: TimesOf;
  readonly onProgress: MaintainProgress;
}

export interface EraseReport {
  /** Device, series and day: deletions were decided for each. */
  readonly stretches: number;
  readonly batches: number;
  readonly viewRows: number;
  readonly readings: number;
}

/** Rejects with INGEST_ERASURE_WAITING where ingest does not decide; the order may be given again. */
export async function eraseData(order: EraseOrder, parts: EraseParts): Promise<EraseReport> {
  const { devices, reason } = order;
  const upTo = await parts.append(decisionOf(order, parts.clock, null));
  const question = { devices, ...periodOf(order), upTo };
  const part: ErasedPart = { ...question, devices: new Set(devices) };
  await untilConsumed(upTo, { ...parts, ...waiting });
  const stretches = await findStretches(part, parts);
  const decisions = stretches.map((stretch) =>
    decisionOf(order, parts.clock, { ...stretch, upTo }),
  );
  await untilConsumed(await appendAll(decisions, parts), { ...parts, ...waiting });
  const days = stretches.map(({ series, day }) => ({ series, day }));
  const viewRows = await parts.blankView({ ...question, days });
  const readings = await blankReadingsOf({ part, reason, parts });
  const batches = await blankAllBatches(part, { ...question, reason }, parts);
  return { stretches: stretches.length, batches, viewRows, readings };
}

/** What is told while ingest is waited for, and where it does not decide. */
const waiting = {
  step: 'erase: readings decided',
  late: (fields: Readonly<Record<string, unknown>>) =>
    maintainError('INGEST_ERASURE_WAITING', fields),
} as const;

function periodOf({ fromAt, toAt }: EraseOrder): Pick<ErasedPart, 'fromAt' | 'toAt'> {
  return { fromAt: fromAt ?? Number.NEGATIVE_INFINITY, toAt: toAt ?? Number.POSITIVE_INFINITY };
}

interface Stretch {
  readonly device: string;
  readonly series: number;
  readonly day: number;
}

const appendedAtOnce = 256;

async function appendAll(decisions: readonly Reading[], parts: EraseParts): Promise<Position> {
  let last: Position = 0;
  for (let from = 0; from < decisions.length; from += appendedAtOnce) {
    const some = decisions.slice(from, from + appendedAtOnce);
    last = Math.max(last, ...(await Promise.all(some.map(parts.append))));
    parts.onProgress('erase: decisions', from + some.length, decisions.length);
  }
  return last;
}

/** The order itself, or one of its steps. */
function decisionOf(
  order: EraseOrder,
  clock: Clock,
  step: (Stretch & { readonly upTo: Position }) | null,
): Reading {
  const { device, owner, fromAt, toAt, reason, actor } = order;
  const whole = { decision: 'erase', device, owner, series: null, fromAt, toAt, reason, actor };
  const text = JSON.stringify(step === null ? whole : { ...whole, ...stepOf(order, step) });
  return {
    kind: 'decision',
    door: 'internal',
    receivedAt: clock.now(),
    device: step?.device ?? device ?? '',
    topic: '',
    payload: Buffer.from(text),
  };
}

function stepOf(order: EraseOrder, step: Stretch & { readonly upTo: Position }) {
  const { fromAt, toAt } = periodOf(order);
  const { device, series, upTo } = step;
  const day = endsOfDay(step.day);
  return {
    device,
    series,
    upTo,
    fromAt: Math.max(fromAt, day.fromAt),
    toAt: Math.min(toAt, day.toAt),
  };
}

/** Devices, series and days with values that the order takes. */
async function findStretches(
  part: ErasedPart,
  { ends, fileSystem, paths, onProgress }: EraseParts,
): Promise<Stretch[]> {
  const found = new Map<string, Stretch>();
  const { observations: end } = await ends();
  await walkLog({
    log: logPlace(fileSystem, paths.observations, end),
    damage: 'reject',
    onRecords(records) {
      for (const { position, body } of records) {
        for (const row of decodeBatch(position, body).rows) {
          if (!isErasedRow(part, row)) continue;
          const { device, series } = row;
          const day = dayOf(row.endAt);
          found.set(`${series} ${day} ${device}`, { device, series, day });
        }
      }
      onProgress('erase: batches read', records.at(-1)?.position ?? end, end);
    },
  });
  return [...found.values()];
}

/** Positions that are handed over at once. */
const positionsAtOnce = 50_000;

async function blankAllBatches(
  part: ErasedPart,
  question: Omit<Parameters<ObservationsCalls['blankBatches']>[0], 'positions'>,
  parts: EraseParts,
): Promise<number> {
  const { observations: end } = await parts.ends();
  let count = 0;
  for (let from = 1; from <= end;) {
    const positions: Position[] = [];
    let next = end + 1;
    await walkLog({
      log: logPlace(parts.fileSystem, parts.paths.observations, end),
      from,
      damage: 'reject',
      onRecords(records) {
        for (const { position, body } of records) {
          if (isErasedBatch(part, decodeBatch(position, body))) positions.push(position);
        }
        next = (records.at(-1)?.position ?? end) + 1;
        return positions.length >= positionsAtOnce ? 'stop' : undefined;
      },
    });
    from = next;
    if (positions.length > 0) count += await parts.blankBatches({ ...question, positions });
    parts.onProgress('erase: batches blanked', from - 1, end);
  }
  return count;
}
