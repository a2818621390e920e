/** A page of changes behind a place: for those who ask for it, and for webhooks. */
import type { Clock } from '../../devices/clock.ts';
import type { RegistryAt } from './changes.ts';
import { comesTrue } from './comes-true.ts';
import { feedError } from './errors.ts';
import type { Feed } from './feed.ts';
import type { GroupView } from './hub.ts';
import type { FeedPlace, FeedPlaces } from './places/places.ts';
import type { ReaderPool } from './reader-pool.ts';

/** A client that comes from a node further on waits here for so long; then it is told to come again. */
const coverWaitMs = 2_000;

export interface ChangePageOptions {
  readonly from: FeedPlace;
  readonly limit: number;
  /** The change that reaches it is the last one. */
  readonly charactersMax?: number;
  /** Nothing behind it is given out. */
  readonly until?: PageEnd | undefined;
  readonly view: GroupView;
}

/** Where a page is to end at the latest, and the cursor of it. */
export interface PageEnd {
  readonly place: FeedPlace;
  readonly cursor: string;
}

export interface ChangePage {
  readonly texts: readonly string[];
  readonly next: string;
  /** False too where it cannot be told yet: then `next` is where the page begins. */
  readonly atEnd: boolean;
  /** It ended at `until`. */
  readonly isAtUntil: boolean;
  /** Of the log, looked through for it. */
  readonly scannedBytes: number;
}

export interface ChangePageContext {
  readonly readers: ReaderPool;
  readonly places: FeedPlaces;
  readonly feed: Pick<Feed, 'position'>;
  readonly registryAt: RegistryAt;
  readonly clock: Clock;
  readonly config: { readonly changesScanBytesMax: number };
}

/** Throws API_CURSOR_EXPIRED. */
export async function readChangePage(
  context: ChangePageContext,
  { from, limit, charactersMax = Infinity, until, view }: ChangePageOptions,
): Promise<ChangePage> {
  const { readers, places, registryAt, feed, config } = context;
  const texts: string[] = [];
  let characters = 0;
  const isCovered = () =>
    places.isCovered(from) && (until === undefined || places.isCovered(until.place));
  if (!(await comesTrue(context.clock, coverWaitMs, isCovered))) {
    const next = places.cursorOf(from);
    return { texts, next, atEnd: false, isAtUntil: false, scannedBytes: 0 };
  }
  const reader = await readers.take(from);
  const scannedBefore = reader.scannedBytes;
  try {
    const isThere = await reader.read({
      ...view,
      registryAt,
      toPosition: feed.position,
      scanBytesMax: config.changesScanBytesMax,
      until: until?.place,
      accept(text) {
        characters += text.length;
        return texts.push(text) < limit && characters < charactersMax;
      },
    });
    if (!isThere) throw feedError('API_CURSOR_EXPIRED', { parameter: 'after' });
  } catch (error) {
    await reader.close();
    throw error;
  }
  const { place, passedOver } = reader;
  const scannedBytes = reader.scannedBytes - scannedBefore;
  if (passedOver === undefined) await readers.give(reader);
  else await reader.close();
  if (until !== undefined && places.hasReached(place, until.place)) {
    return { texts, next: until.cursor, atEnd: true, isAtUntil: true, scannedBytes };
  }
  const behind = passedOver === undefined ? place : { ...place, position: passedOver };
  const atEnd = place.position > feed.position;
  return { texts, next: places.cursorOf(behind), atEnd, isAtUntil: false, scannedBytes };
}
