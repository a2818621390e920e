/** Rows as CSV under gzip: the columns of `/observations.csv?include=position`, byte for byte. */
import { once } from 'node:events';
import { createGzip } from 'node:zlib';

import type { ObservationRow } from '../../ingest/observation.ts';
import { publicPlace } from '../../ingest/observations/public-place.ts';
import type { PublicRows } from '../../ingest/observations/public-row.ts';
import { createRowTable } from '../formats/row-table.ts';
import { createListWriter } from '../formats/list-writer.ts';
import type { Chunk } from '../formats/table.ts';
import type { Part } from './part.ts';

export interface CsvFile {
  write(rows: readonly ObservationRow[]): Promise<void>;
  end(): Promise<void>;
}

/** Compression runs in the threads of zlib, while the next rows are read. */
export function createCsvFile(rows: PublicRows, part: Part): CsvFile {
  const table = createRowTable(
    {
      rows,
      placeOf: ({ latitude, longitude, publicPrecisionMetres }) =>
        publicPlace(latitude, longitude, publicPrecisionMetres),
    },
    { base: '', order: 'asc', withPlace: true },
  );
  const writer = createListWriter('csv', table);
  const gzip = createGzip({ level: gzipLevel });
  const taken = takeAll(gzip, part);
  // Told by `write` or `end`, whoever comes first; nobody may be left waiting for it.
  const failed = taken.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  let hasBegun = false;

  async function give(chunks: Iterable<Chunk>): Promise<void> {
    for (const chunk of chunks) {
      if (gzip.write(chunk)) continue;
      const outcome = await Promise.race([once(gzip, 'drain').then(() => undefined), failed]);
      if (outcome !== undefined) throw outcome.error;
    }
  }

  async function begin(): Promise<void> {
    if (hasBegun) return;
    hasBegun = true;
    await give(writer.begin());
  }

  return {
    async write(page) {
      await begin();
      await give(writer.write(page));
    },
    async end() {
      await begin();
      gzip.end();
      await taken;
    },
  };
}

/** 4 takes a third of the time of 6 for a twentieth more bytes. */
const gzipLevel = 4;

async function takeAll(gzip: AsyncIterable<Uint8Array>, part: Part): Promise<void> {
  for await (const bytes of gzip) await part.write(bytes);
}
