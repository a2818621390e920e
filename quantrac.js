#!/usr/bin/env node
// `npx quantrac …` on any installed Node from 20 on: hands over to the Node that comes with the
// repository (devDependency `node`), which runs the TypeScript directly. In the npm package it finds
// the program compiled: Node strips no types inside node_modules. Plain JavaScript, since it is read
// by the installed Node.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import v8 from 'node:v8';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const bundledPath = here('node_modules/node/bin/node');
const bundled = existsSync(bundledPath) ? realpathSync(bundledPath) : undefined;
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const newEnough = major > 24 || (major === 24 && minor >= 12);
const runtime = bundled ?? process.execPath;
const program = existsSync(here('main.ts')) ? './main.ts' : './dist/main.js';
if (bundled === undefined && !newEnough) {
  process.stderr.write(
    'quantrac: Node 24.12 or newer is needed and is not here. Install it, or in a checkout run `npm ci` (with install scripts, or `npm rebuild node` after it).\n',
  );
  process.exit(2);
}

// What Node makes of the program's files is kept between starts, beside the packages: one entry for
// each file, checked against the file when it is read. Threads and the handed-over process find the
// folder in their environment. Where it cannot be written, each start makes everything anew.
const codeFolder = (process.env.NODE_COMPILE_CACHE ??= here('node_modules/.cache/quantrac'));

// Rows live for some milliseconds. Where a start meets a long backlog, V8 would take them for lasting
// and make them among old objects from then on: measured, 40 to 100 collections of those for 5 million
// observations instead of 10. Said before anything is compiled: what is kept is kept for these flags.
const memoryFlag = '--no-allocation-site-pretenuring';

if (runtime === process.execPath) {
  v8.setFlagsFromString(memoryFlag);
  module.enableCompileCache(codeFolder);
  await import(program);
} else {
  // The channel tells the server when this launcher is gone, so that a kill of the one ends both.
  const child = spawn(runtime, [memoryFlag, here(program), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 128));
}
