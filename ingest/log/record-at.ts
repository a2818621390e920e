import { logError } from './errors.ts';
import type { Position } from './log.ts';
import { openLogReader, type LogReaderOptions } from './segment-log.ts';
import type { SegmentRecord } from './segment-reader.ts';

type LogPlace = Omit<LogReaderOptions, 'from'>;

/**
 * One record, in a buffer of its own; about 2 ms. Rejects with LOG_POSITION_UNKNOWN where the log
 * holds none, LOG_RECORD_DAMAGED where it cannot be read.
 */
export async function recordAt(log: LogPlace, position: Position): Promise<SegmentRecord> {
  const reader = await openLogReader({ ...log, from: position });
  try {
    const [record] = await reader.read(1);
    if (record === undefined || record.position !== position) {
      throw logError('LOG_POSITION_UNKNOWN', { position, end: log.durableEnd.get() });
    }
    return { ...record, body: Buffer.from(record.body) };
  } finally {
    await reader.close();
  }
}

/** The newest durable record; null for a log that has none. */
export async function lastRecord(log: LogPlace): Promise<SegmentRecord | null> {
  const end = log.durableEnd.get();
  return end === 0 ? null : recordAt(log, end);
}
