/**
 * Bodies that are ready: the same question at the same moment is written and compressed once, however
 * many ask. A long answer that is asked for more than twice a second is hot: it is made anew once a
 * second, and in between the last body is given, with its own entity tag and its own cursor, so that a
 * flood costs one body a second. Whoever asks alone, or for little, always gets the newest.
 *
 * A body is never given out under another version of the registry than it was written for.
 */
import { createHash } from 'node:crypto';

import type { Clock } from '../../devices/clock.ts';
import { createEncoder, type Encoder, type Encoding } from './encoding.ts';

export interface Ready<Answer> {
  readonly answer: Answer;
  /** Written with the first who asks for it. */
  body(): Promise<Buffer>;
  encoded(encoding: Encoding): Promise<Buffer>;
}

export interface ReadyVersion {
  /** Of the question alone. */
  readonly question: string;
  readonly registryVersion: number;
  /** Equal for equal bytes. */
  readonly tag: string;
  /** How new it is, the weightiest number first: what is held never goes back in it. */
  readonly sequence: readonly number[];
  /** Too dear to be made anew for each of many who ask. */
  readonly isLong: boolean;
}

export interface ReadyBodies {
  /** What a hot question is answered with; undefined: it is to be asked anew. */
  hot<Answer>(question: string, registryVersion: number): Ready<Answer> | undefined;
  /**
   * The body of this version: the one that is there, or a new one that `write` makes. One that was
   * overtaken by a newer one while its answer was being prepared is for whoever asked alone.
   */
  of<Answer>(
    version: ReadyVersion,
    answer: Answer,
    write: (answer: Answer) => Promise<Buffer>,
  ): Ready<Answer>;
  readonly bytes: number;
}

export interface ReadyBodiesOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Of bodies, questions and what each entry takes beside them. */
  readonly bytesMax: number;
  readonly entriesMax: number;
  /** What nobody has asked for in so long is let go with the next question. */
  readonly idleMs: number;
}

/** Behind so many a second a question is hot. */
const hotCount = 2;
const secondMs = 1_000;
/** How long a hot body may still be given while the next one is being made. */
const staleMsMax = 3_000;
/** Questions whose requests are counted, with or without a body. */
const questionsMax = 1_000;
/** What an entry holds beside its body and its question: places in maps, the answer, its steps. */
const entryBytes = 4_096;

interface Entry extends Ready<unknown> {
  readonly version: ReadyVersion;
  readonly madeAtMs: number;
  askedAtMs: number;
  bytes: number;
}

/** How often each question is asked. */
interface Heat {
  /** Counts one more; true where this second, or the one before, has seen many. */
  isHot(question: string, nowMs: number): boolean;
  /** True for the first who asks while nobody else is having the body made anew. */
  mayRenew(question: string, nowMs: number): boolean;
}

interface Asked {
  secondMs: number;
  count: number;
  renewingUntilMs: number;
}

function createHeat(): Heat {
  /** By a short name of the question: questions are up to 16 KiB long. */
  const asked = new Map<string, Asked>();
  return {
    isHot(text, nowMs) {
      const question = nameOf(text);
      const found = asked.get(question) ?? { secondMs: nowMs, count: 0, renewingUntilMs: 0 };
      if (nowMs - found.secondMs >= secondMs) {
        // As hot as in the second before, until this one has shown otherwise.
        const wasHot = found.count > hotCount && nowMs - found.secondMs < 2 * secondMs;
        found.count = wasHot ? hotCount : 0;
        found.secondMs = nowMs;
      }
      found.count += 1;
      asked.delete(question);
      asked.set(question, found);
      for (const oldest of asked.keys()) {
        if (asked.size <= questionsMax) break;
        asked.delete(oldest);
      }
      return found.count > hotCount;
    },
    mayRenew(text, nowMs) {
      const found = asked.get(nameOf(text));
      if (found === undefined || nowMs < found.renewingUntilMs) return false;
      found.renewingUntilMs = nowMs + secondMs;
      return true;
    },
  };
}

/** Equal for equal questions alone. */
function nameOf(question: string): string {
  return question.length <= 64 ? question : createHash('sha256').update(question).digest('base64');
}

