/** Moments of a copy: of each partition a last batch, which is the same on every node. */
import { partitionOf } from '../../cluster/partition-of.ts';
import type { Position } from '../../log/log.ts';
import { comesTrue } from '../comes-true.ts';
import { feedError } from '../errors.ts';
import { positionsOfTag, tagOfPositions } from './copy-cursor.ts';
import { pinBehind } from './copy-index.ts';
import { decodeCursor } from './copy-ends.ts';
import type { CopyParts } from './copy-parts.ts';
import { wholeCursors } from './log-places.ts';
import { behindMaxMs, type Moment, type Moments, type Pins } from './places.ts';
import { hasAll, reachOf, type Reach } from './reach.ts';

export function createCopyMoments(parts: CopyParts): Moments {
  const { cursors, store, clock, copy } = parts;
  const all = Array.from({ length: copy.partitions }, (_each, partition) => partition);
  let last: { readonly position: Position; readonly moment: Moment } | undefined;

  function momentOf(positions: readonly Position[], pins: Pins): Moment {
    const cursor = cursors.encode(reachOf(positions));
    return { ...pins, cursor, tag: tagOfPositions(positions), pin: cursor };
  }

  async function at(position: Position): Promise<Moment> {
    if (last?.position === position) return last.moment;
    const positions = await parts.positionsAt(position);
    const batchOf = createBatchOf(parts, positions);
    const moment = momentOf(positions, { pinOf: () => position, batchOf });
    last = { position, moment };
    return moment;
  }

  /** The last batch of each partition that was published by then. */
  async function asOf(moment: number): Promise<Moment> {
    const isSettled = createSettled(parts, all, moment);
    if (!(await comesTrue(clock, copy.settleMs + behindMaxMs, isSettled))) {
      throw feedError('API_UNAVAILABLE');
    }
    const numbers = await Promise.all(all.map((partition) => numberAt(moment, partition)));
    return momentOf(numbers, pinsOf(parts, numbers));
  }

  /** Of what was published before the first batch that is held here, others know. */
  async function numberAt(moment: number, partition: number): Promise<Position> {
    const { number } = store.publishedBy(moment, partition) ?? {};
    return number ?? (await parts.past?.publishedBefore(moment, partition)) ?? 0;
  }

  /** Waits until this node has come so far: it then shows the same rows as any other. */
  async function ofPin(pin: Moment['pin']): Promise<Moment> {
    return ofReach(decodePin(pin));
  }

  async function ofCursor(cursor: string, parameter: string): Promise<Moment> {
    const reach = decodeCursor(cursors, cursor, parameter);
    if (reach.begun.length > 0)
      throw feedError('API_CURSOR_INVALID', { parameter, expected: wholeCursors });
    return ofReach(reach);
  }

  async function ofReach(reach: Reach): Promise<Moment> {
    if (!(await comesTrue(clock, behindMaxMs, () => parts.isMet(reach)))) {
      throw feedError('API_UNAVAILABLE');
    }
    return momentOf(reach.positions, pinsOf(parts, reach.positions));
  }

  function decodePin(pin: Moment['pin']): Reach {
    const reach = typeof pin === 'string' ? cursors.decode(pin) : 'unknown';
    if (reach === 'invalid') throw feedError('API_PAGE_INVALID', { parameter: 'page' });
    if (reach === 'unknown') throw feedError('API_PAGE_EXPIRED', { parameter: 'page' });
    return reach;
  }

  async function versionsAt(position: Position): Promise<(series: number) => number | undefined> {
    const positions = await parts.positionsAt(position);
    const versions = await Promise.all(
      all.map((partition) => parts.index.registryVersionOf(partition, positions[partition] ?? 0)),
    );
    return (series) => {
      const station = parts.registry.current().bySeries[series]?.station;
      return station === undefined ? undefined : versions[partitionOf(station, copy.partitions)];
    };
  }

  function pinsBefore(tag: string, moment: Moment): Pins | undefined {
    const earlier = positionsOfTag(tag);
    const now = positionsOfTag(moment.tag);
    if (earlier?.length !== copy.partitions || now === undefined) return undefined;
    return hasAll(earlier, now) ? pinsOf(parts, earlier) : undefined;
  }

  return { at, asOf, ofPin, ofCursor, versionsAt, pinsBefore };
}

function createBatchOf(
  { registry, copy }: CopyParts,
  positions: readonly Position[],
): (series: number) => Position {
  return (series) => {
    const station = registry.current().bySeries[series]?.station;
    return station === undefined ? 0 : (positions[partitionOf(station, copy.partitions)] ?? 0);
  };
}

/**
 * Rows of a series are in batches of its station's partition alone. What stands behind the batch is
 * of others, until its next: so a series that has not changed since is seen not to have.
 */
function pinsOf(parts: CopyParts, positions: readonly Position[]): Pins {
  const pins: (Position | undefined)[] = [];
  return {
    batchOf: createBatchOf(parts, positions),
    pinOf(series) {
      const station = parts.registry.current().bySeries[series]?.station;
      if (station === undefined) return 0;
      const partition = partitionOf(station, parts.copy.partitions);
      return (pins[partition] ??= pinBehind(parts.store, partition, positions[partition] ?? 0));
    },
  };
}

/**
 * Whether all that was published by a moment is here. A batch stamped before it may still be on its
 * way: either a later one of its partition has come, or all that the partition held `settleMs`
 * after the moment has.
 */
function createSettled(
  { store, source, feed, copy }: CopyParts,
  all: readonly number[],
  moment: number,
): () => boolean {
  let open = all;
  let settledEnd: Position | undefined;
  const lastPublishedAt = (partition: number) =>
    store.publishedBy(Number.MAX_SAFE_INTEGER, partition)?.publishedAt ?? -Infinity;
  return () => {
    open = open.filter((partition) => lastPublishedAt(partition) <= moment);
    if (open.length === 0) return true;
    const isLevel = open.every((each) => copy.levelAt(each) >= moment + copy.settleMs);
    if (isLevel) settledEnd ??= source.durableEnd.get();
    return settledEnd !== undefined && feed.position >= settledEnd;
  };
}
