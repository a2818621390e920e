import { passColon, passString, peek, quote, takeString, utf8 } from './json-scanner.ts';
import type { JsonScanner } from './json-scanner.ts';

/** A key that was met before. */
export interface Key {
  readonly text: string;
  readonly bytes: Uint8Array;
  /** Number of the reserved field of this name; 0 where it is none. */
  readonly field: number;
  /** The same inside the object of a value. */
  readonly member: number;
  /** The object in which it was met last, to find one that occurs twice. */
  seenIn: number;
  /** The key that followed last time. */
  next: Key | undefined;
}

/**
 * Keys already met, so that a message of a known shape makes no strings: the key that followed the
 * previous one last time is compared byte by byte, then the table is asked by a hash of the bytes,
 * and only a key never met becomes a string. What is remembered changes the speed, never the answer,
 * and is bounded: beyond `keysMax` keys or `keyBytesMax` bytes everything is forgotten between two
 * messages, and one message adds no more than as many again.
 */
export interface KeyTable {
  readonly fields: Readonly<Record<string, number>>;
  readonly members: Readonly<Record<string, number>>;
  readonly keys: Map<string, Key>;
  readonly slots: (Key | undefined)[];
  bytes: number;
  /** Counts the objects read, so that a key can tell in which one it was met. */
  objects: number;
  /** Stands before the first key of a message. */
  start: Key;
  previous: Key;
}

const keysMax = 8_192;
const keyBytesMax = 1_048_576;
const slotCount = 1_024;
/** Far below 2^30, so that the count stays a small integer. */
const objectsMax = 500_000_000;

export function createKeyTable(
  fields: Readonly<Record<string, number>>,
  members: Readonly<Record<string, number>>,
): KeyTable {
  const start = keyOf('', 0, 0);
  const slots = Array.from<Key | undefined>({ length: slotCount }).fill(undefined);
  return { fields, members, keys: new Map(), slots, bytes: 0, objects: 0, start, previous: start };
}

/** Before each message: goes back to the start, and forgets when too much is remembered. */
export function startKeys(table: KeyTable): void {
  const isFull = table.keys.size > keysMax || table.bytes > keyBytesMax;
  if (isFull || table.objects > objectsMax) {
    table.keys.clear();
    table.slots.fill(undefined);
    table.bytes = 0;
    table.objects = 0;
    table.start = keyOf('', 0, 0);
  }
  table.previous = table.start;
}

/**
 * Whether one message brought so many keys that some were not remembered: then a key that occurs
 * twice may have gone unnoticed.
 */
export function hasForgotten(table: KeyTable): boolean {
  return table.keys.size >= 2 * keysMax;
}

/** Takes a key and its colon. */
export function takeKey(table: KeyTable, scanner: JsonScanner): Key {
  if (peek(scanner) !== quote) passString(scanner);
  const { previous } = table;
  const guess = previous.next;
  let key: Key;
  if (guess !== undefined && isHere(guess, scanner)) {
    scanner.at += guess.bytes.length + 2;
    key = guess;
  } else {
    key = find(table, scanner);
  }
  table.previous = key;
  passColon(scanner);
  return key;
}

/** Whether the string that begins here is this key, without escapes. */
function isHere(key: Key, scanner: JsonScanner): boolean {
  const { bytes } = scanner;
  const { bytes: expected } = key;
  const { length } = expected;
  const start = scanner.at + 1;
  if (start + length >= scanner.end || bytes[start + length] !== quote) return false;
  for (let index = 0; index < length; index += 1) {
    if (bytes[start + index] !== expected[index]) return false;
  }
  return true;
}

/**
 * The way of a key that was not guessed. One written with escapes is never recognised by its bytes
 * (they are not what stands in the payload), so it becomes neither a guess nor a slot.
 */
function find(table: KeyTable, scanner: JsonScanner): Key {
  const start = scanner.at;
  const isEscaped = passString(scanner);
  const end = scanner.at;
  if (isEscaped) {
    scanner.at = start;
    return remember(table, takeString(scanner));
  }
  const slot = hash(scanner.bytes, start + 1, end - 1);
  const known = table.slots[slot];
  if (known !== undefined && known.bytes.length === end - start - 2) {
    scanner.at = start;
    const isKnown = isHere(known, scanner);
    scanner.at = end;
    if (isKnown) {
      table.previous.next = known;
      return known;
    }
  }
  const key = remember(table, utf8(scanner, start + 1, end - 1));
  table.slots[slot] = key;
  table.previous.next = key;
  return key;
}

/** FNV-1a; whoever makes keys collide only makes them slower. */
function hash(bytes: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5;
  for (let index = start; index < end; index += 1) {
    value = Math.imul(value ^ bytes[index]!, 0x01000193);
  }
  return (value ^ (value >>> 15)) & (slotCount - 1);
}

function remember(table: KeyTable, text: string): Key {
  const known = table.keys.get(text);
  if (known !== undefined) return known;
  const field = Object.hasOwn(table.fields, text) ? table.fields[text] : 0;
  const member = Object.hasOwn(table.members, text) ? table.members[text] : 0;
  const key = keyOf(text, field ?? 0, member ?? 0);
  if (!hasForgotten(table)) {
    table.keys.set(text, key);
    table.bytes += key.bytes.length;
  }
  return key;
}

function keyOf(text: string, field: number, member: number): Key {
  return { text, bytes: Buffer.from(text, 'utf8'), field, member, seenIn: -1, next: undefined };
}
