/** The command `manifest`: has the running server make one now. */
import type { Command } from './command-line.ts';
import { configurationOf, tell } from './command-telling.ts';
import { askControl } from './control.ts';
import { pathsOf } from './data-folder.ts';
import { startError } from './errors.ts';

interface Made {
  readonly sequence: number;
  readonly day: string;
  readonly sha256: string;
  readonly rows: number;
  readonly changed: number;
}

export async function manifestCommand(command: Command): Promise<number> {
  const { controlSocket } = pathsOf(configurationOf(command).dataDir);
  const newKey = command.flags['new-key'] === true;
  const answer = await askControl(controlSocket, 'makeManifest', { newKey });
  if (answer === undefined) throw startError('START_NOT_RUNNING', { socket: controlSocket });
  const made = answer.result as Made;
  tell(
    command,
    { event: 'manifest', ...made },
    `manifest ${made.sequence} of ${made.rows} rows, ${made.changed} buckets changed: ${made.sha256}`,
  );
  return 0;
}
