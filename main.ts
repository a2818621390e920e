/**
 * Quantrac, from the outside in:
 *
 *   command line → configuration → data folder → broker: doors in → ingest, api: the rest
 *
 * and, on a signal, the same in reverse. `commands.ts` says what each command does, `server.ts`
 * starts the rooms; the other commands speak to a running server through the control socket, or
 * open the data folder themselves. `quantrac.js` stands before it and finds the Node for it.
 */
import { runCommandLine } from './commands.ts';

// A launcher (`npx quantrac`) that dies takes the server with it: one kill ends both.
const end = () => process.kill(process.pid, 'SIGKILL');
if (process.send !== undefined) process.on('disconnect', end);
// It may have died while this was loaded.
if (process.connected === false) end();

await runCommandLine(process.argv.slice(2));
