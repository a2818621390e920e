/**
 * Quantrac, from the outside in:
 *
 *   command line → configuration → data folder → broker: doors in → ingest, api: the rest
 *
 * and, on a signal, the same in reverse. `commands.ts` says what each command does, `server.ts`
 * starts the rooms; the other commands speak to a running server through the control socket, or
 * open the data folder themselves.
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// A launcher (`npx quantrac`) that dies takes the server with it: one kill ends both.
if (process.send !== undefined)
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

// What Node makes of the program's files is kept between starts, beside the packages: one entry for
// each file, checked against it when it is read. Each thread finds the folder in its environment.
// Where the folder cannot be written, every start makes everything anew and only takes longer.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/quantrac');
enableCompileCache(process.env['NODE_COMPILE_CACHE']);

const { runCommandLine } = await import('./commands.ts');
await runCommandLine(process.argv.slice(2));
