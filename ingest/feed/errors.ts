import { errorsOf, type ErrorEntry } from '../../devices/coded-error.ts';

/**
 * What a reader of the change feed can meet, through whichever door it comes. The codes are those
 * that clients of the API know; `status` is how HTTP says it.
 */
export const feedErrors = {
  API_PAGE_INVALID: {
    status: 400,
    message: 'The page token does not belong to this request.',
    meaning: 'Follow `next` as it was given, with the same parameters.',
    canRetry: false,
  },
  API_CURSOR_INVALID: {
    status: 400,
    message: 'This is not a change cursor that can be used here.',
    meaning:
      'Use a cursor exactly as the API gave it, or `now`; where rows are to be shown as they were, one that a list, a manifest or the end of /changes stated.',
    canRetry: false,
  },
  API_CURSOR_STORE_UNKNOWN: {
    status: 410,
    message: 'The cursor is of another store.',
    meaning: 'The feed that gave this cursor is gone: fetch everything anew, then follow.',
    canRetry: false,
  },
  API_CURSOR_EXPIRED: {
    status: 410,
    message: 'The feed cannot be followed from this cursor.',
    meaning:
      'It is older than what is kept, or from a history that a restore took back: fetch everything anew, then follow.',
    canRetry: false,
  },
  API_PAGE_EXPIRED: {
    status: 410,
    message: 'The page token is of another store.',
    meaning: 'Begin again at the first page.',
    canRetry: false,
  },
  API_UNAVAILABLE: {
    status: 503,
    message: 'The server cannot do this at the moment.',
    meaning: 'It is starting or ending, or its log cannot be written: /readyz says why.',
    canRetry: true,
  },
} as const satisfies Readonly<Record<string, ErrorEntry & { readonly status: number }>>;

export const feedError = errorsOf(feedErrors);
