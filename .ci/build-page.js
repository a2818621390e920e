// Builds the live page when it is missing or older than its sources: after an install, and before a
// start of a checkout that was changed. A production install without the builder keeps what is there.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const page = join(root, 'api/web');
const built = join(page, 'dist/index.html');
const vite = join(root, 'node_modules/vite/bin/vite.js');

const sources = readdirSync(page).filter((name) => name !== 'dist');
const newest = Math.max(...sources.map((name) => statSync(join(page, name)).mtimeMs));
const isFresh = existsSync(built) && statSync(built).mtimeMs >= newest;
if (!isFresh && existsSync(vite)) {
  const { status } = spawnSync(process.execPath, [vite, 'build', page], { stdio: 'inherit' });
  process.exit(status ?? 1);
}
