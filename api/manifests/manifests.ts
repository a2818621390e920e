/**
 * Signed, chained manifests of the open data: one when a UTC day has ended, one at the first start,
 * and one whenever an operator asks. Made on one node of a network only (`publishing`).
 */
import type { Scheduled } from '../../devices/clock.ts';
import { CodedError } from '../../devices/coded-error.ts';
import type { Random } from '../../devices/random.ts';
import { dayBefore, dayEndAfter, dayMs } from '../../proof/day.ts';
import { readManifest } from '../../proof/manifest.ts';
import type { ApiContext } from '../context.ts';
import { apiError } from '../errors.ts';
import type { FeedPlace } from '../../ingest/feed/places/places.ts';
import { openArchive, type Archive, type ManifestHead } from './archive.ts';
import { openBuckets, type Buckets } from './buckets.ts';
import type { ManifestEvents } from './events.ts';
import { openManifestKeys, type ManifestKeys } from './keys.ts';
import { makeManifest, type MadeManifest } from './make.ts';
import type { SecretFile } from './secret-file.ts';

export interface NextManifest {
  readonly sequence: number;
  readonly cursor: string;
}

export interface Manifests {
  readonly archive: Archive;
  readonly buckets: Buckets;
  readonly keys: ManifestKeys;
  /** The next manifest behind a place of the feed, also one that is being made. */
  nextBehind(place: FeedPlace): NextManifest | undefined;
  /** Makes one now, behind one that is being made. `newKey`: it announces a new key. */
  make(options?: { readonly newKey?: boolean }): Promise<MadeManifest>;
  /**
   * Makes the one behind this number, unless it is there or being made: something was closed that
   * this one has. However many ask, one is made.
   */
  makeWithout(sequence: number): Promise<void>;
  /** Begins to make one a day, and one of a store that was restored; resolves when what is due is made. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface ManifestsOptions {
  /** Without `manifests`, which this makes. */
  readonly context: () => ApiContext;
  readonly kept: ApiContext['kept'];
  readonly secrets: SecretFile;
  readonly random: Random;
  readonly events: ManifestEvents;
  /** How long after the end of a day its manifest is made. */
  readonly delayMs: number;
}

/** After a failure. */
const retryMs = 60_000;

export function openManifests(options: ManifestsOptions): Manifests {
  const { kept, events, delayMs } = options;
  const archive = openArchive(kept);
  const buckets = openBuckets(kept);
  const keys = openManifestKeys(options);
  let pending: NextManifest | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let scheduled: Scheduled | undefined;
  let isClosed = false;

  async function makeNext(newKey: boolean): Promise<MadeManifest> {
    if (isClosed) throw apiError('API_UNAVAILABLE');
    const context = options.context();
    const beganMs = context.clock.monotonicMs();
    if (newKey) keys.rotate((archive.latest()?.sequence ?? 0) + 1);
    try {
      const made = await makeManifest({
        context,
        archive,
        buckets,
        keys,
        isEnding: () => isClosed,
        pinned: (sequence, cursor) => {
          pending = { sequence, cursor };
        },
      });
      const { rows, changed, head } = made;
      const elapsedMs = Math.round(context.clock.monotonicMs() - beganMs);
      events.made({ sequence: head.sequence, rows, changed, elapsedMs });
      return made;
    } finally {
      pending = undefined;
    }
  }

  function make({ newKey = false } = {}): Promise<MadeManifest> {
    const making = last.then(() => makeNext(newKey));
    // What fails is told to who asked; the next one begins anyway.
    last = making.catch(() => undefined);
    return making;
  }

  const makeWithout = createMakeWithout(archive, make);

  async function makeDue(isStart = false): Promise<void> {
    const { clock, storeId } = options.context();
    const due = isManifestDue({ archive, events, storeId, isStart, nowAt: clock.now(), delayMs });
    try {
      if (due) await make();
      plan(dayEndAfter(clock.now() - delayMs) + delayMs - clock.now());
    } catch (error) {
      if (isClosed) return;
      events.failed(error);
      plan(retryMs, isStart);
    }
  }

  function plan(waitMs: number, isStart = false): void {
    if (isClosed) return;
    scheduled = options.context().clock.schedule(waitMs, () => void makeDue(isStart));
  }

  return {
    archive,
    buckets,
    keys,
    make,
    makeWithout: (sequence) => makeWithout(sequence, last),
    start: () => makeDue(true),
    nextBehind: (place) => nextBehind(options.context().places, place, { archive, pending }),
    async close() {
      isClosed = true;
      scheduled?.cancel();
      await last;
    },
  };
}

/** After a restore: what was lost is left by those who hold it only for a manifest that says so. */
function isOfOtherStore(archive: Archive, { sequence }: ManifestHead, storeId: string): boolean {
  const document = archive.document(sequence);
  const read = document === undefined ? undefined : readManifest(document);
  return read === undefined || !('manifest' in read) || read.manifest.storeId !== storeId;
}

/** One making for all who ask while it is made. */
function createMakeWithout(
  archive: Archive,
  make: () => Promise<unknown>,
): (sequence: number, last: Promise<unknown>) => Promise<void> {
  let without: Promise<void> | undefined;
  return (sequence, last) => {
    without ??= last
      .then(async () => {
        if (archive.latest()?.sequence === sequence) await make();
      })
      .finally(() => {
        without = undefined;
      });
    return without;
  };
}

interface DueOptions extends Pick<ManifestsOptions, 'events' | 'delayMs'> {
  readonly archive: Archive;
  readonly storeId: string;
  readonly isStart: boolean;
  readonly nowAt: number;
}

function isManifestDue({ archive, events, storeId, isStart, nowAt, delayMs }: DueOptions): boolean {
  const latest = archive.latest();
  if (latest === undefined) return true;
  const day = dayBefore(nowAt - delayMs);
  if (latest.day > dayBefore(nowAt + dayMs)) {
    // The clock was ahead when it was made: its day is none to wait for.
    events.dayAhead({ sequence: latest.sequence, named: latest.day, day });
    return true;
  }
  return latest.day < day || (isStart && isOfOtherStore(archive, latest, storeId));
}

/**
 * The oldest that the place has not reached; most readers are near the end. In a network a reader
 * that comes from another node may be ahead of a manifest in one partition and behind it in another:
 * for that one it is passed.
 */
function nextBehind(
  places: ApiContext['places'],
  place: FeedPlace,
  { archive, pending }: { readonly archive: Archive; readonly pending: NextManifest | undefined },
): NextManifest | undefined {
  let found: NextManifest | undefined;
  let head: NextManifest | undefined = pending ?? archive.latest();
  while (head !== undefined) {
    const end = endOf(places, head.cursor);
    if (end === undefined || places.hasReached(place, end)) break;
    if (places.hasReached(end, place)) found = head;
    head = archive.head(head.sequence - 1);
  }
  return found === undefined ? undefined : { sequence: found.sequence, cursor: found.cursor };
}

/** A cursor that this history does not have is nobody's next one. */
function endOf(places: ApiContext['places'], cursor: string): FeedPlace | undefined {
  try {
    return places.readEnd(cursor, 'until');
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}
