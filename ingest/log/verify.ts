import type { Clock } from '../../devices/clock.ts';
import { createCrc32c } from './crc32c.ts';
import type { FileSystem } from './file-system.ts';
import type { Position } from './log.ts';
import { findEnd, knownEnd } from './recovery.ts';
import type { HashedRecords, Hole } from './seal-segment.ts';
import { hashRecords } from './seal-segment.ts';
import type { Seal, Tombstone } from './seal.ts';
import { chainOf, chainStart, readSeal, readTombstone } from './seal.ts';
import type { LogFolder, OpenSegmentFile } from './segment-folder.ts';
import { headerCopyBytes } from './segment-format.ts';
import { listFolder, nameOf, openSegmentFile } from './segment-folder.ts';
import { SegmentScan } from './segment-scan.ts';

export const findingKinds = [
  /** Records that are not what was written. */
  'record',
  /** A copy of a segment's header is damaged; with one sound copy its records can be read. */
  'header',
  /** Positions that no file holds. */
  'missing',
  /** Bytes behind the last record of a sealed segment. */
  'tail',
  /** A seal, tombstone or the file `end` is damaged, or a seal is not there. */
  'proof',
  /** Sound files that do not fit each other: something was replaced. */
  'chain',
  /** The disk answered an error. */
  'unreadable',
] as const;

export interface Finding {
  readonly kind: (typeof findingKinds)[number];
  readonly file: string;
  /** The positions that it is about. */
  readonly first: Position;
  readonly last: Position;
  /** In the file; -1 where it has no place. */
  readonly offset: number;
  readonly detail: string;
}

export interface VerifySummary {
  readonly first: Position;
  readonly end: Position;
  readonly segments: number;
  readonly sealed: number;
  readonly deleted: number;
  readonly records: number;
  readonly rewritten: number;
  readonly findings: number;
  /** Bytes behind the last record that were never promised: what a start would cut. */
  readonly tornBytes: number;
}

export interface VerifyOptions {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  /** Only up to here, while an owner appends; none: the whole folder, which then has no owner. */
  readonly end?: Position;
  readonly clock: Clock;
  readonly onFinding: (finding: Finding) => void;
  /** Called after each file. */
  readonly onProgress?: (done: number, all: number) => void;
  /** How long it keeps the thread, and how long it then lets go. */
  readonly sliceMsMax?: number;
  readonly pauseMs?: number;
}

/**
 * Proves a log: every header, CRC, hash, the order of positions without holes, and the chain through
 * seals and tombstones. It goes on behind everything it finds.
 */
export async function verifyLog(options: VerifyOptions): Promise<VerifySummary> {
  const { fileSystem, directory } = options;
  const folder: LogFolder = { fileSystem, directory, crc32c: createCrc32c() };
  const listing = await listFolder(folder);
  const walk = new Walk(options, folder, new Set(listing.seals));
  const kept = new Set(listing.segments);
  const entries = [
    ...listing.tombstones.map((first) => ({ first, check: 'tombstone' as const })),
    ...listing.segments.map((first) => ({ first, check: 'segment' as const })),
    ...listing.seals
      .filter((first) => !kept.has(first))
      .map((first) => ({ first, check: 'lostSegment' as const })),
  ].toSorted((one, other) => one.first - other.first);
  let done = 0;
  for (const [index, { first, check }] of entries.entries()) {
    walk.expect(first);
    await walk[check](first, entries[index + 1]?.first);
    options.onProgress?.(++done, entries.length);
  }
  await walk.knownEnd(listing);
  return walk.summary(entries[0]?.first ?? 1);
}

class Walk {
  readonly #options: VerifyOptions;
  readonly #folder: LogFolder;
  readonly #seals: ReadonlySet<Position>;
  /** Null: the link cannot be checked, and why has been said. */
  #previousChain: string | null = chainStart;
  #next: Position = 1;
  #counts = { segments: 0, sealed: 0, deleted: 0, records: 0, rewritten: 0 };
  #findings = 0;
  #tornBytes = 0;

