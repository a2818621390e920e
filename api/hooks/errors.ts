import type { ErrorEntry } from '../../devices/coded-error.ts';

/** What can be wrong with webhooks. `status` is how HTTP says it. */
export const hookErrors = {
  API_WEBHOOK_UNKNOWN: {
    status: 404,
    message: 'There is no such webhook.',
    meaning:
      'No webhook has this id, or neither its secret nor the token that made it was sent: send one of them as `Authorization: Bearer …`.',
    canRetry: false,
  },
  API_WEBHOOK_ENDED: {
    status: 409,
    message: 'This webhook has ended for good.',
    meaning:
      '`reason` says why: the receiver answered 410, or its key was revoked. Make a new one.',
    canRetry: false,
  },
  API_TOO_MANY_WEBHOOKS: {
    status: 429,
    message:
      'There are too many webhooks: in all, without a key, from this network or with this key, or to this host or domain.',
    meaning:
      'Delete one that is not used, or ask the operator; /api/v1/changes and /live are open.',
    canRetry: true,
  },
  API_WEBHOOK_ADDRESS_PRIVATE: {
    status: 400,
    message: 'The address of the receiver is not in the open internet.',
    meaning: 'The name stands for a private, local or reserved address: deliveries go to none.',
    canRetry: false,
  },
  API_WEBHOOK_TIMEOUT: {
    status: 504,
    message: 'The receiver did not answer in time.',
    meaning: 'As a webhook shows it: answer a delivery at once, and work on it afterwards.',
    canRetry: true,
  },
} as const satisfies Readonly<Record<string, ErrorEntry & { readonly status: number }>>;
