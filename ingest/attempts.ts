/**
 * Careful mode. A small file in the data folder says how often ingest has begun at one consumed
 * position and not ended cleanly. From the second crash without progress on it works carefully: one
 * reading, one batch, and before each the file says which reading is tried and for how often,
 * synced. So the reading at which ingest dies is known at the next start; when it has died at it
 * `triesMax` times, the reading goes to quarantine as INGEST_CRASHED (design.md §4).
 *
 * A start is counted where the first reading is decided, not before: being killed while it starts is
 * no sign of a bad reading. And careful mode ends behind all that a start without progress can have
 * had in hand, two stretches: it is some hundred times slower, and a process that is killed from
 * outside again and again must not fall behind for it. A start that met its end in careful mode
 * tries that one reading again, and goes on as usual once it is settled.
 */
import { z } from 'zod';
import type { IngestConfig } from './config.ts';
import { readFile, replaceFile, systemCode, type FileSystem } from './log/file-system.ts';
import type { Position } from './log/log.ts';

const recordSchema = z.object({
  format: z.literal(1),
  /** Ended by a stop, not by a crash. */
  clean: z.boolean(),
  /** Durably consumed when the start began to decide, or when the reading was tried. */
  consumed: z.int().min(0),
  /** Starts in a row that began there. */
  starts: z.int().min(0),
  /** In careful mode: the reading being tried. */
  attempt: z.object({ position: z.int().min(1), tries: z.int().min(1) }).nullable(),
});
type AttemptRecord = z.infer<typeof recordSchema>;

export interface Attempts {
  /** How many readings at most are still decided one by one; 0 outside careful mode. */
  readonly carefulLeft: number;
  /** Before the first reading of this start is decided. */
  begin(): Promise<void>;
  /** Before a reading is tried in careful mode. `crashed`: it has been tried too often already. */
  tryReading(position: Position): Promise<'try' | 'crashed'>;
  /** The reading tried is settled and durable. */
  settled(position: Position, size: ReadingSize): Promise<void>;
  /** The room closes as it should. */
  end(): Promise<void>;
}

/** What a reading adds to its stretch. */
export interface ReadingSize {
  readonly rows: number;
  readonly bytes: number;
}

export interface AttemptsOptions {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  /** Of the last batch. */
  readonly consumed: Position;
  readonly config: IngestConfig['careful'];
  /** Bounds of a stretch. */
  readonly stretch: Pick<IngestConfig['stretch'], 'rowsMax' | 'bytesMax'>;
}

/** Name of the file in the data folder. */
export const attemptsFile = 'ingest-attempts.json';

export async function openAttempts(options: AttemptsOptions): Promise<Attempts> {
  const { fileSystem, directory, config } = options;
  const before = await readRecord(fileSystem, directory);
  const isStuck = before !== undefined && !before.clean && before.consumed === options.consumed;
  const crashes = isStuck ? before.starts : 0;
  let attempt = isStuck ? before.attempt : null;
  let carefulLeft = 0;
  if (attempt !== null) carefulLeft = 1;
  else if (crashes >= config.uncleanStarts) carefulLeft = config.readingsMax;
  const inHand = createInHand(options.stretch);
  let consumed = options.consumed;
  let hasBegun = false;

  function write(clean: boolean): Promise<void> {
    const record: AttemptRecord = { format: 1, clean, consumed, starts: crashes + 1, attempt };
    const bytes = Buffer.from(`${JSON.stringify(record)}\n`);
    return replaceFile(fileSystem, directory, attemptsFile, bytes);
  }

  return {
    get carefulLeft() {
      return carefulLeft;
    },
    async begin() {
      if (hasBegun) return;
      hasBegun = true;
      if (carefulLeft === 0) await write(false);
    },
    async tryReading(position) {
      const tries = attempt?.position === position ? attempt.tries : 0;
      if (tries >= config.triesMax) return 'crashed';
      attempt = { position, tries: tries + 1 };
      await write(false);
      return 'try';
    },
    async settled(position, size) {
      consumed = position;
      attempt = null;
      carefulLeft = inHand.isPassed(size) ? 0 : carefulLeft - 1;
      if (carefulLeft === 0) await write(true);
    },
    async end() {
      if (hasBegun) await write(true);
    },
  };
}

/**
 * Two stretches: the one being committed and the one being decided. Each ends with the reading that
 * reaches a bound, so that the largest reading is not counted.
 */
function createInHand(stretch: AttemptsOptions['stretch']): {
  isPassed(size: ReadingSize): boolean;
} {
  let rows = 0;
  let bytes = 0;
  let rowsLargest = 0;
  let bytesLargest = 0;
  return {
    isPassed(size) {
      rows += size.rows;
      bytes += size.bytes;
      rowsLargest = Math.max(rowsLargest, size.rows);
      bytesLargest = Math.max(bytesLargest, size.bytes);
      const isRows = rows - rowsLargest >= 2 * stretch.rowsMax;
      return isRows || bytes - bytesLargest >= 2 * stretch.bytesMax;
    },
  };
}

async function readRecord(
  fileSystem: FileSystem,
  directory: string,
): Promise<AttemptRecord | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(fileSystem, `${directory}/${attemptsFile}`);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  return parseRecord(bytes.toString('utf8'));
}

/** A file that is not ours is as good as none: it only guards against crashes in a row. */
function parseRecord(text: string): AttemptRecord | undefined {
  try {
    const parsed = recordSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // Not JSON: written by hand, since the file is only ever replaced whole.
    return undefined;
  }
}