  constructor(options: VerifyOptions, folder: LogFolder, seals: ReadonlySet<Position>) {
    this.#options = options;
    this.#folder = folder;
    this.#seals = seals;
  }

  summary(first: Position): VerifySummary {
    return {
      ...this.#counts,
      first,
      end: this.#next - 1,
      findings: this.#findings,
      tornBytes: this.#tornBytes,
    };
  }

  expect(first: Position): void {
    if (first > this.#next) {
      this.#find('missing', nameOf(this.#next, 'segment'), {
        first: this.#next,
        last: first - 1,
        detail: 'No file holds these positions.',
      });
      this.#previousChain = null;
    }
  }

  async tombstone(first: Position, follower: Position | undefined): Promise<void> {
    this.#counts.deleted++;
    const proof = await this.#read(nameOf(first, 'tombstone'), first, () =>
      readTombstone(this.#folder, first),
    );
    if (proof === null) this.#previousChain = null;
    else this.#link(proof.seal, nameOf(first, 'tombstone'));
    this.#next = proof === null ? (follower ?? first) : proof.seal.last + 1;
  }

  /** A seal whose segment is not there. */
  async lostSegment(first: Position, follower: Position | undefined): Promise<void> {
    const seal = await this.#readSeal(first);
    const last = seal?.last ?? (follower ?? first + 1) - 1;
    this.#find('missing', nameOf(first, 'segment'), {
      first,
      last,
      detail: 'The segment is not there, and no tombstone says why.',
    });
    this.#followSeal(seal, nameOf(first, 'seal'));
    this.#next = last + 1;
  }

  async segment(first: Position, follower: Position | undefined): Promise<void> {
    this.#counts.segments++;
    const name = nameOf(first, 'segment');
    const seal = this.#seals.has(first) ? await this.#readSeal(first) : null;
    const limit = Math.min(follower ?? Infinity, (seal?.last ?? Infinity) + 1);
    const opened = await this.#read(name, first, () => openSegmentFile(this.#folder, first), limit);
    if (opened === null) {
      this.#followSeal(seal, nameOf(first, 'seal'));
      this.#next = limit === Infinity ? first : limit;
      return;
    }
    const last = limit === Infinity ? first : limit - 1;
    try {
      opened.damaged.forEach((isDamaged, copy) => {
        if (!isDamaged) return;
        this.#find('header', name, {
          first,
          last,
          offset: copy * headerCopyBytes,
          detail: `Copy ${copy + 1} of the header is damaged.`,
        });
      });
      await this.#records(opened, first, limit, seal);
    } catch (error) {
      this.#find('unreadable', name, { first, last, detail: String(error) });
      this.#next = last + 1;
    } finally {
      await opened.file.close();
    }
    if (this.#seals.has(first)) this.#followSeal(seal, nameOf(first, 'seal'));
    else this.#unsealed(first, last);
  }

  async #records(
    opened: OpenSegmentFile,
    first: Position,
    knownLimit: number,
    seal: Seal | null,
  ): Promise<void> {
    const limit = knownLimit === Infinity ? await this.#limitOfLast(opened) : knownLimit;
    const scan = new SegmentScan({
      file: opened.file,
      crc32c: this.#folder.crc32c,
      salt: opened.header.salt,
      first,
      limit,
    });
    const { clock, sliceMsMax = 5, pauseMs = 0 } = this.#options;
    const pace = { clock, sliceMsMax, pauseMs, isStopped: () => false };
    const hashed = await hashRecords(scan, pace);
    if (hashed === null) return;
    this.#counts.records += hashed.count;
    this.#counts.rewritten += hashed.rewritten;
    for (const hole of hashed.damaged) {
      this.#find('record', nameOf(first, 'segment'), {
        ...hole,
        detail: 'The bytes are not what was written.',
      });
    }
    this.#next = limit;
    if (seal !== null) await this.#compare(opened, seal, hashed);
  }

  /** One beyond the last promised position of the last segment. */
  async #limitOfLast(opened: OpenSegmentFile): Promise<Position> {
    if (this.#options.end !== undefined) return this.#options.end + 1;
    const known = await knownEnd(this.#folder, await listFolder(this.#folder));
    const found = await findEnd(this.#folder, opened, known);
    this.#tornBytes = found.tornBytes;
    return found.end + 1;
  }

  /** What the seal says against what is there. */
  async #compare(opened: OpenSegmentFile, seal: Seal, hashed: HashedRecords): Promise<void> {
    this.#counts.sealed++;
    const file = nameOf(seal.first, 'segment');
    const last = this.#next - 1;
    const size = await opened.file.size();
    if (hashed.isWhole && size > hashed.endOffset) {
      this.#find('tail', file, {
        first: last,
        last,
        offset: hashed.endOffset,
        detail: `${size - hashed.endOffset} bytes stand behind the last record.`,
      });
    }
    if (seal.last !== last) {
      this.#find('chain', file, {
        first: seal.first,
        last: seal.last,
        detail: `The seal ends at ${seal.last}, the segment at ${last}.`,
      });
    } else if (seal.records !== hashed.records && isKnownDamage(hashed.damaged, seal)) {
      this.#find('chain', file, {
        first: seal.first,
        last,
        detail: 'The records are sound but not those that were sealed.',
      });
    }
  }

  #unsealed(first: Position, last: Position): void {
    if ([...this.#seals].some((sealed) => sealed > first)) {
      this.#find('proof', nameOf(first, 'seal'), {
        first,
        last,
        detail: 'The seal is not there, and later segments have theirs.',
      });
    }
    this.#previousChain = null;
  }

  #followSeal(seal: Seal | null, file: string): void {
    if (seal === null) this.#previousChain = null;
    else this.#link(seal, file);
  }

  #readSeal(first: Position): Promise<Seal | null> {
    return this.#read(nameOf(first, 'seal'), first, () => readSeal(this.#folder, first));
  }

  #link(seal: Seal, file: string): void {
    if (chainOf(seal) !== seal.chain || (this.#previousChain ?? seal.previous) !== seal.previous) {
      this.#find('chain', file, {
        first: seal.first,
        last: seal.last,
        detail: 'The seal does not follow from the one before it.',
      });
    }
    this.#previousChain = seal.chain;
  }

  async knownEnd(listing: Awaited<ReturnType<typeof listFolder>>): Promise<void> {
    const known = await this.#read('end', this.#next, () => knownEnd(this.#folder, listing));
    if (known !== null && known >= this.#next && this.#options.end === undefined) {
      this.#find('missing', nameOf(this.#next, 'segment'), {
        first: this.#next,
        last: known,
        detail: 'The log had reached these positions and holds them no more.',
      });
    }
  }

  /** Null: it cannot be read, and that is a finding. */
  async #read<Value extends Tombstone | Seal | OpenSegmentFile | number>(
    file: string,
    first: Position,
    read: () => Promise<Value>,
    limit = Infinity,
  ): Promise<Value | null> {
    try {
      return await read();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
      const kind =
        code === 'LOG_SEAL_DAMAGED'
          ? 'proof'
          : code === 'LOG_HEADER_DAMAGED'
            ? 'header'
            : 'unreadable';
      const last = limit === Infinity ? first : limit - 1;
      this.#find(kind, file, { first, last, detail: `${code}: ${String(error)}` });
      return null;
    }
  }

  #find(
    kind: Finding['kind'],
    file: string,
    place: Omit<Finding, 'kind' | 'file' | 'offset'> & { readonly offset?: number },
  ): void {
    this.#findings++;
    this.#options.onFinding({ kind, file, offset: -1, ...place });
  }
}

/** Whether every damaged stretch was there when the segment was sealed: only then hashes compare. */
function isKnownDamage(holes: readonly Hole[], seal: Seal): boolean {
  return holes.every((hole) =>
    seal.damaged.some(([first, last]) => first === hole.first && last === hole.last),
  );
}
