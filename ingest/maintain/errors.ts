import { errorsOf, type ErrorTable } from '../../devices/coded-error.ts';

/** What can stop the keeping of a data folder: backup, restore, erasure, reprocess. */
export const maintainErrors = {
  INGEST_BACKUP_TARGET_USED: {
    message: 'The folder of the backup is not empty',
    meaning: 'A backup is made into a new or empty folder. Nothing was written; name another one.',
    canRetry: false,
  },
  INGEST_BACKUP_TARGET_UNWRITABLE: {
    message: 'The folder of the backup cannot be written',
    meaning:
      'Give the user that makes the backup the right to write there, or name another folder.',
    canRetry: true,
  },
  INGEST_BACKUP_MISSING: {
    message: 'The folder holds no whole backup',
    meaning:
      'It has no manifest: it is no backup, or the backup was cut short. Use another one, or make it again.',
    canRetry: false,
  },
  INGEST_BACKUP_VERSION: {
    message: 'The backup is of a version that this program does not know',
    meaning: 'It was made by a newer version: restore it with that one. Nothing was written.',
    canRetry: false,
  },
  INGEST_BACKUP_DAMAGED: {
    message: 'A file of the backup is not what was written',
    meaning:
      'The named file, and where it can be told the record in it, is damaged or missing. Nothing was restored; use another backup, or mend this file from a copy.',
    canRetry: false,
  },
  INGEST_ERASURE_WAITING: {
    message: 'The erasure was not decided in time',
    meaning:
      'Its decisions are in the log and will be carried out, but the readings are not blanked yet. Run the same command again.',
    canRetry: true,
  },
  INGEST_REPROCESS_REGISTRY: {
    message: 'The registry is not at the version that the reprocess judges by',
    meaning:
      'The registry was changed meanwhile, or its newest version is not in force yet. What was told until then stays; run the same command again.',
    canRetry: true,
  },
  INGEST_REPROCESS_WAITING: {
    message: 'Ingest did not decide the steps of the reprocess in time',
    meaning:
      'Its steps are in the log and will be carried out. Run the same command again: it goes on with what is left.',
    canRetry: true,
  },
  INGEST_REPROCESS_UNSETTLED: {
    message: 'The reprocess found differences again and again',
    meaning:
      'What it told did not come out as it was told, so that something in the range changes all the time or this is a defect. Nothing is lost; run it again, and report it where that does not help.',
    canRetry: true,
  },
} as const satisfies ErrorTable;

export const maintainError = errorsOf(maintainErrors);
