import { errorsOf, type ErrorTable } from '../devices/coded-error.ts';
import { normaliseErrors } from './normalise/errors.ts';

/**
 * What can go wrong in this room: errors that stop it, and codes under which a reading, or one
 * channel of it, stands in quarantine. Codecs have their own (`CODEC_`, devices/errors.ts).
 */
export const ingestErrors = {
  ...normaliseErrors,
  INGEST_BATCH_VERSION: {
    message: 'A batch of observations has a format that this version does not know',
    meaning: 'The folder was written by a newer version: start that one, or restore a backup.',
    canRetry: false,
  },
  INGEST_BATCH_UNREADABLE: {
    message: 'A batch of observations cannot be read',
    meaning: 'The record passed its checksum but is not a batch: report it, and restore a backup.',
    canRetry: false,
  },
  INGEST_STORE_FAILED: {
    message: 'The view could not be read',
    meaning:
      'The cause says why, for example a disk error. Ingest stops and nothing is lost: restart, or remove view.db, which is then rebuilt from the observations.',
    canRetry: true,
  },
  INGEST_ROW_MISSING: {
    message: 'A row that was decided before is not in the view',
    meaning:
      'The view lacks what the observations hold: remove view.db, which is then rebuilt from them, and replay the quarantined reading.',
    canRetry: true,
  },
} as const satisfies ErrorTable;

export const ingestError = errorsOf(ingestErrors);
