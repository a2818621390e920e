/** The kept readings, as anyone can read them from the disk. */
import type { FileSystem } from '../../../ingest/log/file-system.ts';
import type { LogRecord } from '../../../ingest/log/log.ts';
import { openLogReader } from '../../../ingest/log/segment-log.ts';
import { decodeReading, type LoggedReading } from '../../../ingest/reading-codec.ts';
import { createLocalDurableEnd } from './durable-end.ts';

const readBytes = 1_048_576;

/** Every record of a log up to `end`, with bodies of their own. */
export async function readRecords(
  fileSystem: FileSystem,
  directory: string,
  end: number,
): Promise<LogRecord[]> {
  const durableEnd = createLocalDurableEnd();
  durableEnd.advance(end);
  const reader = await openLogReader({ fileSystem, directory, durableEnd });
  const records: LogRecord[] = [];
  for (;;) {
    const some = await reader.read(readBytes);
    if (some.length === 0) break;
    for (const record of some) records.push({ ...record, body: Buffer.from(record.body) });
  }
  await reader.close();
  return records;
}

export function readingsOf(records: readonly LogRecord[]): LoggedReading[] {
  return records.map(({ position, body }) => decodeReading(position, body));
}
