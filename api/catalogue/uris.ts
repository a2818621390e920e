import type { FastifyRequest } from 'fastify';

import { baseUrl } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import { apiError } from '../errors.ts';
import { idInAddress } from '../ids/slug.ts';

/**
 * Addresses that name things for good. They are made of ids alone, so they stay as they are when a
 * province is merged, a device replaced or a title corrected; what an id names is never renamed.
 */
export const uriKinds = [
  'dataset',
  'property',
  'unit',
  'flag',
  'licence',
  'station',
  'owner',
  'datastream',
  'distribution',
  'service',
] as const;

export type UriKind = (typeof uriKinds)[number];

/** `{base}/id/{kind}/{id}`: of the thing itself, whatever form its description is given in. */
export function uriOf(base: string, kind: UriKind, id: string): string {
  return `${base}/id/${kind}/${idInAddress(kind, id)}`;
}

/** Where the description of a dataset is for people and programs. */
export function datasetPage(base: string, id: string): string {
  return `${base}/api/v1/datasets/${encodeURIComponent(id)}`;
}

/** As the client sees this server. Names for good cannot be made where the Host header is no host. */
export function absoluteBase(context: ApiContext, request: FastifyRequest): string {
  const base = baseUrl(context, request);
  if (base === '') throw apiError('API_REQUEST_MALFORMED', { parameter: 'Host' });
  return base;
}
