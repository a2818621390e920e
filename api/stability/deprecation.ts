/**
 * How an address or a parameter ends: announced long before, in the feed of API changes, in the
 * description and in each answer, and never within version 1. `Deprecation` is RFC 9745 (an instant
 * as a structured field), `Sunset` RFC 8594 (an HTTP date), both with a link to what to do instead.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';

export interface Deprecation {
  /** As it is routed, such as `/api/v1/stations/:id`. */
  readonly path: string;
  /** Only requests with this parameter; none: all. */
  readonly parameter?: string;
  /** Since when it should not be used any more, UTC ms. */
  readonly deprecatedAt: number;
  /** When it may be gone, UTC ms. */
  readonly sunsetAt: number;
  /** Where it is said what to use instead. */
  readonly link: string;
}

/** None yet. */
export const deprecations: readonly Deprecation[] = [];

/** Half a year at least lies between the announcement and the end. */
export const noticeMsMin = 180 * 86_400_000;

/** Adds the headers to every answer of what is deprecated, refusals and 304 too. */
export function addDeprecations(app: FastifyInstance, table: readonly Deprecation[]): void {
  const byPath = Map.groupBy(table, ({ path }) => path);
  if (byPath.size === 0) return;
  app.addHook('onRequest', (request, reply, done) => {
    const found = (byPath.get(request.routeOptions.url ?? '') ?? []).find((each) =>
      concerns(each, request),
    );
    if (found !== undefined) reply.headers(headersOf(found));
    done();
  });
}

function concerns({ parameter }: Deprecation, request: FastifyRequest): boolean {
  if (parameter === undefined) return true;
  return new URLSearchParams(request.url.split('?', 2)[1] ?? '').has(parameter);
}

function headersOf({ deprecatedAt, sunsetAt, link }: Deprecation): Record<string, string> {
  return {
    deprecation: `@${Math.floor(deprecatedAt / 1000)}`,
    sunset: new Date(sunsetAt).toUTCString(),
    link: `<${link}>; rel="deprecation"; type="text/html", <${link}>; rel="sunset"; type="text/html"`,
  };
}
