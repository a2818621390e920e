/**
 * Follows `readings` from the consumed position on: takes what is durable, settles it into the
 * stretch, ends the stretch as soon as no commit is in flight, flushes the view in slices when there
 * is nothing else to do, or between all else where the tail grows long.
 * Backpressure is by waiting: at the bound of a stretch for the commit before it, at the bound of the
 * store's tail for a flush; so memory stays bounded at any backlog.
 */
import { setImmediate } from 'node:timers/promises';
import { sleep, type Clock } from '../devices/clock.ts';
import { CodedError } from '../devices/coded-error.ts';
import type { Attempts } from './attempts.ts';
import type { Committer } from './committer.ts';
import type { IngestConfig } from './config.ts';
import type { Adopt } from './adopt.ts';
import { RowsLacking } from './decide/old-rows.ts';
import type { Pending } from './decide/pending.ts';
import type { IngestEvents } from './events.ts';
import type { DurableEnd, LogReader, LogRecord, Position } from './log/log.ts';
import type { Originals } from './originals.ts';
import { decodeReading, type LoggedReading } from './reading-codec.ts';
import type { Settler } from './settle.ts';
import type { Sources } from './sources.ts';
import type { StoreWriter } from './store/store.ts';

export interface FollowParts {
  readonly clock: Clock;
  readonly config: IngestConfig;
  readonly readings: LogReader;
  readonly readingsEnd: DurableEnd;
  readonly originals: Originals;
  readonly settler: Settler;
  readonly committer: Committer;
  readonly pending: Pending;
  readonly store: StoreWriter;
  readonly attempts: Attempts;
  /** Cluster profile: what of each node's log has been taken. */
  readonly sources: Sources | undefined;
  /** Cluster profile: waits for what a record needs before it can be settled. */
  readonly prepare: ((record: LogRecord) => Promise<void> | undefined) | undefined;
  /** Where the view does not hold everything: has what is lacking adopted. */
  readonly adopt: Adopt | undefined;
  readonly events: IngestEvents;
  readonly signal: AbortSignal;
}

/** With nothing to do, whether the view wants to be flushed is asked this often. */
const restMsMax = 1_000;

interface Stretch {
  /** All readings up to here are settled; those of the open stretch are not durable yet. */
  consumed: Position;
  /** Up to here they are in a batch. */
  sealed: Position;
  bytes: number;
  /** Taken from the log and not settled yet. */
  taken: readonly LogRecord[];
  nextTaken: number;
  /** Monotonic: after a flush that failed, the next is tried from here on. */
  flushAtMs: number;
  /** Somebody waits for the next reading already. */
  awaitsReading: boolean;
  /** Somebody waits for the commit in flight already. */
  awaitsCommit: boolean;
  /** Why what is waited for never comes. */
  failure: unknown;
  /** Ends the rest that is on. */
  wake: () => void;
}

/** Until the signal aborts; rejects with what stops ingest. All that was settled is then durable. */
export async function followReadings(parts: FollowParts, consumed: Position): Promise<void> {
  const { committer, signal } = parts;
  const stretch: Stretch = {
    consumed,
    sealed: consumed,
    bytes: 0,
    taken: [],
    nextTaken: 0,
    flushAtMs: Number.NEGATIVE_INFINITY,
    awaitsReading: false,
    awaitsCommit: false,
    failure: undefined,
    wake: () => undefined,
  };
  parts.readings.seek(consumed + 1);
  while (!signal.aborted) {
    if (parts.store.pressesFlush) flushSome(parts, stretch);
    if (parts.store.saturated) await relieve(parts, stretch);
    else if (mayCommit(parts, stretch)) commit(parts, stretch);
    else if (isFull(parts, stretch)) await waitForCommit(parts, stretch);
    else if (stretch.nextTaken < stretch.taken.length) await settleTaken(parts, stretch);
    else await take(parts, stretch);
  }
  await committer.idle();
  if (stretch.consumed > stretch.sealed) commit(parts, stretch);
  await committer.idle();
}

function mayCommit({ committer, clock, config, pending }: FollowParts, stretch: Stretch): boolean {
  if (committer.isBusy || stretch.consumed === stretch.sealed) return false;
  return clock.monotonicMs() >= committer.nextAtMs || isFull({ config, pending }, stretch);
}

function isFull(
  { config, pending }: Pick<FollowParts, 'config' | 'pending'>,
  stretch: Stretch,
): boolean {
  const { bytesMax, rowsMax } = config.stretch;
  return stretch.bytes >= bytesMax || pending.current.rows.length >= rowsMax;
}

function commit({ committer }: FollowParts, stretch: Stretch): void {
  stretch.sealed = stretch.consumed;
  stretch.bytes = 0;
  committer.commit(stretch.consumed);
}

/** A commit takes the disk's time: the view can have this thread's. */
async function waitForCommit(parts: FollowParts, stretch: Stretch): Promise<void> {
  flushSome(parts, stretch);
  await parts.committer.idle();
}

