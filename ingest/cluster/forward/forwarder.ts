/**
 * Sends every record of a node's own log of readings to the topic `readings`, in order, one send
 * after another.
 *
 *   read → build a batch → send until Kafka has it → move the forwarded end → (once a second) note it
 *
 * 1. No position is passed over: a send is repeated until it is answered, what cannot be read is sent
 *    as what it is.
 * 2. A record has the same key, partition and sequence however often it is sent: they follow from the
 *    noted state and the records behind it. A registry version routes only once it is noted, and at
 *    a start only behind everything that the life before may have sent. What was sent behind the last
 *    note is sent again; consumers drop it by its position.
 * 3. The forwarded end covers only what Kafka has; retention may go as far as the note, no farther.
 * 4. Memory: one batch and one read of the log, however long Kafka is away.
 */
import type { Clock } from '../../../devices/clock.ts';
import { CodedError } from '../../../devices/coded-error.ts';
import type { RegistryReader } from '../../../devices/registry.ts';
import type { SharedDurableEnd } from '../../log/durable-end.ts';
import type { FileSystem } from '../../log/file-system.ts';
import type { OutgoingRecord, Producer } from '../../log/kafka/kafka.ts';
import type { DurableEnd, LogReader, LogRecord, Position } from '../../log/log.ts';
import { createRouter, type Router } from '../route.ts';
import { createBatchBuilder, type Batch, type BatchBuilder } from './batch.ts';
import type { ForwardConfig } from './config.ts';
import { forwardError } from './errors.ts';
import type { ForwardEvents } from './events.ts';
import { createNotes, type Notes } from './notes.ts';
import { createSpool, type Spool } from './spool.ts';
import { openStateFile } from './state-file.ts';

export interface ForwarderOptions {
  readonly node: number;
  readonly topic: string;
  /** Of the topic. */
  readonly partitions: number;
  /**
   * A reader of the own log for this forwarder alone, opened at the oldest kept position; whoever
   * opened it closes it.
   */
  readonly readings: LogReader;
  readonly readingsEnd: DurableEnd;
  /** Where the own log ended when the node was started, held against Kafka (`start.ts`). */
  readonly endAtStart: Position;
  readonly producer: Producer;
  /** Whoever opened it refreshes it. */
  readonly registry: Pick<RegistryReader, 'at' | 'current'>;
  readonly fileSystem: FileSystem;
  /** The data folder, where `forward.state` is. */
  readonly directory: string;
  readonly clock: Clock;
  readonly config: ForwardConfig;
  readonly events: ForwardEvents;
  /** Moved to the last position that Kafka has: for acknowledgements that wait for it. */
  readonly forwardedEnd: SharedDurableEnd;
  /** Up to here nothing will be sent again: the segments may go. */
  readonly noted: (position: Position) => void;
  /** Bytes by which the own log may still grow. */
  readonly freeBytes: () => Promise<number>;
  /** A defect ended forwarding. Kafka or a disk that fails does not. */
  readonly failed: (error: unknown) => void;
}

export interface Forwarder {
  /** Kafka has everything up to here. */
  readonly position: Position;
  /**
   * Notes how far Kafka has the log, and answers that position. Nothing of the log may be rewritten
   * behind it: what is sent again must be what it was.
   */
  note(): Promise<Position>;
  /** Waits for the send under way, notes, and ends. */
  close(): Promise<void>;
}

/** What the loop works with. */
interface Work extends ForwarderOptions {
  readonly builder: BatchBuilder;
  readonly notes: Notes;
  readonly spool: Spool;
  readonly signal: AbortSignal;
  router: Router | undefined;
  /** Up to here the life before may have sent what was not noted: the version noted then routes it. */
  readonly resentUpTo: Position;
  /** Monotonic: a note of a newer registry version that failed is tried again from here on. */
  adoptAtMs: number;
  taken: readonly LogRecord[];
  nextTaken: number;
}

