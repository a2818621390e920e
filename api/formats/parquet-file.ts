/**
 * A Parquet file as bytes that come one after the other: row groups first, their list last
 * (parquet-format, README.md and parquet.thrift). Without its last bytes no reader opens it, so a
 * file that was cut shows it.
 *
 *   "PAR1" (column chunk …)* file metadata, its length in four bytes, "PAR1"
 *
 * A column chunk is one dictionary page, where it has a dictionary, and one data page of version 1,
 * compressed by Zstandard.
 */
import { constants, zstdCompressSync } from 'node:zlib';

import { ByteWriter } from 'hyparquet-writer';
import { serializeTCompactProtocol } from 'hyparquet-writer/src/thrift.js';

import type { EncodedColumn, ParquetField, ParquetKind } from './parquet-columns.ts';

export interface ParquetFile {
  /** The first bytes of the file. */
  begin(): Uint8Array;
  /** The next column of the group under way, in order of the fields. */
  column(encoded: EncodedColumn): Uint8Array;
  /** All columns of the group were given. */
  endGroup(): void;
  /** The last bytes of the file; `metadata` is found under these keys. */
  end(metadata: Readonly<Record<string, string>>): Uint8Array;
}

export interface ParquetFileOptions {
  readonly fields: readonly ParquetField[];
  /** Places of the fields that rows are sorted by. */
  readonly sortedBy: readonly { readonly field: number; readonly isDescending: boolean }[];
}

const magic = Buffer.from('PAR1');
const types: Readonly<Record<ParquetKind, number>> = {
  boolean: 0,
  small: 1,
  instant: 2,
  integer: 2,
  number: 5,
  text: 6,
};
const encodings = { plain: 0, dictionary: 8, delta: 5 } as const;
const rle = 3;
const codecs = { none: 0, zstd: 6 } as const;
const pages = { data: 0, dictionary: 2 } as const;
/** Fewer bytes are not worth the call. */
const compressBytesMin = 256;
const zstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const createdBy = 'quantrac';

interface Thrift {
  readonly [field: `field_${number}`]: unknown;
}

export function createParquetFile({ fields, sortedBy }: ParquetFileOptions): ParquetFile {
  let offset = magic.length;
  let rows = 0;
  let group: { readonly columns: Thrift[]; bytes: number; at: number } = newGroup(offset);
  let groupRows = 0;
  let groups = 0;
  // Encoded as they come: a list of objects would take ten times the room.
  const groupBytes: Uint8Array[] = [];

  return {
    begin: () => magic,
    column(encoded) {
      const field = fields[group.columns.length];
      if (field === undefined) throw new Error('a row group has no more columns');
      const chunk = chunkOf(encoded);
      group.columns.push(columnThrift(field, encoded, { chunk, offset }));
      group.bytes += chunk.uncompressedBytes;
      groupRows = encoded.rows;
      offset += chunk.bytes.length;
      return chunk.bytes;
    },
    endGroup() {
      groupBytes.push(
        thriftBytes({
          field_1: group.columns,
          field_2: BigInt(group.bytes),
          field_3: BigInt(groupRows),
          field_4: sortedBy.length === 0 ? undefined : sortedBy.map(sortingThrift),
          field_5: BigInt(group.at),
          field_6: BigInt(offset - group.at),
        }),
      );
      groups += 1;
      rows += groupRows;
      group = newGroup(offset);
    },
    end(metadata) {
      const parts = [
        headThrift(fields, rows),
        listHead(groups),
        ...groupBytes,
        tailThrift(fields, metadata),
      ];
      const length = Buffer.alloc(4);
      length.writeUInt32LE(parts.reduce((sum, part) => sum + part.length, 0));
      return Buffer.concat([...parts, length, magic]);
    },
  };
}

function newGroup(at: number): { readonly columns: Thrift[]; bytes: number; at: number } {
  return { columns: [], bytes: 0, at };
}

function sortingThrift({ field, isDescending }: ParquetFileOptions['sortedBy'][number]): Thrift {
  return { field_1: field, field_2: isDescending, field_3: false };
}

interface Chunk {
  readonly bytes: Uint8Array;
  /** With the headers of the pages. */
  readonly uncompressedBytes: number;
  readonly dictionaryBytes: number;
  readonly codec: number;
}