export function createReadyBodies(options: ReadyBodiesOptions): ReadyBodies {
  const { clock } = options;
  const held = createHeld(options);
  const encoder = createEncoder();
  const heat = createHeat();
  return {
    hot<Answer>(question: string, registryVersion: number) {
      const nowMs = clock.monotonicMs();
      const isHot = heat.isHot(question, nowMs);
      const entry = held.find(question);
      if (!isHot || entry?.version.registryVersion !== registryVersion) return undefined;
      if (!entry.version.isLong) return undefined;
      const ageMs = nowMs - entry.madeAtMs;
      const mustRenew = ageMs > staleMsMax || (ageMs > secondMs && heat.mayRenew(question, nowMs));
      return mustRenew ? undefined : (entry as Ready<unknown> as Ready<Answer>);
    },
    of<Answer>(version: ReadyVersion, answer: Answer, write: (answer: Answer) => Promise<Buffer>) {
      const found = held.find(version.question);
      if (found?.version.tag === version.tag) return found as Ready<unknown> as Ready<Answer>;
      const nowMs = clock.monotonicMs();
      const head = { version, answer, madeAtMs: nowMs, askedAtMs: nowMs, bytes: 0 };
      const entry = openEntry({ held, encoder }, head, () => write(answer));
      if (found === undefined || !isOlder(version, found.version)) held.add(entry);
      return entry as Ready<unknown> as Ready<Answer>;
    },
    get bytes() {
      return held.bytes;
    },
  };
}

function isOlder({ sequence }: ReadyVersion, than: ReadyVersion): boolean {
  const at = sequence.findIndex((number, index) => number !== than.sequence[index]);
  return at >= 0 && (sequence[at] ?? 0) < (than.sequence[at] ?? 0);
}

/** Entries by question, the one asked for longest ago first, and their bytes. */
interface Held {
  find(question: string): Entry | undefined;
  /** In the place of the one of the same question. */
  add(entry: Entry): void;
  grow(entry: Entry, bytes: number): void;
  drop(entry: Entry): void;
  readonly bytes: number;
}

function createHeld({ clock, bytesMax, entriesMax, idleMs }: ReadyBodiesOptions): Held {
  const entries = new Map<string, Entry>();
  let bytes = 0;

  function drop(entry: Entry): void {
    if (entries.get(entry.version.question) !== entry) return;
    entries.delete(entry.version.question);
    bytes -= entry.bytes;
    entry.bytes = 0;
  }

  function dropOverBounds(): void {
    for (const oldest of entries.values()) {
      if (bytes <= bytesMax && entries.size <= entriesMax) return;
      drop(oldest);
    }
  }

  function dropIdle(nowMs: number): void {
    for (const oldest of entries.values()) {
      if (nowMs - oldest.askedAtMs < idleMs) return;
      drop(oldest);
    }
  }

  return {
    find(question) {
      const nowMs = clock.monotonicMs();
      dropIdle(nowMs);
      const found = entries.get(question);
      if (found === undefined) return undefined;
      found.askedAtMs = nowMs;
      entries.delete(question);
      entries.set(question, found);
      return found;
    },
    drop,
    add(entry) {
      const { question } = entry.version;
      const before = entries.get(question);
      if (before !== undefined) drop(before);
      entries.set(question, entry);
      entry.bytes = entryBytes + 2 * question.length;
      bytes += entry.bytes;
      dropOverBounds();
    },
    grow(entry, added) {
      if (entries.get(entry.version.question) !== entry) return;
      entry.bytes += added;
      bytes += added;
      dropOverBounds();
    },
    get bytes() {
      return bytes;
    },
  };
}

type EntryHead = Omit<Entry, 'body' | 'encoded'>;

function openEntry(
  { held, encoder }: { readonly held: Held; readonly encoder: Encoder },
  head: EntryHead,
  write: () => Promise<Buffer>,
): Entry {
  let body: Promise<Buffer> | undefined;
  const encoded = new Map<Encoding, Promise<Buffer>>();
  /** What failed is tried again by the next who asks. */
  const kept = async (making: Promise<Buffer>): Promise<Buffer> => {
    try {
      const made = await making;
      held.grow(entry, made.length);
      return made;
    } catch (error) {
      held.drop(entry);
      throw error;
    }
  };
  const entry: Entry = {
    ...head,
    body: () => (body ??= kept(write())),
    encoded(encoding) {
      let made = encoded.get(encoding);
      if (made === undefined) {
        made = entry.body().then((plain) => kept(encoder.encode(plain, encoding)));
        encoded.set(encoding, made);
      }
      return made;
    },
  };
  return entry;
}