/** Fewer waiting readings than this are waited for more. */
const lingerReadings = 256;
const readBytesMax = 1_048_576;
/** Where a read gives nothing although something is there. */
const nothingPauseMs = 10;
/** A record of the log has a header of so many bytes in its segment file. */
const logRecordBytes = 13;

/**
 * Rejects FORWARD_STATE_DAMAGED, FORWARD_STATE_OTHER, FORWARD_LOG_SHORTENED, or the disk's error.
 * That Kafka is away is no reason to reject.
 */
export async function openForwarder(options: ForwarderOptions): Promise<Forwarder> {
  const { readings, readingsEnd, clock, config, events, forwardedEnd } = options;
  const work = await openWork(options);
  const { notes, spool } = work;
  const ending = new AbortController();
  const { position } = notes.state;
  readings.seek(position + 1);
  forwardedEnd.advance(position);
  options.noted(position);
  events.opened({ position, registryVersion: notes.state.registryVersion });

  function tell(): void {
    const waiting = waitingOf(work);
    spool.observe(readingsEnd.get());
    const { noted, state } = notes;
    events.gauges({ position: state.position, noted, waiting, away: spool.away(waiting) });
  }

  let next = clock.schedule(config.noteEveryMs, round);
  function round(): void {
    tell();
    void notes.write().then(() => {
      if (!ending.signal.aborted) next = clock.schedule(config.noteEveryMs, round);
    });
  }
  tell();
  const running = forward({ ...work, signal: ending.signal }).catch(options.failed);
  return {
    get position() {
      return notes.state.position;
    },
    async note() {
      await notes.write();
      return notes.noted;
    },
    async close() {
      ending.abort();
      next.cancel();
      await within(clock, config.closeMsMax, running);
      await notes.write();
      await notes.close();
      tell();
      events.closed(notes.state.position);
    },
  };
}

async function openWork(options: ForwarderOptions): Promise<Omit<Work, 'signal'>> {
  const { node, topic, partitions, registry, readings, endAtStart } = options;
  const file = await openStateFile({
    ...options,
    first: {
      // What retention took of a log before its node ever sent anything is not to be sent.
      position: readings.next - 1,
      registryVersion: registry.current().version,
      sequences: Array.from({ length: partitions }, () => 0),
    },
  });
  const sent = file.found.position;
  if (sent > endAtStart) {
    await file.close();
    throw forwardError('FORWARD_LOG_SHORTENED', { node, end: endAtStart, sent });
  }
  const builder = createBatchBuilder({ ...options, ...file.found, node, topic });
  return {
    ...options,
    builder,
    notes: createNotes(file, options),
    spool: createSpool(options),
    router: undefined,
    resentUpTo: endAtStart,
    adoptAtMs: 0,
    taken: [],
    nextTaken: 0,
  };
}

/** Until the signal aborts; rejects only for a defect. */
async function forward(work: Work): Promise<void> {
  while (!work.signal.aborted) {
    if (work.nextTaken === work.taken.length) await waitForReadings(work);
    const router = await currentRouter(work);
    if (router === undefined || work.signal.aborted) continue;
    const batch = await nextBatch(work, router);
    if (batch !== undefined && (await deliver(work, batch.records))) confirm(work, batch);
  }
}

/** Undefined where the noted version is not to be had now. */
async function currentRouter(work: Work): Promise<Router | undefined> {
  const { registry, notes, events, config, clock } = work;
  const { registryVersion, position } = notes.state;
  const newest = registry.current();
  if (work.router !== undefined && newest.version <= registryVersion) return work.router;
  try {
    work.router ??= createRouter({ ...work, registry: registry.at(registryVersion) });
  } catch (error) {
    events.registryMissing(error, registryVersion);
    await pause(work, config.retryMsMax);
    return undefined;
  }
  const isDue = position >= work.resentUpTo && clock.monotonicMs() >= work.adoptAtMs;
  if (newest.version <= registryVersion || !isDue) return work.router;
  // Readings do not wait for a disk that refuses the note: the old version routes as well.
  work.adoptAtMs = clock.monotonicMs() + config.noteEveryMs;
  if (await notes.adopt(newest.version)) {
    work.router = createRouter({ ...work, registry: newest });
    work.adoptAtMs = 0;
    events.registryAdopted(newest.version, position);
  }
  return work.router;
}

