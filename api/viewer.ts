import type { Credential, RegistryReader } from '../devices/registry.ts';
import type { Principal } from '../devices/visible.ts';
import { apiError } from './errors.ts';

/** Whoever asks, as far as it decides what they see. */
export interface Viewer {
  readonly principal: Principal;
  /** Viewers with the same key see the same. */
  readonly key: string;
  /** Of the token, for the history; `anonymous` for nobody in particular. */
  readonly actor: string;
}

export const anonymousViewer: Viewer = {
  principal: 'anonymous',
  key: 'anonymous',
  actor: 'anonymous',
};

/**
 * The viewer of a request. No Authorization header: anonymous. A header that is not a valid bearer
 * token throws API_TOKEN_INVALID: nobody silently sees less than they asked for.
 */
export function viewerOf(
  registry: Pick<RegistryReader, 'authenticateToken'>,
  authorization: string | undefined,
): Viewer {
  if (authorization === undefined) return anonymousViewer;
  const secret = bearerOf(authorization);
  const credential = secret === undefined ? undefined : registry.authenticateToken(secret);
  if (credential === undefined || credential.kind !== 'token') throw apiError('API_TOKEN_INVALID');
  return viewerOfKey(credential);
}

export function viewerOfKey(credential: Credential): Viewer {
  return {
    principal: credential,
    key: `${credential.role}:${credential.owner ?? ''}:${credential.recipient ?? ''}`,
    actor: credential.subject,
  };
}

/** The secret of a bearer token; undefined where the header is none. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer +([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1];
}

/** Throws unless the viewer is an operator. */
export function requireOperator(viewer: Viewer): void {
  if (viewer.principal === 'anonymous') throw apiError('API_TOKEN_MISSING');
  if (viewer.principal.role !== 'operator') throw apiError('API_FORBIDDEN');
}