/** Takes what is durable, or rests until there is something to do. */
async function take(parts: FollowParts, stretch: Stretch): Promise<void> {
  const { readings, config } = parts;
  try {
    stretch.taken = await readings.read(config.stretch.readBytesMax);
    stretch.nextTaken = 0;
  } catch (error) {
    await skipUnreadable(parts, stretch, error);
    return;
  }
  if (stretch.taken.length > 0) await parts.attempts.begin();
  else if (flushSome(parts, stretch)) await setImmediate();
  else await rest(parts, stretch);
}

async function skipUnreadable(parts: FollowParts, stretch: Stretch, error: unknown): Promise<void> {
  const skipped = await parts.readings.skipDamaged();
  if (skipped !== null) {
    parts.events.readingsUnreadable({ ...skipped, error });
    if (parts.sources === undefined) return setGapAside(parts, stretch, skipped.last);
    parts.settler.setGoneAside(skipped.first, skipped.last, parts.clock.now());
    stretch.consumed = skipped.last;
    return;
  }
  if (!(error instanceof CodedError) || !error.canRetry) throw error;
  parts.events.readingsUnreadable({ first: parts.readings.next, last: parts.readings.next, error });
  await sleep(parts.clock, parts.config.stretch.commitRetryMs);
}

/** Positions up to `last` that nobody can read any more: counted, with a reason. */
function setGapAside(parts: FollowParts, stretch: Stretch, last: Position): void {
  if (last <= stretch.consumed) return;
  parts.settler.setUnreadableAside(stretch.consumed + 1, last, parts.clock.now());
  stretch.consumed = last;
}

/** Settles what was taken, until the stretch is full. */
async function settleTaken(parts: FollowParts, stretch: Stretch): Promise<void> {
  while (stretch.nextTaken < stretch.taken.length && !isFull(parts, stretch)) {
    const record = stretch.taken[stretch.nextTaken++];
    if (record === undefined) return;
    if (parts.sources === undefined) setGapAside(parts, stretch, record.position - 1);
    const prepared = parts.prepare?.(record);
    if (prepared !== undefined) await prepared;
    if (parts.attempts.carefulLeft > 0) await settleCarefully(parts, stretch, record);
    else {
      const settling = isReplay(record) ? settleReplay(parts, record) : settleRecord(parts, record);
      if (settling !== undefined) await settling;
    }
    stretch.consumed = record.position;
    stretch.bytes += record.body.length;
  }
}

/** One reading, one batch, and before it the note on disk that it is being tried. */
async function settleCarefully(
  parts: FollowParts,
  stretch: Stretch,
  record: LogRecord,
): Promise<void> {
  const { attempts, committer } = parts;
  const { position } = record;
  await committer.idle();
  if ((await attempts.tryReading(position)) === 'try') {
    await (isReplay(record) ? settleReplay(parts, record) : settleRecord(parts, record));
  } else {
    const reading = readingOf(record);
    parts.events.readingCrashed({ position, device: reading.device });
    const news = newsOf(parts, reading);
    if (news !== undefined) {
      parts.settler.setAside(news, 'INGEST_CRASHED', 'ingest died at it in every try');
    }
  }
  stretch.consumed = position;
  const size = { rows: parts.pending.current.rows.length, bytes: record.body.length };
  commit(parts, stretch);
  await committer.idle();
  await attempts.settled(position, size);
}

/** `readingKinds` gives them these numbers in the low bits of a record's first byte. */
const decisionKind = 5;
const replayKind = 6;

function kindOf(record: LogRecord): number {
  return (record.body[0] ?? 0) & 15;
}

function isReplay(record: LogRecord): boolean {
  return kindOf(record) === replayKind;
}

async function settleReplay(parts: FollowParts, record: LogRecord): Promise<void> {
  const reading = newsOf(parts, readingOf(record));
  if (reading === undefined) return;
  await settleNews(parts, reading, await parts.originals.originalOf(reading));
}

/** Settles at once, or, where rows of days before the horizon are wanted, when they are there. */
function settleNews(
  parts: FollowParts,
  reading: LoggedReading,
  original?: LoggedReading,
): Promise<void> | undefined {
  try {
    parts.settler.settle(reading, original);
    return undefined;
  } catch (error) {
    if (parts.adopt === undefined || !(error instanceof RowsLacking)) throw error;
    return settleAdopting(parts.adopt, parts.settler, { reading, original, error });
  }
}

interface Lacking {
  readonly reading: LoggedReading;
  readonly original: LoggedReading | undefined;
  readonly error: RowsLacking;
}

async function settleAdopting(
  adopt: Adopt,
  settler: Settler,
  { reading, original, error }: Lacking,
): Promise<void> {
  for (let { days } = error; ;) {
    const isDone = await adopt(days);
    // What a person or a job decided waits as long as it takes.
    if (!isDone && reading.kind !== 'decision') return settler.setOldAside(reading);
    try {
      return settler.settle(reading, original);
    } catch (again) {
      if (!(again instanceof RowsLacking)) throw again;
      ({ days } = again);
    }
  }
}

