/** One command of an installation: its output is told only when it fails, and then its last lines. */
import { spawn } from 'node:child_process';
import { simulatorsError } from '../errors.ts';

export interface InstallStep {
  readonly command: string;
  readonly words: readonly string[];
  readonly folder: string;
  /** The whole environment of the command: where registries are configured, a step must see it. */
  readonly environment: NodeJS.ProcessEnv;
}

const outputLinesMax = 20;
const outputBytesMax = 64 * 1_024;

/** Rejects with SIMULATORS_INSTALL_FAILED, which names the command and how its output ended. */
export function runStep(step: InstallStep): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(step.command, step.words, {
      cwd: step.folder,
      env: step.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-outputBytesMax);
    };
    const fail = (problem: string, cause?: unknown): void =>
      reject(
        simulatorsError(
          'SIMULATORS_INSTALL_FAILED',
          {
            command: [step.command, ...step.words].join(' '),
            problem,
            output: output.trimEnd().split('\n').slice(-outputLinesMax).join('\n'),
          },
          cause,
        ),
      );
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error) => fail('the command cannot be started', error));
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else fail(signal === null ? `it ended with ${code}` : `it was ended by ${signal}`);
    });
  });
}
