import { hookErrors } from './hooks/errors.ts';
import { publishingErrors } from './bulk/errors.ts';
import { errorsOf, type ErrorEntry } from '../devices/coded-error.ts';
import { feedErrors } from '../ingest/feed/errors.ts';
import { outboxErrors } from './outbox/errors.ts';

/** An error of the API also has its HTTP status. */
export interface ApiErrorEntry extends ErrorEntry {
  readonly status: number;
}

export const apiErrors = {
  ...hookErrors,
  ...publishingErrors,
  ...feedErrors,
  ...outboxErrors,
  API_PARAMETER_INVALID: {
    status: 400,
    message: 'A parameter has a value that cannot be used.',
    meaning: 'The parameter named is not of the form that the API description gives: correct it.',
    canRetry: false,
  },
  API_PARAMETER_UNKNOWN: {
    status: 400,
    message: 'A parameter is not known here.',
    meaning: 'The parameter named does not exist for this address: see the API description.',
    canRetry: false,
  },
  API_BODY_INVALID: {
    status: 400,
    message: 'The request body cannot be used.',
    meaning: 'The body is not JSON of the form that the API description gives.',
    canRetry: false,
  },
  API_REQUEST_MALFORMED: {
    status: 400,
    message: 'The request is not valid HTTP.',
    meaning: 'Request line, headers or address break the rules of HTTP.',
    canRetry: false,
  },
  API_AS_OF_FUTURE: {
    status: 400,
    message: 'The moment asked for has not come yet.',
    meaning:
      '`asOf` is later than now, by the clock of the server: ask when it has come, or without `asOf`.',
    canRetry: true,
  },
  API_FORMAT_UNSUPPORTED: {
    status: 400,
    message: 'This format is not offered here.',
    meaning:
      'The format named by `format` is not offered for this address: `accepted` lists those that are.',
    canRetry: false,
  },
  API_TOO_MANY_SERIES: {
    status: 400,
    message: 'The request covers too many series for this format.',
    meaning: 'Narrow it by station, property or place, or ask for ndjson or csv.',
    canRetry: false,
  },
  API_CHART_TOO_MANY_SERIES: {
    status: 400,
    message: 'The chart would have too many series to be read.',
    meaning: 'Narrow it by datastream, station or property to `seriesMax`.',
    canRetry: false,
  },
  API_QUERY_TOO_DEAR: {
    status: 400,
    message: 'The request would read too much for one answer.',
    meaning:
      '`cost` is what it would read at most, `costMax` what one answer may; `parameters` are those to narrow and `suggestions` say how. As ndjson or csv it streams without limit.',
    canRetry: false,
  },
  API_TOKEN_MISSING: {
    status: 401,
    message: 'This address needs a token.',
    meaning: 'Send `Authorization: Bearer …` with a token of the role operator.',
    canRetry: false,
  },
  API_TOKEN_INVALID: {
    status: 401,
    message: 'The token is not valid.',
    meaning: 'The token is unknown, expired or revoked; without one, public data are open to all.',
    canRetry: false,
  },
  API_FORBIDDEN: {
    status: 403,
    message: 'The token does not allow this.',
    meaning: 'A token of the role operator is needed.',
    canRetry: false,
  },
  API_METRICS_LOCAL: {
    status: 403,
    message: 'Metrics are answered on this machine only.',
    meaning: 'Ask from the machine itself, or set metricsPort.',
    canRetry: false,
  },
  API_KEPT_NEWER: {
    status: 500,
    message: 'The file of what the API keeps was written by a later version.',
    meaning:
      'At the start: run the version that wrote `feeds.db`, or restore a backup made by this.',
    canRetry: false,
  },
  API_NOT_FOUND: {
    status: 404,
    message: 'There is nothing at this address.',
    meaning: 'See /api/v1/ for what there is.',
    canRetry: false,
  },
  API_STATION_UNKNOWN: {
    status: 404,
    message: 'There is no such station.',
    meaning: 'No station that these rights may see has this id: /api/v1/stations lists them.',
    canRetry: false,
  },
  API_DATASTREAM_UNKNOWN: {
    status: 404,
    message: 'There is no such datastream.',
    meaning: 'No datastream that these rights may see has this id: /api/v1/datastreams lists them.',
    canRetry: false,
  },
  API_DEPLOYMENT_UNKNOWN: {
    status: 404,
    message: 'There is no such deployment.',
    meaning: 'No deployment that these rights may see has this id: /api/v1/deployments lists them.',
    canRetry: false,
  },
  API_QUALITY_UNKNOWN: {
    status: 404,
    message: 'There is no such flag, test, digit, qualifier or reason.',
    meaning: 'Nothing that is said of quality has this id: /api/v1/qualities lists them.',
    canRetry: false,
  },
  API_TERM_UNKNOWN: {
    status: 404,
    message: 'There is no such term.',
    meaning: 'No column of any list has this name: /api/v1/terms lists them.',
    canRetry: false,
  },
  API_PROPERTY_UNKNOWN: {
    status: 404,
    message: 'There is no such observed property.',
    meaning: 'No property has this id: /api/v1/properties lists them.',
    canRetry: false,
  },
  API_OWNER_UNKNOWN: {
    status: 404,
    message: 'There is no such owner.',
    meaning: 'No owner that these rights may see has this id: /api/v1/owners lists them.',
    canRetry: false,
  },
  API_COLLECTION_UNKNOWN: {
    status: 404,
    message: 'There is no such collection.',
    meaning: '/ogc/collections lists them.',
    canRetry: false,
  },
  API_FEATURE_UNKNOWN: {
    status: 404,
    message: 'There is no such feature.',
    meaning: 'The collection holds nothing of this id that these rights may see.',
    canRetry: false,
  },
  API_TILE_TOO_FULL: {
    status: 400,
    message: 'The tile would hold too many features.',
    meaning: 'Zoom in, or narrow it with `property`, `station`, `owner`, `class` or `province`.',
    canRetry: false,
  },
  API_OBSERVATION_UNKNOWN: {
    status: 404,
    message: 'There is no such observation.',
    meaning:
      'No observation that these rights may see has this id: take ids as /api/v1/observations gives them.',
    canRetry: false,
  },
  API_ACCESS_REQUEST_UNKNOWN: {
    status: 404,
    message: 'There is no such request for access.',
    meaning:
      'No request has this id, or its secret or the key of its recipient was not sent with it.',
    canRetry: false,
  },
  API_DATASET_UNKNOWN: {
    status: 404,
    message: 'There is no such dataset.',
    meaning: 'No dataset of which these rights may see anything has this id.',
    canRetry: false,
  },
  API_WEBHOOK_NO_ANSWER: {
    status: 502,
    message: 'The receiver gave no answer.',
    meaning:
      'As a webhook shows it: the connection ended without an answer, or with a change of protocol. Answer a delivery with 2xx.',
    canRetry: true,
  },
  API_QUARANTINE_UNKNOWN: {
    status: 404,
    message: 'There is no such reading in quarantine.',
    meaning:
      'No quarantined reading has this position, or not for this channel: /api/v1/admin/quarantine lists them.',
    canRetry: false,
  },
  API_METHOD_NOT_ALLOWED: {
    status: 405,
    message: 'This address does not take this method.',
    meaning: 'The header Allow names the methods that it takes.',
    canRetry: false,
  },
  API_NOT_ACCEPTABLE: {
    status: 406,
    message: 'None of the accepted formats is offered here.',
    meaning:
      'The header Accept names no format of this address: send one of `accepted`, or `format`, which overrides it.',
    canRetry: false,
  },
  API_REQUEST_TIMEOUT: {
    status: 408,
    message: 'The request did not arrive in time.',
    meaning: 'Send the whole request within the time that the server waits.',
    canRetry: true,
  },
  API_QUARANTINE_SETTLED: {
    status: 409,
    message: 'This reading is not in quarantine any more.',
    meaning: 'It has been replayed or dismissed before.',
    canRetry: false,
  },
  API_REQUEST_TOO_LARGE: {
    status: 413,
    message: 'The request body is too large.',
    meaning: 'Send less at once.',
    canRetry: false,
  },
  API_ADDRESS_TOO_LONG: {
    status: 414,
    message: 'The address is too long.',
    meaning: 'Name fewer things at once.',
    canRetry: false,
  },
  API_MEDIA_TYPE_UNSUPPORTED: {
    status: 415,
    message: 'The request body is of a kind that is not taken here.',
    meaning: 'Send application/json.',
    canRetry: false,
  },
  API_REGISTRY_INVALID: {
    status: 422,
    message: 'The registry file has errors; nothing was changed.',
    meaning: '`problems` names each error by its JSON pointer.',
    canRetry: false,
  },
  API_CLUSTER_AWAY: {
    status: 503,
    message: 'This node has not joined its cluster yet.',
    meaning: 'Kafka does not answer: nothing was changed. Try again when it does.',
    canRetry: true,
  },
  API_HEADERS_TOO_LARGE: {
    status: 431,
    message: 'The request headers are too large.',
    meaning: 'Send fewer or shorter headers.',
    canRetry: false,
  },
  API_TOO_MANY_STREAMS: {
    status: 429,
    message: 'Too many long answers are under way.',
    meaning: 'Try again after the seconds of Retry-After.',
    canRetry: true,
  },
  API_TOO_MANY_ACCESS_REQUESTS: {
    status: 429,
    message: 'Too many requests for access came from this address.',
    meaning: 'Ask for several things in one request, or come again after an hour.',
    canRetry: true,
  },
  API_TOO_MANY_CHARTS: {
    status: 429,
    message: 'Too many charts are being drawn.',
    meaning: 'Try again after the seconds of Retry-After.',
    canRetry: true,
  },
  API_TOO_MANY_LISTENERS: {
    status: 429,
    message: 'Too many clients are listening.',
    meaning: 'Try again after the seconds of Retry-After, or poll /api/v1/changes.',
    canRetry: true,
  },
  API_QUOTA_EXCEEDED: {
    status: 429,
    message: 'The quota of this client is used up.',
    meaning:
      'Try again after the seconds of Retry-After, and spread requests as RateLimit says: ask with If-None-Match, no more often than max-age, or follow /api/v1/changes. A key has a greater quota.',
    canRetry: true,
  },
  API_INTERNAL: {
    status: 500,
    message: 'The server failed to answer.',
    meaning: 'A fault of the server; it is in its log under the same request id.',
    canRetry: true,
  },
  API_DISK_FULL: {
    status: 503,
    message: 'The server has no room on its disk to keep this.',
    meaning:
      'Nothing was kept. Try again when the operator has made room; reading goes on as always.',
    canRetry: true,
  },
  API_OVERLOADED: {
    status: 503,
    message: 'The server has more to answer than it can.',
    meaning:
      'Nothing was read. Try again after the seconds of Retry-After; requests with a key are answered longer.',
    canRetry: true,
  },
  API_HISTORY_AWAY: {
    status: 503,
    message: 'What lies before the horizon of this node cannot be had at the moment.',
    meaning:
      'InfluxDB does not answer, or it is being built again. Newer observations are answered as always: ask for these with `from`, or come again.',
    canRetry: true,
  },
  API_CATALOGUE_PAGE_TOO_LARGE: {
    status: 503,
    message: 'A page of the catalogue would be longer than it may be.',
    meaning:
      'Nothing is sent, since a part of a catalogue would be taken for the whole: the operator lowers `catalogue.datasetsPerPageMax` or `catalogue.filesPerDatasetMax`.',
    canRetry: false,
  },
  API_PORT_IN_USE: {
    status: 500,
    message: 'The port is in use.',
    meaning: 'Stop the other program, or choose another port (0 picks a free one).',
    canRetry: true,
  },
  API_CERTIFICATE_INVALID: {
    status: 500,
    message: 'The certificate files cannot be used.',
    meaning: 'tlsCertificateFile and tlsKeyFile must both be given, be readable PEM and match.',
    canRetry: false,
  },
} as const satisfies Readonly<Record<string, ApiErrorEntry>>;

export type ApiErrorCode = keyof typeof apiErrors;

export const apiError = errorsOf(apiErrors);

/** HTTP status of a code of this room; 500 for codes of other rooms. */
export function statusOf(code: string): number {
  return Object.hasOwn(apiErrors, code) ? apiErrors[code as ApiErrorCode].status : 500;
}

/** A parameter with a bad value: what was expected, in a few words. */
export function badParameter(parameter: string, expected: string): Error {
  return apiError('API_PARAMETER_INVALID', { parameter, expected });
}
