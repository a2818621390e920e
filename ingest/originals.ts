import { sleep, type Clock } from '../devices/clock.ts';
import { CodedError } from '../devices/coded-error.ts';
import { parseReplay } from './decisions.ts';
import type { IngestEvents } from './events.ts';
import type { LogReader, LogRecord, Position } from './log/log.ts';
import type { QuarantineEntry } from './observations/batch.ts';
import { decodeReading, type LoggedReading } from './reading-codec.ts';
import type { StoreReader } from './store/store.ts';

/**
 * The reading that a replay names: from the log, else, where retention or damage took it, from the
 * copy in its entry of quarantine. Undefined where neither has it, or the record names nothing: what
 * cannot be read now is tried again, and rejects where no later try can mend it.
 */
export type OriginalOf = (replay: LoggedReading) => Promise<LoggedReading | undefined>;

export interface Originals {
  readonly originalOf: OriginalOf;
  /** A decision was settled, maybe to erase: what is held of the log may be blanked from now on. */
  readonly forget: () => void;
}

export interface OriginalsOptions {
  /** One of `readings` of its own, since its place is moved. */
  readonly reader: LogReader;
  readonly store: Pick<StoreReader, 'quarantine'>;
  readonly clock: Clock;
  readonly retryMs: number;
  readonly events: Pick<IngestEvents, 'originalUnread'>;
  /** Nobody waits for an answer any more. */
  readonly signal: AbortSignal;
}

export function createOriginals(options: OriginalsOptions): Originals {
  const { store } = options;
  const { logged, forget } = createLookup(options);
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

/** Deleted, or damaged in the log, which says so by itself: the copy in quarantine serves. */
const goneCodes: ReadonlySet<string> = new Set([
  'KAFKA_OFFSET_GONE',
  'LOG_HEADER_DAMAGED',
  'LOG_POSITION_UNKNOWN',
  'LOG_READING_UNKNOWN',
  'LOG_RECORD_DAMAGED',
  'LOG_SEGMENT_MISSING',
]);

/** A run of replays names readings in their order: what was read with one serves the next. */
function createLookup({ reader, clock, retryMs, events, signal }: OriginalsOptions) {
  let held: readonly LogRecord[] = [];

  async function find(position: Position): Promise<LoggedReading | undefined> {
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
  }

  async function logged(position: Position): Promise<LoggedReading | undefined> {
    for (;;) {
      try {
        return await find(position);
      } catch (error) {
        held = [];
        const isCoded = error instanceof CodedError;
        if (isCoded && goneCodes.has(error.code)) {
          reader.seek(position + 1);
          return undefined;
        }
        // A replay that is settled without what it names is settled for good.
        if (!isCoded || !error.canRetry || signal.aborted) throw error;
        events.originalUnread({ position, error });
        reader.seek(position);
        await sleep(clock, retryMs);
      }
    }
  }
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
