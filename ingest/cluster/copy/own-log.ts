/** Batches in the log of a copy, by partition and number: where they stand there is another place on each node. */
import type { LogReader, Position } from '../../log/log.ts';
import { decodeBatchPlace } from '../../observations/batch-codec.ts';
import type { BatchPlace } from '../../observations/batch.ts';
import type { CopyEvents } from './events.ts';

/** The copy's own log. */
export interface OwnLog {
  readonly durableEnd: { get(): Position };
  readonly openReader: () => Promise<LogReader>;
  readonly events: Pick<CopyEvents, 'notCompared'>;
}

export interface OwnRecord {
  readonly position: Position;
  readonly place: BatchPlace;
  readonly body: Uint8Array;
}

export interface NumberedBatch {
  readonly partition: number;
  readonly number: Position;
}

/** The record of a batch in the copy's log; undefined where it is not there, or cannot be read. */
export async function ownBatch(own: OwnLog, batch: NumberedBatch): Promise<OwnRecord | undefined> {
  const reader = await own.openReader();
  try {
    return await find(reader, own.durableEnd.get(), batch);
  } catch (error) {
    own.events.notCompared({ ...batch, error });
    return undefined;
  } finally {
    await reader.close();
  }
}

/**
 * The first record behind which the copy holds the batch is the batch's own: back from the end in steps
 * that double, since most batches that are asked for are near it, and then by halving.
 */
async function find(
  reader: LogReader,
  end: Position,
  { partition, number }: NumberedBatch,
): Promise<OwnRecord | undefined> {
  const holds = ({ place }: OwnRecord): boolean => (place.positions[partition] ?? 0) >= number;
  let found = end === 0 ? undefined : await recordFrom(reader, end);
  if (found === undefined || !holds(found)) return undefined;
  let before = 0;
  for (let step = 1; found.position - before > 1; step *= 2) {
    const middle = Math.floor((before + found.position) / 2);
    const asked = Math.max(1, before === 0 ? found.position - step : middle);
    const record = await recordFrom(reader, asked);
    if (record === undefined) return undefined;
    if (!holds(record)) before = record.position;
    else {
      // What lies between is not kept any more.
      if (record.position > asked) before = record.position - 1;
      found = record;
    }
  }
  const { place } = found;
  return place.partition === partition && place.positions[partition] === number ? found : undefined;
}

/** A position that is no longer kept gives the first that is. */
async function recordFrom(reader: LogReader, from: Position): Promise<OwnRecord | undefined> {
  reader.seek(from);
  const [record] = await reader.read(1);
  const place = record && decodeBatchPlace(record.position, record.body);
  // The reader's next read writes over what it gave.
  return place && { position: record.position, place, body: Uint8Array.from(record.body) };
}

/** The number that the first batch of the partition has in the copy's log, if there is one. */
export async function firstNumber({ openReader }: OwnLog, partition: number): Promise<Position> {
  const reader = await openReader();
  try {
    const place = (await recordFrom(reader, 1))?.place;
    const number = place?.positions[partition] ?? 0;
    return place?.partition === partition ? number : number + 1;
  } finally {
    await reader.close();
  }
}
