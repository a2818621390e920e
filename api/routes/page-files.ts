import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';

import type { FastifyInstance } from 'fastify';

import { createFixedBody, sendFixedBody } from '../limits/fixed-body.ts';

/** Where a program goes on from the page, relative to it (RFC 8288; service-desc of RFC 8631). */
const links = [
  '<api/v1/>; rel="index"; type="application/json"',
  '<api/v1/openapi.json>; rel="service-desc"; type="application/json"',
  '<catalog>; rel="describedby"; type="text/turtle"',
].join(', ');

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/vnd.microsoft.icon',
  '.woff2': 'font/woff2',
};
/**
 * The built web page at `/`: some megabytes, held in memory. Files under `assets/` carry a hash in
 * their name and never change. Each file is its own route: whatever else is asked for is a 404 of the
 * API.
 */
export async function addPageFiles(app: FastifyInstance, root: string): Promise<boolean> {
  if (!existsSync(root)) return false;
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const place = join(entry.parentPath, entry.name);
    const path = relative(root, place).split(sep).join('/');
    const type = mediaTypes[extname(path)] ?? 'application/octet-stream';
    const file = createFixedBody(await readFile(place), type);
    const isHashed = path.startsWith('assets/');
    const headers = {
      'cache-control': isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
      ...(path === 'index.html' ? { link: links } : {}),
    };
    for (const url of path === 'index.html' ? ['/', '/index.html'] : [`/${path}`]) {
      app.get(url, { schema: { hide: true } }, (_request, reply) =>
        sendFixedBody(reply.headers(headers), file),
      );
    }
  }
  return true;
}
