import { errorsOf, type ErrorTable } from '../../devices/coded-error.ts';

/** What can go wrong with the view over `observations`. */
export const storeErrors = {
  STORE_NEWER_FORMAT: {
    message: 'The view was written by a newer version',
    meaning: 'Start the newer version, or delete view.db: it is built again from the log.',
    canRetry: false,
  },
  STORE_OLDER_FORMAT: {
    message: 'The view was written by an earlier version',
    meaning: 'Start the server on the folder: the view is built again from the log.',
    canRetry: false,
  },
  STORE_NOT_A_VIEW: {
    message: 'The file is not a view of observations',
    meaning: 'Another program wrote this file, or it is damaged: move it away; it is built again.',
    canRetry: false,
  },
  STORE_AHEAD_OF_LOG: {
    message: 'The view holds positions beyond the end of the log',
    meaning: 'The log was shortened or is another one: delete view.db, it is built from the log.',
    canRetry: false,
  },
  STORE_OTHER_LOG: {
    message: 'The view belongs to another log',
    meaning: 'The store ids differ: delete view.db, it is built again from the log beside it.',
    canRetry: false,
  },
  STORE_OTHER_HISTORY: {
    message: 'The view was made of other batches than the log holds',
    meaning:
      'Kafka lost the end of a partition of observations, and it was written on by another worker. The worker builds its view anew by itself.',
    canRetry: false,
  },
  STORE_NO_VIEW: {
    message: 'There is no view to read yet',
    meaning: 'The writer creates it when it starts: start ingest first, or try again.',
    canRetry: true,
  },
  STORE_DAMAGED: {
    message: 'A part of the view cannot be read',
    meaning: 'Stop, delete view.db and start again: it is built from the log.',
    canRetry: false,
  },
  STORE_POSITION_AHEAD: {
    message: 'The position asked for is not in the view yet',
    meaning: 'Ask again once the view has followed that far.',
    canRetry: true,
  },
} as const satisfies ErrorTable;

export type StoreErrorCode = keyof typeof storeErrors;

export const storeError = errorsOf(storeErrors);
