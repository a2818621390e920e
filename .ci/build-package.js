// Compiles what the npm package runs into dist/, since Node strips no types inside node_modules: the
// program and its threads, the libraries with their types, and the files that they read.
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

function run(...words) {
  const { status } = spawnSync(process.execPath, words, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}

const compiler = join(root, 'node_modules/typescript/bin/tsc');
const programs = [
  'main.ts',
  ...['broker', 'ingest', 'api'].map((room) => `${room}/worker.ts`),
  ...['link', 'decide'].map((thread) => `ingest/cluster/${thread}-worker.ts`),
  ...['bulk', 'charts'].map((folder) => `api/${folder}/worker.ts`),
];
const libraries = ['mirror/main.ts', 'proof/main.ts'];
const declared = [
  'devices/prom-client-parts.d.ts',
  'devices/ucum-lhc.d.ts',
  'ingest/log/kafka/internals.d.ts',
  'api/maps/vt-pbf.d.ts',
];
const options =
  '--ignoreConfig --noEmit false --rootDir . --outDir dist --target esnext --module nodenext ' +
  '--lib esnext,dom,dom.iterable --types node --skipLibCheck --strict --noUncheckedIndexedAccess ' +
  '--exactOptionalPropertyTypes --rewriteRelativeImportExtensions --verbatimModuleSyntax';

rmSync(dist, { recursive: true, force: true });
run(join(root, '.ci/build-page.js'));
run(compiler, ...options.split(' '), ...programs, ...libraries, ...declared);
run(compiler, ...options.split(' '), '--declaration', '--emitDeclarationOnly', ...libraries);
for (const path of ['api/web/dist', 'simulators/profiles', 'simulators/load/payloads.ndjson']) {
  cpSync(join(root, path), join(dist, path), { recursive: true });
}
