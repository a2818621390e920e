/**
 * Writes what clients of version 1 may rely on into `api/stability/v1.txt`. It only adds: where
 * something that was relied on is gone, it says so and writes nothing.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { openTestApi } from '../api/api.fixture.ts';
import { compareSurfaces, surfaceOf, type ApiDescription } from '../api/stability/surface.ts';
import { root } from './repository.ts';

const file = join(root, 'api/stability/v1.txt');
const recorded = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
const rig = await openTestApi();
const description = await rig.json('/api/v1/openapi.json');
await rig.close();
const current = surfaceOf(description as unknown as ApiDescription);
const { gone, added } = compareSurfaces(recorded, current);
if (gone.length > 0) {
  process.stderr.write(`version 1 only grows, and these lines are gone:\n${gone.join('\n')}\n`);
  process.exitCode = 1;
} else {
  writeFileSync(file, `${current.join('\n')}\n`);
  process.stdout.write(`${current.length} lines, ${added.length} of them new\n`);
}
