import { errorsOf, type ErrorTable } from '../devices/coded-error.ts';

/**
 * What can go wrong in this room: errors that stop it, and codes under which a reading, or one
 * channel of it, stands in quarantine. Codecs have their own (`CODEC_`, devices/errors.ts).
 */
export const ingestErrors = {
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
} as const satisfies ErrorTable;

export const ingestError = errorsOf(ingestErrors);
