/**
 * Every error as RFC 9457 says it, with our code and the parameter named, and never more than the
 * client may know: no stack, no path, no text of an error that is not ours.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';

import { CodedError } from '../devices/coded-error.ts';
import { apiError, apiErrors, statusOf, type ApiErrorCode } from './errors.ts';

export interface Problem {
  readonly status: number;
  readonly code: string;
  /** Of the server itself: to be logged, and shown without its cause. */
  readonly isFault: boolean;
  readonly body: Readonly<Record<string, unknown>>;
}

export const problemType = 'application/problem+json; charset=utf-8';

/** Errors that the framework finds before a route is reached. */
const frameworkCodes: Readonly<Record<string, ApiErrorCode>> = {
  FST_ERR_BAD_URL: 'API_REQUEST_MALFORMED',
  FST_ERR_MAX_PARAM_LENGTH: 'API_ADDRESS_TOO_LONG',
  FST_ERR_NOT_FOUND: 'API_NOT_FOUND',
  FST_ERR_CTP_INVALID_TYPE: 'API_MEDIA_TYPE_UNSUPPORTED',
  FST_ERR_CTP_EMPTY_TYPE: 'API_MEDIA_TYPE_UNSUPPORTED',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'API_MEDIA_TYPE_UNSUPPORTED',
  FST_ERR_CTP_BODY_TOO_LARGE: 'API_REQUEST_TOO_LARGE',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'API_BODY_INVALID',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'API_BODY_INVALID',
  FST_ERR_CTP_INVALID_JSON_BODY: 'API_BODY_INVALID',
};

/** Errors of other rooms that a client's request can cause. */
const foreignStatuses: readonly (readonly [RegExp, number])[] = [
  [/^DEVICES_(DEVICE|OWNER|SUBJECT|VERSION|RECIPIENT|GRANT)_UNKNOWN$/, 404],
  [/^DEVICES_GRANT_(STATE|TAKEN|SCOPE)$/, 409],
  [/^DEVICES_(GRANT_RECIPIENT|TOKEN_ROLE|PERIOD)$/, 400],
  [/^DEVICES_REQUESTS_FULL$/, 429],
  [/^DEVICES_CERTIFICATE_TAKEN$/, 409],
  [/^DEVICES_CERTIFICATE_UNKNOWN$/, 404],
  [/^DEVICES_CERTIFICATE_INVALID$/, 400],
  [/^CLUSTER_REGISTRY_(AWAY|BUSY|UNCERTAIN)$/, 503],
  [/^(BROKER_NOT_REPLICATED|BROKER_REPLICATION_FULL|FORWARD_NOT_REPLICATED)$/, 503],
];

export function problemOf(error: unknown): Problem {
  if (error instanceof CodedError) return codedProblem(error);
  if (hasZodFastifySchemaValidationErrors(error)) return codedProblem(validationError(error));
  // Logged as a fault: an operator has to make room.
  if (isOfFullDisk(error)) return { ...codedProblem(apiError('API_DISK_FULL')), isFault: true };
  const code = (error as { readonly code?: unknown } | null)?.code;
  const known = typeof code === 'string' ? frameworkCodes[code] : undefined;
  if (known !== undefined) return codedProblem(apiError(known));
  const status = (error as { readonly statusCode?: unknown } | null)?.statusCode;
  const isOfClient = typeof status === 'number' && status >= 400 && status < 500;
  return codedProblem(apiError(isOfClient ? 'API_BODY_INVALID' : 'API_INTERNAL'));
}

/** SQLITE_FULL of SQLite's result codes, as `node:sqlite` gives it. */
const sqliteFull = 13;

function isOfFullDisk(error: unknown): boolean {
  const { code, errcode } = (error ?? {}) as {
    readonly code?: unknown;
    readonly errcode?: unknown;
  };
  return code === 'ENOSPC' || code === 'EDQUOT' || errcode === sqliteFull;
}

