import { parseReplay } from './decisions.ts';
import type { LogReader, Position } from './log/log.ts';
import type { QuarantineEntry } from './observations/batch.ts';
import { decodeReading, type LoggedReading } from './reading-codec.ts';
import type { StoreReader } from './store/store.ts';

export interface OriginalParts {
  /** A reader of `readings` of its own: its place is moved. */
  readonly originals: LogReader;
  readonly store: Pick<StoreReader, 'quarantine'>;
}

/**
 * The reading that a replay names: from the log, else, where retention or damage took it, from the
 * copy in its entry of quarantine. Undefined where neither has it, or the record names nothing.
 */
export async function originalOf(
  parts: OriginalParts,
  replay: LoggedReading,
): Promise<LoggedReading | undefined> {
  const position = parseReplay(Buffer.from(replay.payload).toString('utf8'))?.position;
  if (position === undefined || position >= replay.position) return undefined;
  return (await logged(parts.originals, position)) ?? quarantined(parts.store, position);
}

async function logged(reader: LogReader, position: Position): Promise<LoggedReading | undefined> {
  try {
    reader.seek(position);
    const [record] = await reader.read(1);
    if (record === undefined || record.position !== position || record.rewritten) return undefined;
    const reading = decodeReading(position, record.body);
    return { ...reading, payload: new Uint8Array(reading.payload) };
  } catch {
    // Damaged in the log, which says so by itself: the copy in quarantine serves.
    return undefined;
  }
}

function quarantined(
  store: Pick<StoreReader, 'quarantine'>,
  position: Position,
): LoggedReading | undefined {
  const entries = store.quarantine({ beforePosition: position + 1, limit: 1 });
  const isCopy = (entry: QuarantineEntry): boolean =>
    entry.position === position && entry.payload !== null;
  const entry = entries.find(isCopy);
  if (entry === undefined || entry.payload === null) return undefined;
  const { receivedAt, device, topic, payload } = entry;
  const kind = topic.endsWith('/backfill') ? 'backfill' : 'message';
  return { kind, door: 'internal', position, receivedAt, device, topic, payload };
}
