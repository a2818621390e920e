/**
 * Memory of the points that checks compare with: sorted typed columns, cut from chunks in regions of
 * a power of two, bounded in bytes. A window asks for a region; where the bound is reached, a window
 * that was not used lately gives its own up (second chance) and is loaded again when it is needed.
 */
export interface PointColumns {
  readonly endAt: Float64Array;
  /** NaN for a missing result. */
  readonly value: Float64Array;
  readonly spanMs: Float64Array;
  /** The digits of the published verdict (`checks/digits.ts`). */
  readonly code: Uint32Array;
  /** Qualifiers, reason and what is known of the key (`point-meta.ts`). */
  readonly meta: Uint32Array;
  readonly sound: Uint8Array;
}

export interface Region {
  readonly columns: PointColumns;
  /** Index of its first point in the columns. */
  readonly base: number;
  readonly capacity: number;
  /** @internal */
  readonly chunk: Chunk;
}

/** Who holds a region. `evict` lets go of it without giving it back: the memory does that. */
export interface RegionHolder {
  /** Set at each use; cleared when the memory passes by in search of room. */
  isUsed: boolean;
  evict(): void;
}

export interface PointMemory {
  /** A region of at least so many points; may evict others, never `holder`. */
  allocate(points: number, holder: RegionHolder): Region;
  release(region: Region): void;
  readonly bytes: number;
}

interface Chunk {
  readonly columns: PointColumns;
  readonly regionPoints: number;
  /** Of each region: who holds it. */
  readonly holders: (RegionHolder | undefined)[];
  readonly free: number[];
  /** Where the search for a victim goes on. */
  hand: number;
}

const bytesPerPoint = 8 + 8 + 8 + 4 + 4 + 1;
const chunkPoints = 8_192;
/** The smallest region: a series that has just begun. */
export const regionPointsMin = 16;

export function createPointMemory(bytesMax: number): PointMemory {
  const chunks: Chunk[] = [];
  let bytes = 0;

  function addChunk(regionPoints: number): Chunk {
    const points = Math.max(chunkPoints, regionPoints);
    const regions = points / regionPoints;
    const chunk: Chunk = {
      columns: createColumns(points),
      regionPoints,
      holders: Array.from({ length: regions }, () => undefined),
      free: Array.from({ length: regions }, (_, index) => regions - 1 - index),
      hand: 0,
    };
    chunks.push(chunk);
    bytes += points * bytesPerPoint;
    return chunk;
  }

  function dropChunk(chunk: Chunk): void {
    for (const holder of chunk.holders) holder?.evict();
    chunks.splice(chunks.indexOf(chunk), 1);
    bytes -= chunk.columns.endAt.length * bytesPerPoint;
  }

  /** Drops chunks of other sizes until a new one fits, sparing the one that `holder` is in. */
  function makeRoom(points: number, holder: RegionHolder): void {
    const needed = Math.max(chunkPoints, points) * bytesPerPoint;
    for (let index = 0; index < chunks.length && bytes + needed > bytesMax;) {
      const chunk = chunks[index];
      if (chunk === undefined || chunk.holders.includes(holder)) index++;
      else dropChunk(chunk);
    }
  }

  function chunkWithRoom(regionPoints: number, holder: RegionHolder): Chunk {
    let evictable: Chunk | undefined;
    for (const chunk of chunks) {
      if (chunk.regionPoints !== regionPoints) continue;
      if (chunk.free.length > 0) return chunk;
      evictable = chunk;
    }
    const needed = Math.max(chunkPoints, regionPoints) * bytesPerPoint;
    if (bytes + needed <= bytesMax) return addChunk(regionPoints);
    if (evictable !== undefined && evictOne(evictable, holder)) {
      // The next search begins at another chunk of this size.
      chunks.splice(chunks.indexOf(evictable), 1);
      chunks.unshift(evictable);
      return evictable;
    }
    makeRoom(regionPoints, holder);
    return addChunk(regionPoints);
  }

  return {
    allocate(points, holder) {
      const capacity = regionPointsFor(points);
      const chunk = chunkWithRoom(capacity, holder);
      const region = chunk.free.pop() ?? 0;
      chunk.holders[region] = holder;
      return { columns: chunk.columns, base: region * capacity, capacity, chunk };
    },
    release({ chunk, base }) {
      const region = base / chunk.regionPoints;
      chunk.holders[region] = undefined;
      chunk.free.push(region);
    },
    get bytes() {
      return bytes;
    },
  };
}

/** Second chance: passes by those used since the last time, and takes the first that was not. */
function evictOne(chunk: Chunk, spared: RegionHolder): boolean {
  const regions = chunk.holders.length;
  for (let step = 0; step < 2 * regions; step++) {
    const region = chunk.hand;
    chunk.hand = (region + 1) % regions;
    const holder = chunk.holders[region];
    if (holder === undefined || holder === spared) continue;
    if (holder.isUsed) {
      holder.isUsed = false;
      continue;
    }
    holder.evict();
    chunk.holders[region] = undefined;
    chunk.free.push(region);
    return true;
  }
  return false;
}

function regionPointsFor(points: number): number {
  let capacity = regionPointsMin;
  while (capacity < points) capacity *= 2;
  return capacity;
}

function createColumns(points: number): PointColumns {
  return {
    endAt: new Float64Array(points),
    value: new Float64Array(points),
    spanMs: new Float64Array(points),
    code: new Uint32Array(points),
    meta: new Uint32Array(points),
    sound: new Uint8Array(points),
  };
}