/** Sends the problem; faults of the server are logged by the caller. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="quantrac"');
  if (problem.status === 429 || problem.status === 503) {
    const seconds = problem.body['retryAfterSeconds'];
    reply.header('retry-after', typeof seconds === 'number' ? String(seconds) : '5');
  }
  return reply
    .code(problem.status)
    .header('content-type', problemType)
    .header('cache-control', 'no-store')
    .removeHeader('etag')
    .send(JSON.stringify(problem.body));
}

/** The path without its query: a token that someone put there must not come back. */
export function instanceOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0]?.slice(0, 500) ?? '';
}

function codedProblem(error: CodedError): Problem {
  const status = statusOfCoded(error);
  const isFault = status >= 500 && status !== 503;
  const shown = isFault ? apiError('API_INTERNAL') : error;
  return {
    status,
    code: shown.code,
    isFault,
    body: {
      type: `urn:quantrac:error:${shown.code}`,
      title: shown.message,
      status,
      code: shown.code,
      detail: detailOf(shown),
      canRetry: shown.canRetry,
      ...(/^(API|DEVICES|CLUSTER)_/.test(shown.code) ? shown.fields : {}),
    },
  };
}

function statusOfCoded({ code }: CodedError): number {
  if (code.startsWith('LOG_')) return 503;
  const foreign = foreignStatuses.find(([pattern]) => pattern.test(code));
  return foreign?.[1] ?? statusOf(code);
}

function detailOf({ code, fields, message }: CodedError): string {
  const { parameter, expected } = fields;
  if (typeof parameter === 'string' && typeof expected === 'string') {
    return `Parameter ${parameter}: expected ${expected}.`;
  }
  return Object.hasOwn(apiErrors, code) ? apiErrors[code as ApiErrorCode].meaning : message;
}

interface ValidationIssue {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message?: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** The first issue decides the code; all are listed. */
function validationError(error: {
  readonly validation: readonly object[];
  readonly validationContext?: unknown;
}): CodedError {
  const issues = (error.validation as readonly ValidationIssue[]).slice(0, 20).flatMap(issuesOf);
  const isBody = error.validationContext === 'body';
  const [first] = issues;
  const code = isBody
    ? 'API_BODY_INVALID'
    : first?.isUnknown === true
      ? 'API_PARAMETER_UNKNOWN'
      : 'API_PARAMETER_INVALID';
  return apiError(code, {
    parameter: first?.parameter ?? '',
    expected: first?.expected ?? '',
    errors: issues.map(({ parameter, expected }) => ({ parameter, expected })),
  });
}

function issuesOf(issue: ValidationIssue) {
  const keys = issue.params['keys'];
  if (issue.keyword === 'unrecognized_keys' && Array.isArray(keys)) {
    return keys.slice(0, 20).map((key) => ({
      parameter: String(key).slice(0, 100),
      expected: 'no such parameter',
      isUnknown: true,
    }));
  }
  const parameter = issue.instancePath.replace(/^\//, '').replaceAll('/', '.');
  return [
    {
      parameter: parameter === '' ? 'body' : parameter,
      expected: expectationOf(issue),
      isUnknown: false,
    },
  ];
}

/** What would have been right, in our own words where the validator's say what was wrong. */
function expectationOf({ keyword, params, message = 'another value' }: ValidationIssue): string {
  const { values, expected, minimum, maximum } = params;
  if (keyword === 'invalid_value' && Array.isArray(values)) return values.join(', ');
  if (keyword === 'invalid_type' && typeof expected === 'string') return nounOf(expected);
  const what = params['origin'] === 'string' ? ' characters' : '';
  if (keyword === 'too_small' && isNumeric(minimum)) return `at least ${minimum}${what}`;
  if (keyword === 'too_big' && isNumeric(maximum)) return `at most ${maximum}${what}`;
  return message;
}

function isNumeric(bound: unknown): bound is number | bigint {
  return typeof bound === 'number' || typeof bound === 'bigint';
}

function nounOf(type: string): string {
  if (type === 'int') return 'an integer';
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`;
}
