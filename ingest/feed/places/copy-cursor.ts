/**
 * The change cursor of a network of nodes, format 2: what is behind the reader, partition by partition.
 *
 *   text = base64url of "2:" store id ":" partitions, last batch of each, (partition, items left)*
 *
 * Numbers are of variable length (7 bits a byte, least significant first). The last pairs are of
 * partitions of whose next batch a part was read. There is one text for each reach, on every node:
 * at most 1,000 characters for 64 partitions of up to 2^42 batches and a store id of 64 characters.
 */
import type { Position } from '../../log/log.ts';
import {
  createReader,
  createWriter,
  readVarint,
  varintBytesMax,
  writeVarint,
  type Reader,
} from '../../observations/bytes.ts';
import { charactersMax, isCursorOfOneLog } from '../cursor.ts';
import { reachOf, withBegun, type Begun, type Reach } from './reach.ts';

export interface CopyCursors {
  encode(reach: Reach): string;
  /** Cursors in the middle of a partition's next batch, by the items of it that are left. */
  within(reach: Reach, partition: number): (left: number) => string;
  /** `invalid`: the text is no cursor; `unknown`: it is one of another store. */
  decode(text: string): Reach | 'invalid' | 'unknown';
}

export function createCopyCursors(storeId: string, partitions: number): CopyCursors {
  const head = Buffer.from(`2:${storeId}:`, 'latin1');
  const encode = (reach: Reach) => bytesOf(head, reach).toString('base64url');
  return {
    encode,
    within(reach, partition) {
      const others = reach.begun.filter((each) => each.partition !== partition);
      // Rarely is more than one batch begun: only then has each cursor to be made anew.
      if (others.length > 0) return (left) => encode(withBegun(reach, partition, left));
      return createEndings(bytesOf(head, reachOf(reach.positions)), partition);
    },
    decode(text) {
      if (isCursorOfOneLog(text)) return 'unknown';
      const bytes = Buffer.from(text.slice(0, charactersMax), 'base64url');
      const given = /^2:[^:]{1,600}:/.exec(bytes.toString('latin1'))?.[0];
      if (given === undefined) return 'invalid';
      const givenHead = bytes.subarray(0, given.length);
      const reach = readReach(bytes.subarray(given.length));
      // One text stands for one reach: whatever else reads the same is no cursor of ours.
      if (reach === null || bytesOf(givenHead, reach).toString('base64url') !== text) {
        return 'invalid';
      }
      if (!head.equals(givenHead)) return 'unknown';
      return fits(reach, partitions) ? reach : 'invalid';
    },
  };
}

/**
 * Cursors that differ in their last two numbers: what comes before is made into text once. Three
 * bytes are four letters, so the text is cut where whole threes end.
 */
function createEndings(begin: Buffer, partition: number): (left: number) => string {
  const cut = begin.length - (begin.length % 3);
  const text = begin.toString('base64url', 0, cut);
  const writer = createWriter(2 + 2 * varintBytesMax);
  writer.bytes.set(begin.subarray(cut));
  writer.at = begin.length - cut;
  writeVarint(writer, partition);
  const at = writer.at;
  return (left) => {
    writer.at = at;
    writeVarint(writer, left);
    return text + writer.bytes.toString('base64url', 0, writer.at);
  };
}

function bytesOf(head: Uint8Array, { positions, begun }: Reach): Buffer {
  const numbers = 1 + positions.length + 2 * begun.length;
  const writer = createWriter(head.length + numbers * varintBytesMax);
  writer.bytes.set(head);
  writer.at = head.length;
  writeVarint(writer, positions.length);
  for (const position of positions) writeVarint(writer, position);
  for (const { partition, left } of begun) {
    writeVarint(writer, partition);
    writeVarint(writer, left);
  }
  return writer.bytes.subarray(0, writer.at);
}

/** Null where the bytes are not these numbers. */
function readReach(bytes: Uint8Array): Reach | null {
  const reader = createReader(bytes);
  const positions: Position[] = [];
  for (let left = readVarint(reader); left > 0 && !isRead(reader); left--) {
    positions.push(readVarint(reader));
  }
  const begun: Begun[] = [];
  while (!isRead(reader)) begun.push({ partition: readVarint(reader), left: readVarint(reader) });
  const isSafe = [...positions, ...begun.map(({ left }) => left)].every(Number.isSafeInteger);
  return isSafe ? { positions, begun } : null;
}

function isRead(reader: Reader): boolean {
  return reader.at >= reader.bytes.length;
}

function fits({ positions, begun }: Reach, partitions: number): boolean {
  return (
    positions.length === partitions &&
    begun.every(
      ({ partition, left }, index) =>
        left > 0 && partition < partitions && partition > (begun[index - 1]?.partition ?? -1),
    )
  );
}

/** The batches wholly behind, as an entity tag holds them. */
export function tagOfPositions(positions: readonly Position[]): string {
  return bytesOf(new Uint8Array(0), { positions, begun: [] }).toString('base64url');
}

/** Undefined where the text is no such tag. */
export function positionsOfTag(tag: string): readonly Position[] | undefined {
  const reach = readReach(Buffer.from(tag, 'base64url'));
  return reach === null || tagOfPositions(reach.positions) !== tag ? undefined : reach.positions;
}
