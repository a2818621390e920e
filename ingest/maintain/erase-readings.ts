import { parseDecision } from '../decisions.ts';
import type { Position } from '../log/log.ts';
import type { ErasedPart } from '../observations/erased.ts';
import { decodeReading, type LoggedReading } from '../reading-codec.ts';
import type { EraseParts } from './erase.ts';
import { logPlace, walkLog } from './log-place.ts';

/** Ends of the phenomenon times that a message carries, ms UTC; none where it cannot be decoded. */
export type TimesOf = (reading: LoggedReading) => readonly number[];

export interface BlankReadingsOptions {
  readonly part: ErasedPart;
  readonly reason: string;
  readonly parts: Pick<
    EraseParts,
    'fileSystem' | 'paths' | 'blankReadings' | 'timesOf' | 'onProgress'
  >;
}

const positionsAtOnce = 50_000;
/** What a device sends. */
const ownKinds: ReadonlySet<string> = new Set(['message', 'backfill', 'control']);

/** Blanks every reading that holds anything of the erasure; answers how many. */
export async function blankReadingsOf(options: BlankReadingsOptions): Promise<number> {
  const { part, reason, parts } = options;
  const { upTo } = part;
  let count = 0;
  for (let from = 1; from <= upTo;) {
    const positions: Position[] = [];
    let next = upTo + 1;
    await walkLog({
      log: logPlace(parts.fileSystem, parts.paths.readings, upTo),
      from,
      damage: 'reject',
      onRecords(records) {
        for (const { position, body } of records) {
          if (isErased(options, decodeReading(position, body))) positions.push(position);
        }
        next = (records.at(-1)?.position ?? upTo) + 1;
        return positions.length >= positionsAtOnce ? 'stop' : undefined;
      },
    });
    from = next;
    if (positions.length > 0) count += await parts.blankReadings({ positions, reason });
    parts.onProgress('erase: readings blanked', from - 1, upTo);
  }
  return count;
}

function isErased(options: BlankReadingsOptions, reading: LoggedReading): boolean {
  const { devices, fromAt, toAt } = options.part;
  if (reading.kind === 'decision') return isErasedStep(options.part, reading);
  if (!devices.has(reading.device) || !ownKinds.has(reading.kind)) return false;
  const isIn = (at: number): boolean => at >= fromAt && at < toAt;
  if (isIn(reading.receivedAt)) return true;
  return reading.kind !== 'control' && options.parts.timesOf(reading).some(isIn);
}

/** Of all decisions only a step of a reprocess holds values; the log keeps that there was one. */
function isErasedStep({ devices, fromAt, toAt }: ErasedPart, reading: LoggedReading): boolean {
  const text = Buffer.from(reading.payload).toString('utf8');
  const step = text.includes('"reprocess"') ? parseDecision(text) : undefined;
  if (step?.decision !== 'reprocess') return false;
  if (!step.devices.some((device) => devices.has(device))) return false;
  return step.keys.some(({ end, tell }) => tell.length > 0 && end >= fromAt && end < toAt);
}
