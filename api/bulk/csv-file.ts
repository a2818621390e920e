/** Rows as CSV under gzip, with its header; compression runs in the threads of zlib meanwhile. */
import { once } from 'node:events';
import { createGzip } from 'node:zlib';

import type { ObservationRow } from '../../ingest/observation.ts';
import type { SeriesContext } from '../../ingest/observations/public-row.ts';
import { csvColumns } from './columns.ts';
import { createCsvRows } from './csv-rows.ts';
import type { Part } from './part.ts';

export interface CsvFile {
  /** Rows of one series. */
  write(series: SeriesContext, rows: readonly ObservationRow[]): Promise<void>;
  end(): Promise<void>;
}

/** 4 takes about half of the time of 6 for a few more bytes. */
const gzipLevel = 4;

export function createCsvFile(part: Part): CsvFile {
  const csv = createCsvRows();
  const gzip = createGzip({ level: gzipLevel });
  const taken = takeAll(gzip, part);
  // Told by `give` or `end`, whoever comes first.
  const failed = taken.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  let hasBegun = false;

  async function give(text: string): Promise<void> {
    if (gzip.write(text)) return;
    const outcome = await Promise.race([once(gzip, 'drain').then(() => undefined), failed]);
    if (outcome !== undefined) throw outcome.error;
  }

  async function begin(): Promise<void> {
    if (hasBegun) return;
    hasBegun = true;
    await give(`${csvColumns.map(({ name }) => name).join(',')}\r\n`);
  }

  return {
    async write(series, rows) {
      await begin();
      await give(csv.text(series, rows));
    },
    async end() {
      await begin();
      gzip.end();
      await taken;
    },
  };
}

async function takeAll(gzip: AsyncIterable<Uint8Array>, part: Part): Promise<void> {
  for await (const bytes of gzip) await part.write(bytes);
}