function settleRecord(parts: FollowParts, record: LogRecord): Promise<void> | undefined {
  const { settler, originals } = parts;
  if (kindOf(record) === decisionKind) originals.forget();
  if (record.rewritten) {
    settler.setAside(unknownReading(record), 'INGEST_READING_ERASED', 'erased');
    return undefined;
  }
  let reading: LoggedReading;
  try {
    reading = decodeReading(record.position, record.body);
  } catch (error) {
    const code = error instanceof CodedError ? error.code : 'INGEST_READING_FAILED';
    settler.setAside(unknownReading(record), code, String(error));
    return undefined;
  }
  const news = newsOf(parts, reading);
  return news === undefined ? undefined : settleNews(parts, news);
}

/**
 * What of a reading is to be settled: nothing of one that its node has sent before, and of one that
 * stands for several those that are new. One passed on came whole with what was decided of it.
 */
function newsOf(
  { sources, settler, events }: FollowParts,
  reading: LoggedReading,
): LoggedReading | undefined {
  if (sources === undefined || reading.passed !== undefined) return reading;
  const { readings, missing } = sources.take(reading);
  if (readings === 0) events.readingRepeated();
  if (missing > 0) {
    const { position, origin } = reading;
    events.readingsMissing({ position, node: origin?.node ?? 0, missing });
    settler.setMissingAside(reading, missing);
  }
  if (readings === 0) return undefined;
  const { fault } = reading;
  if (fault === undefined || fault.readings === readings) return reading;
  return { ...reading, fault: { ...fault, readings } };
}

function readingOf(record: LogRecord): LoggedReading {
  try {
    return decodeReading(record.position, record.body);
  } catch {
    // What is no reading is set aside with its bytes by whoever settles it.
    return unknownReading(record);
  }
}

function unknownReading({ position, body }: LogRecord): LoggedReading {
  const nobody = { receivedAt: 0, device: '', topic: '' };
  return { kind: 'message', door: 'internal', position, ...nobody, payload: body };
}

/** One slice of a flush where the view wants one; false: it does not, or must wait after a failure. */
function flushSome(parts: FollowParts, stretch: Stretch): boolean {
  const { store, clock, config, events } = parts;
  if (clock.monotonicMs() < stretch.flushAtMs || !store.wantsFlush) return false;
  try {
    store.flushSlice(config.store.flushSliceMs);
  } catch (error) {
    events.flushFailed(error);
    stretch.flushAtMs = clock.monotonicMs() + config.stretch.commitRetryMs;
  }
  return true;
}

/** The tail is at its bound: nothing is decided until slices have made room. */
async function relieve(parts: FollowParts, stretch: Stretch): Promise<void> {
  const { store, clock, signal, events } = parts;
  events.held();
  while (store.saturated && !signal.aborted) {
    flushSome(parts, stretch);
    await sleep(clock, Math.max(0, stretch.flushAtMs - clock.monotonicMs()));
  }
}

/**
 * Until there is a reading, a commit may begin, or it is time to ask for a flush again. What is waited
 * for outlasts many rests where nothing comes: it is waited for once, and wakes the rest that is on.
 */
async function rest(parts: FollowParts, stretch: Stretch): Promise<void> {
  const { clock, committer } = parts;
  const isOpen = stretch.consumed > stretch.sealed;
  const isDue = isOpen && !committer.isBusy;
  const delayMs = isDue ? Math.max(0, committer.nextAtMs - clock.monotonicMs()) : restMsMax;
  await new Promise<void>((resolve) => {
    const timer = clock.schedule(delayMs, resolve);
    stretch.wake = () => {
      timer.cancel();
      resolve();
    };
    awaitReading(parts, stretch);
    if (isOpen && committer.isBusy) awaitCommit(parts, stretch);
  });
  stretch.wake = () => undefined;
  if (stretch.failure !== undefined) throw stretch.failure as Error;
}

function awaitReading({ readings, readingsEnd, signal }: FollowParts, stretch: Stretch): void {
  if (stretch.awaitsReading) return;
  stretch.awaitsReading = true;
  wakeWhen(readingsEnd.waitBeyond(readings.next - 1, signal), stretch, () => {
    stretch.awaitsReading = false;
  });
}

function awaitCommit({ committer }: FollowParts, stretch: Stretch): void {
  if (stretch.awaitsCommit) return;
  stretch.awaitsCommit = true;
  wakeWhen(committer.idle(), stretch, () => {
    stretch.awaitsCommit = false;
  });
}

/** Ends the rest that is on when it comes; with its reason where it never will. */
function wakeWhen(awaited: Promise<void>, stretch: Stretch, done: () => void): void {
  const end = (): void => {
    done();
    stretch.wake();
  };
  awaited.then(end, (failure: unknown) => {
    stretch.failure = failure;
    end();
  });
}
