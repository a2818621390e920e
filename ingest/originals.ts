import { parseReplay } from './decisions.ts';
import type { LogReader, LogRecord, Position } from './log/log.ts';
import type { QuarantineEntry } from './observations/batch.ts';
import { decodeReading, type LoggedReading } from './reading-codec.ts';
import type { StoreReader } from './store/store.ts';

/**
 * The reading that a replay names: from the log, else, where retention or damage took it, from the
 * copy in its entry of quarantine. Undefined where neither has it, or the record names nothing.
 */
export type OriginalOf = (replay: LoggedReading) => Promise<LoggedReading | undefined>;

export interface Originals {
  readonly originalOf: OriginalOf;
  /** A decision was settled, maybe to erase: what is held of the log may be blanked from now on. */
  readonly forget: () => void;
}

/** `reader`: one of `readings` of its own, since its place is moved. */
export function createOriginals(
  reader: LogReader,
  store: Pick<StoreReader, 'quarantine'>,
): Originals {
  const { logged, forget } = createLookup(reader);
  const originalOf: OriginalOf = async (replay) => {
    const position = parseReplay(Buffer.from(replay.payload).toString('utf8'))?.position;
    if (position === undefined || position >= replay.position) return undefined;
    return (await logged(position)) ?? quarantined(store, position);
  };
  return { originalOf, forget };
}

/** Farther ahead than so many records a place is sought; nearer the records between are read. */
const recordsReadOver = 5_000;
const readBytes = 65_536;

/** A run of replays names readings in their order: what was read with one serves the next. */
function createLookup(reader: LogReader) {
  let held: readonly LogRecord[] = [];
  const logged = async (position: Position): Promise<LoggedReading | undefined> => {
    try {
      let found = held.find((record) => record.position === position);
      const ahead = position - reader.next;
      if (found === undefined && (ahead < 0 || ahead > recordsReadOver)) reader.seek(position);
      while (found === undefined && reader.next <= position) {
        held = await reader.read(readBytes);
        if (held.length === 0) return undefined;
        found = held.find((record) => record.position === position);
      }
      if (found === undefined || found.rewritten) return undefined;
      const reading = decodeReading(position, found.body);
      return { ...reading, payload: new Uint8Array(reading.payload) };
    } catch {
      // Damaged in the log, which says so by itself: the copy in quarantine serves.
      held = [];
      reader.seek(position + 1);
      return undefined;
    }
  };
  return { logged, forget: (): void => void (held = []) };
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
