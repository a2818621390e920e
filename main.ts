/**
 * Quantrac, from the outside in:
 *
 *   command line → configuration → data folder → log, store, registry → broker, ingest, api
 *
 * and, on a signal, the same in reverse. `server.ts` starts the rooms; the other commands speak to a
 * running server through the control socket, or open the data folder themselves.
 */
import { parseCommand, usage, type Command } from './command-line.ts';
import { backupCommand, restoreCommand } from './commands-data.ts';
import { eraseCommand, reprocessCommand } from './commands-erase.ts';
import { configCommand, provisionCommand, tokenCommand } from './commands-registry.ts';
import { verifyCommand } from './commands-verify.ts';
import { loadCommand, replayCommand, simulateCommand } from './commands-world.ts';
import { readConfiguration } from './configuration.ts';
import { CodedError } from './devices/coded-error.ts';
import { explainError } from './explain-error.ts';
import { runServer } from './server.ts';

/** What each command does; it resolves to the exit code. */
const commands: Readonly<Record<Command['name'], (command: Command) => Promise<number>>> = {
  run: (command) =>
    runServer(readConfiguration({ flags: command.flags, environment: process.env })),
  provision: provisionCommand,
  token: tokenCommand,
  config: configCommand,
  verify: verifyCommand,
  backup: backupCommand,
  restore: restoreCommand,
  reprocess: reprocessCommand,
  erase: eraseCommand,
  replay: replayCommand,
  load: loadCommand,
  simulate: simulateCommand,
  help: async () => {
    process.stdout.write(usage);
    return 0;
  },
};

// A launcher (`npx quantrac`) that dies takes the server with it: one kill ends both.
if (process.send !== undefined)
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

try {
  const command = parseCommand(process.argv.slice(2));
  process.exitCode = await commands[command.name](command);
  if (process.connected) process.disconnect();
} catch (error) {
  process.stderr.write(`${explainError(error)}\n`);
  process.exitCode = error instanceof CodedError && error.fields['exitCode'] === 1 ? 1 : 2;
  process.exit();
}
