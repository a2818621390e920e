/** The commands of the command line: each loads what it needs, and no more, when it is called. */
import { parseCommand, type Command } from './command-line.ts';
import { CodedError } from './devices/coded-error.ts';

/** What each command does; it resolves to the exit code. */
const commands: Readonly<Record<Command['name'], (command: Command) => Promise<number>>> = {
  run: async (command) => (await import('./server.ts')).runCommand(command),
  provision: async (command) => (await registry()).provisionCommand(command),
  token: async (command) => (await registry()).tokenCommand(command),
  grant: async (command) => (await import('./commands-grant.ts')).grantCommand(command),
  certificate: async (command) =>
    (await import('./commands-certificate.ts')).certificateCommand(command),
  config: async (command) => (await registry()).configCommand(command),
  verify: async (command) => (await import('./commands-verify.ts')).verifyCommand(command),
  rebuild: async (command) => (await import('./commands-rebuild.ts')).rebuildCommand(command),
  compare: async (command) => (await import('./commands-compare.ts')).compareCommand(command),
  backup: async (command) => (await data()).backupCommand(command),
  restore: async (command) => (await data()).restoreCommand(command),
  reprocess: async (command) => (await import('./commands-reprocess.ts')).reprocessCommand(command),
  erase: async (command) => (await import('./commands-erase.ts')).eraseCommand(command),
  manifest: async (command) => (await import('./commands-mirror.ts')).manifestCommand(command),
  mirror: async (command) => (await import('./commands-mirror.ts')).mirrorCommand(command),
  replay: async (command) => (await import('./commands-replay.ts')).replayCommand(command),
  load: async (command) => (await world()).loadCommand(command),
  simulate: async (command) => (await world()).simulateCommand(command),
  help: async ({ arguments: [name] }) => {
    const { helpText } = await import('./command-help.ts');
    process.stdout.write(helpText(name));
    return 0;
  },
  version: async () => {
    const { default: program } = await import('./package.json', { with: { type: 'json' } });
    process.stdout.write(`${program.version}\n`);
    return 0;
  },
};

const registry = () => import('./commands-registry.ts');
const data = () => import('./commands-data.ts');
const world = () => import('./commands-world.ts');

/** Runs the command that `words` name. Never rejects: what went wrong is told on standard error. */
export async function runCommandLine(words: readonly string[]): Promise<void> {
  try {
    const command = parseCommand(words);
    process.exitCode = await commands[command.name](command);
    // The launcher is left, and lives: nothing ends this process for it.
    process.removeAllListeners('disconnect');
    if (process.connected) process.disconnect();
  } catch (error) {
    const { explainError } = await import('./explain-error.ts');
    process.stderr.write(`${explainError(error)}\n`);
    process.exitCode = error instanceof CodedError && error.fields['exitCode'] === 1 ? 1 : 2;
    process.exit();
  }
}
