import { existsSync } from 'node:fs';

import files from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** Where a program goes on from the page, relative to it (RFC 8288; service-desc of RFC 8631). */
const links = [
  '<api/v1/>; rel="index"; type="application/json"',
  '<api/v1/openapi.json>; rel="service-desc"; type="application/json"',
  '<catalog>; rel="describedby"; type="text/turtle"',
].join(', ');

/** The built web page at `/`. Files under `assets/` carry a hash in their name and never change. */
export async function addPageFiles(app: FastifyInstance, root: string): Promise<boolean> {
  if (!existsSync(root)) return false;
  await app.register(files, {
    root,
    prefix: '/',
    // Each file its own route: whatever else is asked for is a 404 of the API.
    wildcard: false,
    index: ['index.html'],
    cacheControl: false,
    setHeaders(reply, path) {
      const isHashed = /[\\/]assets[\\/]/.test(path);
      if (path.endsWith('index.html')) reply.header('link', links);
      reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  return true;
}
