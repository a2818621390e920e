/** Records fetched ahead of a reader, bounded by whoever asks for more. */
import type { KafkaRecord, Offset } from './kafka.ts';

/** Objects of a record, its headers and their views: measured 1,200 of heap with eight headers. */
const recordOverheadBytes = 1_200;

export interface Stock {
  readonly isEmpty: boolean;
  /** In memory, about. */
  readonly bytes: number;
  /** Of the first record; undefined where it is empty. */
  readonly firstOffset: Offset | undefined;
  add(records: readonly KafkaRecord[]): void;
  /** Records of at most about `bytesMax` bytes, one at least if there is one. */
  pull(bytesMax: number): KafkaRecord[];
  clear(): void;
}

export function createStock(): Stock {
  let records: KafkaRecord[] = [];
  let at = 0;
  let bytes = 0;

  function clear(): void {
    records = [];
    at = 0;
    bytes = 0;
  }

  return {
    get isEmpty() {
      return at === records.length;
    },
    get bytes() {
      return bytes;
    },
    get firstOffset() {
      return records[at]?.offset;
    },
    add(fetched) {
      for (const record of fetched) bytes += sizeOf(record);
      records.push(...fetched);
    },
    pull(bytesMax) {
      const given: KafkaRecord[] = [];
      let givenBytes = 0;
      while (at < records.length && (given.length === 0 || givenBytes < bytesMax)) {
        const record = records[at++]!;
        given.push(record);
        givenBytes += contentBytes(record);
        bytes -= sizeOf(record);
      }
      if (at === records.length) clear();
      return given;
    },
    clear,
  };
}

function contentBytes({ key, value }: KafkaRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0);
}

/** In memory. */
function sizeOf(record: KafkaRecord): number {
  return contentBytes(record) + recordOverheadBytes;
}