function chunkOf(encoded: EncodedColumn): Chunk {
  const { dictionary, levels, values, rows } = encoded;
  const body = levels.length === 0 ? values : Buffer.concat([levels, values]);
  const bytes = body.length + (dictionary?.bytes.length ?? 0);
  const codec = bytes < compressBytesMin ? codecs.none : codecs.zstd;
  const first =
    dictionary === null
      ? null
      : pageOf(dictionary.bytes, codec, {
          field_1: pages.dictionary,
          field_7: { field_1: dictionary.values, field_2: encodings.plain },
        });
  const data = pageOf(body, codec, {
    field_1: pages.data,
    field_5: {
      field_1: rows,
      field_2: encodings[encoded.encoding],
      field_3: rle,
      field_4: rle,
    },
  });
  return {
    bytes: first === null ? data.bytes : Buffer.concat([first.bytes, data.bytes]),
    uncompressedBytes: data.uncompressedBytes + (first?.uncompressedBytes ?? 0),
    dictionaryBytes: first?.bytes.length ?? 0,
    codec,
  };
}

function pageOf(body: Uint8Array, codec: number, header: Thrift) {
  const packed = codec === codecs.none ? body : zstdCompressSync(body, zstdOptions);
  const { field_1, ...more } = header;
  const head = thriftBytes({ field_1, field_2: body.length, field_3: packed.length, ...more });
  return {
    bytes: Buffer.concat([head, packed]),
    uncompressedBytes: head.length + body.length,
  };
}

function columnThrift(
  field: ParquetField,
  encoded: EncodedColumn,
  { chunk, offset }: { readonly chunk: Chunk; readonly offset: number },
): Thrift {
  const { least, greatest } = encoded;
  return {
    field_2: BigInt(offset),
    field_3: {
      field_1: types[field.kind],
      field_2: [...new Set([encodings.plain, rle, encodings[encoded.encoding]])],
      field_3: [field.name],
      field_4: chunk.codec,
      field_5: BigInt(encoded.rows),
      field_6: BigInt(chunk.uncompressedBytes),
      field_7: BigInt(chunk.bytes.length),
      field_9: BigInt(offset + chunk.dictionaryBytes),
      field_11: chunk.dictionaryBytes === 0 ? undefined : BigInt(offset),
      field_12: {
        field_3: BigInt(encoded.nulls),
        field_5: greatest ?? undefined,
        field_6: least ?? undefined,
      },
    },
  };
}

/** Version, schema and number of rows: FileMetaData up to where the row groups follow. */
function headThrift(fields: readonly ParquetField[], rows: number): Uint8Array {
  const bytes = thriftBytes({
    field_1: 2,
    field_2: [{ field_4: 'root', field_5: fields.length }, ...fields.map(fieldThrift)],
    field_3: BigInt(rows),
  });
  return bytes.subarray(0, bytes.length - 1);
}

function fieldThrift({ name, kind, isNullable }: ParquetField): Thrift {
  return {
    field_1: types[kind],
    field_3: isNullable ? 1 : 0,
    field_4: name,
    // ConvertedType for older readers: UTF8, TIMESTAMP_MILLIS.
    field_6: kind === 'text' ? 0 : kind === 'instant' ? 9 : undefined,
    field_10:
      kind === 'text'
        ? { field_1: {} }
        : kind === 'instant'
          ? { field_8: { field_1: true, field_2: { field_1: {} } } }
          : undefined,
  };
}

/** Compact protocol: the next field, a list of so many structs. */
function listHead(count: number): Uint8Array {
  const head = new ByteWriter();
  head.appendUint8(0x19);
  if (count < 15) head.appendUint8((count << 4) | 0x0c);
  else {
    head.appendUint8(0xfc);
    head.appendVarInt(count);
  }
  return head.getBytes();
}

/** Fields 5 to 7; the protocol writes the steps between fields, which are 1 here too. */
function tailThrift(
  fields: readonly ParquetField[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  return thriftBytes({
    field_1: Object.entries(metadata).map(([key, value]) => ({ field_1: key, field_2: value })),
    field_2: createdBy,
    // Each column is ordered as its type says.
    field_3: fields.map(() => ({ field_1: {} })),
  });
}

function thriftBytes(struct: Thrift): Uint8Array {
  const bytes = new ByteWriter(256);
  serializeTCompactProtocol(bytes, struct);
  return bytes.getBytes();
}
