/** Citations, as the API has them: making one, finding one for a viewer, giving its bytes. */
import type { FileSystem } from '../../ingest/log/file-system.ts';
import type { ApiContext } from '../context.ts';
import { apiError } from '../errors.ts';
import { createShares } from '../limits/shares.ts';
import type { Viewer } from '../viewer.ts';
import { readUrl, type Refusal } from './ask.ts';
import { createAllowance } from './allowance.ts';
import { openBlobs } from './blobs.ts';
import { createErasures, type Erasures } from './erasures.ts';
import { createCitationMaking, type CiteWish } from './making.ts';
import { createReading, type ReadCited } from './reading.ts';
import { openCitationRecords, type CitationRecord } from './records.ts';
import { createRoom } from './room.ts';
import { mayShow } from './subject.ts';

export interface CitationsOptions {
  readonly context: ApiContext;
  readonly fileSystem: FileSystem;
  readonly folder: string;
}

export interface Citations {
  readonly read: ReadCited;
  readonly erasures: Erasures;
  /** Throws a refusal of ours; answers one of the question itself. */
  cite(wish: CiteWish): Promise<CitationRecord | Refusal>;
  /** Throws API_CITATION_UNKNOWN, also for one of which the viewer may not see everything. */
  find(id: string, viewer: Viewer): CitationRecord;
}

export function openCitations({ context, fileSystem, folder }: CitationsOptions): Citations {
  const records = openCitationRecords(context.kept);
  const blobs = openBlobs(fileSystem, folder);
  const room = createRoom(context, blobs, records);
  const erasures = createErasures({ context, records, blobs, room });
  const make = createCitationMaking({ context, records, blobs, room });
  const allowance = createAllowance(context);
  const { config } = context;
  const code = 'API_TOO_MANY_STREAMS';
  const places = createShares({ ...config, placesMax: config.citingMax, code });
  return {
    read: createReading(context, blobs),
    erasures,
    async cite(wish) {
      const question = readUrl(wish.url, wish.base);
      allowance.take(wish.client);
      const release = places.take(wish.holder);
      const end = erasures.watch();
      try {
        const made = await make(wish, question);
        if ('status' in made) return made;
        allowance.charge(wish.client, made.bytes);
        return made.record;
      } finally {
        end();
        release();
      }
    },
    find(id, viewer) {
      const record = records.find(id);
      if (record === undefined || !mayShow(context.networks.viewOf(viewer), record.series)) {
        throw apiError('API_CITATION_UNKNOWN', { parameter: 'id' });
      }
      return record;
    },
  };
}
