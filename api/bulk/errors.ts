import type { ErrorEntry } from '../../devices/coded-error.ts';

/** Of what exists once in a network: files, citations, manifests. `status` is how HTTP says it. */
export const publishingErrors = {
  API_MANIFEST_UNKNOWN: {
    status: 404,
    message: 'There is no such manifest.',
    meaning:
      'No manifest has this number yet: /api/v1/manifests lists them. The first is made soon after the first start.',
    canRetry: true,
  },
  API_FILE_UNKNOWN: {
    status: 404,
    message: 'There is no such file.',
    meaning: 'No open file of a closed month has this name (any more): /api/v1/files lists them.',
    canRetry: false,
  },
  API_CITATION_UNKNOWN: {
    status: 404,
    message: 'There is no such citation.',
    meaning: 'No citation of which these rights may see everything has this id.',
    canRetry: false,
  },
  API_ERASED: {
    status: 410,
    message: 'ERASED: what was cited held an observation that the law had erased.',
    meaning: 'The citation stays with its hash; its bytes are gone for good.',
    canRetry: false,
  },
  API_CONDITION_FAILED: {
    status: 412,
    message: 'The file is not the one of the condition.',
    meaning: 'If-Match or If-Unmodified-Since names another version: ask for it by its version.',
    canRetry: false,
  },
  API_RANGE_OUTSIDE: {
    status: 416,
    message: 'The file has no such bytes.',
    meaning: 'The range begins behind the end of the file: Content-Range says how long it is.',
    canRetry: false,
  },
  API_CITATION_TOO_LARGE: {
    status: 422,
    message: 'The answer is too large to be cited.',
    meaning:
      'It has more than `bytesMax` bytes: narrow it by datastream, from and to, or cite the file of the month, which may have any size.',
    canRetry: false,
  },
  API_CITATIONS_FULL: {
    status: 503,
    message: 'There is no room for another citation.',
    meaning:
      'All citations together, with the files of months that they keep, have reached `citationsBytesMax`: ask the operator to raise it.',
    canRetry: true,
  },
  API_PUBLISHED_ELSEWHERE: {
    status: 503,
    message: 'Another node of this network publishes this.',
    meaning:
      'Ask the node that publishes. Its operators can name it as `api.publishingUrl`, so that requests are sent there.',
    canRetry: false,
  },
  API_SIGNING_KEY_LOST: {
    status: 500,
    message: 'The private key that has to sign the next manifest is not in the data folder.',
    meaning:
      'Put `signing.pem` back from a backup. Nobody could verify a chain that another key goes on with.',
    canRetry: false,
  },
} as const satisfies Readonly<Record<string, ErrorEntry & { readonly status: number }>>;
