import { createHash } from 'node:crypto';

import { logError } from './errors.ts';
import { readFile, replaceFile } from './file-system.ts';
import type { Position } from './log.ts';
import { hashBytes, viewOf } from './segment-format.ts';
import type { FileKind, LogFolder } from './segment-folder.ts';
import { nameOf, pathOf } from './segment-folder.ts';

/**
 * The proof of one closed segment. A rewrite leaves it as it is: a rewritten record carries the hash
 * of what it was, so the same records' hash comes out.
 *
 *   records := SHA-256 of (SHA-256 of each original body, in order; 32 zeros for one that was
 *              already damaged when the segment was sealed)
 *   chain   := SHA-256 of ("quantrac-chain/1\n" · previous chain · first u64 · last u64 · records)
 *
 * On disk: a line of JSON, then its CRC-32C in hexadecimal.
 */
export interface Seal {
  readonly format: 'quantrac-seal/1';
  readonly first: Position;
  readonly last: Position;
  /** Of the segment file when it was sealed; a rewrite changes the file's size. */
  readonly bytes: number;
  readonly openedAt: number;
  readonly closedAt: number;
  /** Positions that could not be read when the segment was sealed. */
  readonly damaged: readonly (readonly [Position, Position])[];
  readonly records: string;
  readonly previous: string;
  readonly chain: string;
}

/** What stays of a segment that retention deleted: the chain goes on through it. */
export interface Tombstone {
  readonly format: 'quantrac-tombstone/1';
  readonly deletedAt: number;
  readonly reason: string;
  readonly seal: Seal;
}

/** The chain before the first segment of a log that began empty. */
export const chainStart = '0'.repeat(2 * hashBytes);

export function chainOf(seal: Pick<Seal, 'previous' | 'first' | 'last' | 'records'>): string {
  const numbers = Buffer.alloc(16);
  numbers.writeBigUInt64LE(BigInt(seal.first), 0);
  numbers.writeBigUInt64LE(BigInt(seal.last), 8);
  return createHash('sha256')
    .update('quantrac-chain/1\n')
    .update(Buffer.from(seal.previous, 'hex'))
    .update(numbers)
    .update(Buffer.from(seal.records, 'hex'))
    .digest('hex');
}

export async function writeProof(folder: LogFolder, proof: Seal | Tombstone): Promise<void> {
  const [kind, first]: [FileKind, Position] =
    'seal' in proof ? ['tombstone', proof.seal.first] : ['seal', proof.first];
  await replaceFile(
    folder.fileSystem,
    folder.directory,
    nameOf(first, kind),
    encodeChecked(folder, proof),
  );
}

/** Rejects with LOG_SEAL_DAMAGED where the file is not what was written. */
export async function readSeal(folder: LogFolder, first: Position): Promise<Seal> {
  const seal = (await readChecked(folder, first, 'seal')) as Seal;
  if (seal.format !== 'quantrac-seal/1' || seal.first !== first) throw damaged(folder, first);
  return seal;
}

export async function readTombstone(folder: LogFolder, first: Position): Promise<Tombstone> {
  const found = (await readChecked(folder, first, 'tombstone')) as Tombstone | Seal;
  // On a full disk the seal itself was made the tombstone, without time and reason.
  const tombstone: Tombstone =
    found.format === 'quantrac-seal/1'
      ? {
          format: 'quantrac-tombstone/1',
          deletedAt: found.closedAt,
          reason: 'disk full',
          seal: found,
        }
      : found;
  if (tombstone.format !== 'quantrac-tombstone/1' || tombstone.seal.first !== first) {
    throw damaged(folder, first);
  }
  return tombstone;
}

async function readChecked(folder: LogFolder, first: Position, kind: FileKind): Promise<unknown> {
  const value = decodeChecked(
    folder,
    await readFile(folder.fileSystem, pathOf(folder, first, kind)),
  );
  if (value === null) throw damaged(folder, first);
  return value;
}

function damaged(folder: LogFolder, first: Position): Error {
  return logError('LOG_SEAL_DAMAGED', { segment: pathOf(folder, first, 'segment') });
}

/** A line of JSON and its CRC: small enough to be read by eye and to be checked. */
export function encodeChecked(folder: LogFolder, value: object): Buffer {
  const line = Buffer.from(JSON.stringify(value), 'utf8');
  const crc = folder.crc32c(viewOf(line), 0, line.length, 0).toString(16).padStart(8, '0');
  return Buffer.concat([line, Buffer.from(`\n${crc}\n`, 'latin1')]);
}

/** Null where the CRC does not fit. */
export function decodeChecked(folder: LogFolder, bytes: Buffer): unknown {
  const lineEnd = bytes.indexOf(10);
  if (lineEnd < 0) return null;
  const line = bytes.subarray(0, lineEnd);
  const crc = folder.crc32c(viewOf(line), 0, line.length, 0).toString(16).padStart(8, '0');
  if (bytes.toString('latin1', lineEnd + 1) !== `${crc}\n`) return null;
  return JSON.parse(line.toString('utf8'));
}
