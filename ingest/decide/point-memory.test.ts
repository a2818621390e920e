import { describe, expect, it } from 'vitest';
import {
  createPointMemory,
  regionPointsMin,
  type Region,
  type RegionHolder,
} from './point-memory.ts';

function holder(): RegionHolder & { evicted: number } {
  const made = {
    isUsed: true,
    evicted: 0,
    evict: () => void made.evicted++,
  };
  return made;
}

const chunkBytes = 8_192 * 33;

describe('the memory of points', () => {
  it('gives regions of a power of two that do not overlap', () => {
    const memory = createPointMemory(10 * chunkBytes);
    const regions = Array.from({ length: 100 }, () => memory.allocate(20, holder()));
    const places = new Set(
      regions.map(({ columns, base }) => `${columns.endAt.byteLength} ${base}`),
    );
    expect(places.size).toBe(100);
    expect(regions.every(({ capacity, base }) => capacity === 32 && base % 32 === 0)).toBe(true);
    expect(memory.bytes).toBe(chunkBytes);
  });

  it('stays within its bound and evicts first who was not used lately', () => {
    const memory = createPointMemory(chunkBytes);
    const regions = 8_192 / regionPointsMin;
    const holders = Array.from({ length: regions }, () => holder());
    for (const each of holders) memory.allocate(1, each);
    const idle = holders[300];
    if (idle !== undefined) idle.isUsed = false;
    memory.allocate(1, holder());
    expect(holders.map(({ evicted }) => evicted).indexOf(1)).toBe(300);
    for (let more = 0; more < 3 * regions; more++) memory.allocate(1, holder());
    expect(memory.bytes).toBe(chunkBytes);
    expect(holders.every(({ evicted }) => evicted === 1)).toBe(true);
  });

  it('makes room for another size by giving up a whole chunk, never that of who asks', () => {
    const memory = createPointMemory(2 * chunkBytes);
    const small = Array.from({ length: 600 }, () => holder());
    const regions: Region[] = small.map((each) => memory.allocate(1, each));
    const asking = small[0] as RegionHolder & { evicted: number };
    const grown = memory.allocate(100, asking);
    expect(grown.capacity).toBe(128);
    expect(asking.evicted).toBe(0);
    expect(small.filter(({ evicted }) => evicted > 0).length).toBeGreaterThan(0);
    expect(memory.bytes).toBeLessThanOrEqual(2 * chunkBytes);
    expect(grown.columns).not.toBe(regions[0]?.columns);
  });

  it('gives a region larger than a chunk, and takes it back', () => {
    const memory = createPointMemory(chunkBytes);
    const large = memory.allocate(20_000, holder());
    expect(large.capacity).toBe(32_768);
    memory.release(large);
    const again = memory.allocate(20_000, holder());
    expect(again.columns).toBe(large.columns);
  });
});
