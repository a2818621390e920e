import type { ErrorEntry } from '../../devices/coded-error.ts';

/** What submitting datasets to a portal can meet; part of the table of the API. */
export const outboxErrors = {
  API_PORTAL_AWAY: {
    status: 502,
    message: 'The portal gave no answer that could be used.',
    meaning:
      'In the outbox: it is tried again by itself. The receipt holds what was answered; look at the address of the portal and at its key if it goes on.',
    canRetry: true,
  },
  API_PORTAL_REFUSED: {
    status: 502,
    message: 'The portal does not take this dataset.',
    meaning:
      'In the outbox: its answer is in the receipt. It waits until its description changes, or until an operator has it tried again.',
    canRetry: false,
  },
  API_OUTBOX_INCOMPLETE: {
    status: 500,
    message: 'The outbox lacks something to begin.',
    meaning: 'At the start: `outbox` needs `publicUrl`, since portals keep addresses for good.',
    canRetry: false,
  },
} as const satisfies Readonly<Record<string, ErrorEntry & { readonly status: number }>>;
