import { errorsOf, type ErrorTable } from '../../devices/coded-error.ts';

/** What keeps two platforms from being compared. */
export const compareErrors = {
  API_COMPARE_UNANSWERED: {
    message: 'A platform that is to be compared does not answer',
    meaning:
      'The address named gave no right answer of the reading API. Check the address, for HTTPS the certificate (`--ca`), and whether the server runs.',
    canRetry: true,
  },
} as const satisfies ErrorTable;

export const compareError = errorsOf(compareErrors);