/** Undefined when there is nothing to send yet. */
async function nextBatch(work: Work, router: Router): Promise<Batch | undefined> {
  const { readings, builder, spool, events } = work;
  if (work.nextTaken === work.taken.length) {
    try {
      work.taken = await readings.read(readBytesMax);
      work.nextTaken = 0;
    } catch (error) {
      return skipUnreadable(work, router, error);
    }
    const [first] = work.taken;
    if (first === undefined) {
      await pause(work, nothingPauseMs);
      return undefined;
    }
    spool.sized(first.body.length + logRecordBytes);
  }
  const batch = builder.build(work.taken, work.nextTaken, router);
  work.nextTaken += batch.taken;
  if (batch.unreadable > 0) events.unreadable('gone', batch.unreadable, batch.last);
  return batch;
}

async function skipUnreadable(
  work: Work,
  router: Router,
  error: unknown,
): Promise<Batch | undefined> {
  const { readings, builder, events, config } = work;
  const skipped = await readings.skipDamaged();
  if (skipped === null) {
    if (!(error instanceof CodedError) || !error.canRetry) throw error;
    events.readFailed(error, readings.next);
    await pause(work, config.retryMsMax);
    return undefined;
  }
  const batch = builder.buildUnreadable(skipped.last, router);
  if (batch.unreadable === 0) return undefined;
  events.unreadable(error, batch.unreadable, batch.last);
  return batch;
}

/** Until there are some; a few are given the time to become more. */
async function waitForReadings(work: Work): Promise<void> {
  const { readings, readingsEnd, signal, config } = work;
  const next = readings.next;
  if (readingsEnd.get() < next) await readingsEnd.waitBeyond(next - 1, signal);
  const isFew = readingsEnd.get() - next < lingerReadings;
  if (isFew && config.lingerMs > 0) await pause(work, config.lingerMs);
}

/** True once Kafka has all of them; false when the forwarder ends before. */
async function deliver(work: Work, records: readonly OutgoingRecord[]): Promise<boolean> {
  const { producer, config, spool, signal } = work;
  let pauseMs = config.retryMsMin;
  while (!signal.aborted) {
    try {
      await sendWhole(producer, records);
      spool.succeeded(waitingOf(work));
      return true;
    } catch (error) {
      await spool.failed(error, waitingOf(work));
      await pause(work, pauseMs);
      pauseMs = Math.min(2 * pauseMs, config.retryMsMax);
    }
  }
  return false;
}

/** In halves where a batch is more than a partition takes at once. */
async function sendWhole(producer: Producer, records: readonly OutgoingRecord[]): Promise<void> {
  try {
    await producer.send(records);
  } catch (error) {
    const isTooLarge = error instanceof CodedError && error.code === 'KAFKA_RECORD_TOO_LARGE';
    if (!isTooLarge || records.length === 1) throw error;
    const half = Math.ceil(records.length / 2);
    await sendWhole(producer, records.slice(0, half));
    await sendWhole(producer, records.slice(half));
  }
}

function confirm({ notes, builder, events, forwardedEnd }: Work, { last }: Batch): void {
  const readings = last - notes.state.position;
  notes.confirm(last, builder.sequences);
  events.forwarded(readings);
  forwardedEnd.advance(last);
}

function waitingOf({ readingsEnd, notes }: Pick<Work, 'readingsEnd' | 'notes'>): number {
  return Math.max(0, readingsEnd.get() - notes.state.position);
}

/** Ends early when the forwarder does. */
function pause({ clock, signal }: Work, delayMs: number): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.schedule(delayMs, end);
    signal.addEventListener('abort', end, { once: true });
  });
}

function within(clock: Clock, delayMs: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.schedule(delayMs, resolve);
    void work.then(() => {
      timer.cancel();
      resolve();
    });
  });
}
