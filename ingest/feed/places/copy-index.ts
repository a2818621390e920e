/**
 * Where a copy's log holds what: which batches are in it up to a position, and from which position on
 * it holds something that a reader has not read. Each record of the log names the batches behind it;
 * the view knows where each batch of a partition stands.
 */
import type { LogReader, Position } from '../../log/log.ts';
import { decodeBatch, decodeBatchPlace } from '../../observations/batch-codec.ts';
import type { BatchPlace } from '../../observations/batch.ts';
import type { StoreFollower } from '../../store/store.ts';
import type { LogSource } from '../feed.ts';
import { hasAll, reachBefore } from './reach.ts';

type Positions = readonly Position[];
type Publications = Pick<StoreFollower, 'position' | 'publishedBy' | 'numberedUpTo'>;
type Held = Publications & Pick<StoreFollower, 'horizon'>;

export interface CopyIndex {
  /** Of each partition the last batch that the log holds up to this record; undefined: unreadable. */
  positionsAt(position: Position): Promise<Positions | undefined>;
  /** Of each partition what came before the first record that is kept. */
  before(): Promise<Positions>;
  /**
   * The first record that holds more than was read up to `read`, or the end. Undefined where what
   * follows on it is not kept any longer.
   */
  locate(read: Positions): Promise<Position | undefined>;
  /** By which version of the registry a batch was decided; undefined where it is not held. */
  registryVersionOf(partition: number, number: Position): Promise<number | undefined>;
}

export interface CopyIndexOptions {
  readonly source: LogSource;
  readonly store: Held;
  readonly partitions: number;
}

export function createCopyIndex({ source, store, partitions }: CopyIndexOptions): CopyIndex {
  const nothing: Positions = Array.from({ length: partitions }, () => 0);
  /** Before the first record: a copy may begin behind batches that it never held. */
  const atBegin = (): Positions => {
    const { floors } = store.horizon;
    return floors.length === 0 ? nothing : floors;
  };
  /** Of the first record that was found first: what is kept can only begin later. */
  let begin: Positions | undefined;

  async function readFirst(from: Position): Promise<Found | undefined> {
    const reader = await source.openReader(from);
    try {
      return await readFrom(reader, from);
    } finally {
      await reader.close();
    }
  }

  async function registryVersionOf(
    partition: number,
    number: Position,
  ): Promise<number | undefined> {
    const held = store.numberedUpTo(number, partition);
    if (held === undefined) return undefined;
    const reader = await source.openReader(held.position);
    try {
      reader.seek(held.position);
      const [record] = await reader.read(1);
      if (record?.position !== held.position) return undefined;
      return decodeBatch(record.position, record.body).registryVersion;
    } finally {
      await reader.close();
    }
  }

  async function before(): Promise<Positions> {
    const first = await readFirst(1);
    if (first === undefined) return atBegin();
    begin ??= reachBefore(first.place).positions;
    return reachBefore(first.place).positions;
  }

  return {
    before,
    registryVersionOf,
    async positionsAt(position) {
      if (position === 0) return atBegin();
      const found = await readFirst(position);
      if (found === undefined) return undefined;
      // Behind a record that cannot be read: before the next one that can.
      return found.position === position
        ? found.place.positions
        : reachBefore(found.place).positions;
    },
    async locate(read) {
      if (!hasAll(begin ?? (await before()), read)) return undefined;
      let first = store.position + 1;
      for (let partition = 0; partition < partitions; partition++) {
        const next = positionBehind(store, partition, read[partition] ?? 0);
        if (next === undefined) return undefined;
        first = Math.min(first, next);
      }
      return first;
    },
  };
}

/**
 * Where a partition goes on behind a batch: Infinity where it has not, undefined where that is not
 * kept any longer.
 */
function positionBehind(
  store: Publications,
  partition: number,
  number: Position,
): Position | undefined {
  const next = store.numberedUpTo(number + 1, partition);
  if (next !== undefined && next.number > number) return next.position;
  const last = store.publishedBy(Number.MAX_SAFE_INTEGER, partition);
  if (last === undefined || last.number <= number) return Infinity;
  // The next one could not be read: reading goes on behind the one that was.
  return next === undefined ? undefined : next.position + 1;
}

/** The last position that shows a partition up to a batch and nothing of it behind that. */
export function pinBehind(store: Publications, partition: number, number: Position): Position {
  const next = positionBehind(store, partition, number);
  return next === undefined ? 0 : Math.min(store.position, next - 1);
}

interface Found {
  readonly position: Position;
  readonly place: BatchPlace;
}

/** The first record from a position on that can be read; what is damaged, the feed tells of. */
async function readFrom(reader: LogReader, from: Position): Promise<Found | undefined> {
  reader.seek(from);
  for (;;) {
    try {
      const [record] = await reader.read(1);
      if (record === undefined) return undefined;
      const place = decodeBatchPlace(record.position, record.body);
      if (place === undefined) throw new Error(`record ${record.position} of a copy has no place`);
      return { position: record.position, place };
    } catch (error) {
      if ((await reader.skipDamaged()) === null) throw error;
    }
  }
}
