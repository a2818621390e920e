import { errorsOf, type ErrorTable } from '../devices/coded-error.ts';

/** What stops a mirror. Exit code 2 unless the fields say 1. */
export const mirrorErrors = {
  MIRROR_SERVER_UNANSWERED: {
    message: 'The server does not give a right answer',
    meaning:
      'The address named gave no right answer of the reading API, however often it was asked. What was copied stays; run the command again.',
    canRetry: true,
  },
  MIRROR_NOTHING_VISIBLE: {
    message: 'The server shows nothing of what is asked for',
    meaning:
      'No datastream that everybody may see has these names. /api/v1/datastreams lists them; nothing was changed.',
    canRetry: false,
  },
  MIRROR_FOLDER_STRANGE: {
    message: 'The folder is not a mirror of this address and these filters',
    meaning:
      'A mirror holds one server and one choice of datastreams, named when it was begun. Name another folder, or the same address and filters.',
    canRetry: false,
  },
  MIRROR_FOLDER_EMPTY: {
    message: 'The folder holds no mirror',
    meaning:
      'There is no state.json, or no run has come to its end: run `quantrac mirror URL DIR`.',
    canRetry: false,
  },
  MIRROR_STATE_DAMAGED: {
    message: 'The file state.json of the mirror was changed by somebody else',
    meaning:
      'It does not have the SHA-256 that it names. Put it back from a copy, or mirror into a new folder.',
    canRetry: false,
  },
  MIRROR_TOO_LARGE: {
    message: 'The mirror would take more of the disk than it may',
    meaning:
      'The copy has come to the bytes of --max-bytes or, without it, to what is free but a tenth of the disk (at most 10 GiB). What was copied stays. Make room or allow more, and run the command again: it goes on. If the server cannot have so much, it gives answers without end: mirror less of it (--dataset), or ask who runs it.',
    canRetry: true,
  },
  MIRROR_NO_MANIFEST: {
    message: 'The server has made no manifest yet',
    meaning: 'The first one is made soon after the first start. Run the command again.',
    canRetry: true,
  },
  MIRROR_NOT_TRUSTED: {
    message: 'A manifest of the server cannot be believed',
    meaning:
      'It is not signed with a key that this mirror trusts, or does not join the manifests before it, or those that the mirror holds are not served any more and nothing shows that the server was restored. Nothing was taken from it: ask who runs the server, by another way than the server. A server that was restored makes a manifest of its new history when it starts, signed with its newest key: the mirror follows that by itself; where the newest key was lost too, mirror into a new folder and name the key that its operator tells (--key).',
    canRetry: false,
  },
} as const satisfies ErrorTable;

export const mirrorError = errorsOf(mirrorErrors);
