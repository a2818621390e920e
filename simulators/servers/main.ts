/**
 * `.ci/servers`: real servers for development, tests and continuous integration, without a container engine.
 *
 *     .ci/servers install                     builds what is missing, seconds to minutes, once a machine
 *     .ci/servers start                       starts all; prints the file of their addresses
 *     . "$(.ci/servers start)"                … and sets them in this shell
 *     .ci/servers stop                        stops what `start` started
 *     .ci/servers run -- npm test             starts, runs the command beside them, stops; its exit code
 *
 * Flags: `--servers kafka,influx1,influx2` (all when absent), `--kafka-nodes 1|3`, `--ports-from PORT` for known
 * ports instead of free ones, `--state FILE` for more than one set at once.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openSystemClock } from '../../devices/clock-system.ts';
import { CodedError } from '../../devices/coded-error.ts';
import { openSystemRandom } from '../../devices/random.ts';
import { writeAddresses } from './addresses.ts';
import { installFolder, installInflux1, installInflux2, installKafka } from './install.ts';
import { exportsFile, isComplete, keepAddresses, keepProcess, stopByState } from './state.ts';
import {
  serverNames,
  startTogether,
  type ServerName,
  type Together,
  type TogetherOptions,
} from './together.ts';

const clock = openSystemClock();
const environment = process.env;
const tell = (line: string): void => void process.stderr.write(`${line}\n`);

interface Flags {
  readonly servers: readonly ServerName[];
  readonly kafkaNodes: 1 | 3;
  readonly portsFrom?: number;
  readonly stateFile: string;
}

class UsageError extends Error {}

function readFlags(words: readonly string[]): Flags & { readonly command: readonly string[] } {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      servers: { type: 'string', default: serverNames.join(',') },
      'kafka-nodes': { type: 'string', default: '1' },
      'ports-from': { type: 'string' },
      state: { type: 'string', default: join(installFolder(environment), 'state') },
    },
  });
  const named = values.servers.split(',');
  const servers = serverNames.filter((name) => named.includes(name));
  if (servers.length !== named.length) throw new UsageError(`--servers: ${serverNames.join(',')}`);
  const nodes = values['kafka-nodes'];
  if (nodes !== '1' && nodes !== '3') throw new UsageError('--kafka-nodes: 1 or 3');
  const from = values['ports-from'];
  if (from !== undefined && !(Number(from) >= 1_024 && Number(from) <= 65_000))
    throw new UsageError('--ports-from: 1024 to 65000');
  return {
    servers,
    kafkaNodes: nodes === '3' ? 3 : 1,
    ...(from !== undefined && { portsFrom: Number(from) }),
    stateFile: values.state,
    command: positionals,
  };
}

const makeFolder = (): string => mkdtempSync(join(tmpdir(), 'quantrac-servers-'));

/** What `start` and `run` start alike. */
const optionsOf = (flags: Flags, folder: string): TogetherOptions => ({
  ...flags,
  folder,
  environment,
  clock,
  random: openSystemRandom(),
  tell,
});

async function install(flags: Flags): Promise<number> {
  const installs = { kafka: installKafka, influx1: installInflux1, influx2: installInflux2 };
  for (const name of flags.servers)
    process.stdout.write(`${await installs[name]({ environment, tell })}\n`);
  return 0;
}

/** A set that runs already is left as it is; of one that runs in part, the rest is stopped. */
async function start(flags: Flags): Promise<number> {
  const { stateFile } = flags;
  if (!isComplete(stateFile)) {
    await stopByState(stateFile, clock);
    const folder = makeFolder();
    try {
      const { addresses } = await startTogether({
        ...optionsOf(flags, folder),
        life: 'detached',
        onSpawn: (pid) => keepProcess(stateFile, folder, pid),
      });
      keepAddresses(stateFile, addresses);
    } catch (error) {
      await stopByState(stateFile, clock);
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }
  process.stdout.write(`${exportsFile(stateFile)}\n`);
  return 0;
}

async function stop({ stateFile }: Flags): Promise<number> {
  await stopByState(stateFile, clock);
  return 0;
}

async function run(flags: Flags & { readonly command: readonly string[] }): Promise<number> {
  const interruption = watchSignals();
  const [program, ...words] = flags.command;
  if (program === undefined) throw new UsageError('run -- COMMAND');
  const folder = makeFolder();
  let servers: Together | undefined;
  try {
    servers = await startTogether(optionsOf(flags, folder));
    const variables = { ...writeAddresses(servers.addresses), QUANTRAC_SERVERS: '1' };
    const child = spawn(program, words, {
      stdio: 'inherit',
      env: { ...environment, ...variables },
    });
    return await codeOf(child, interruption);
  } finally {
    await servers?.stop();
    rmSync(folder, { recursive: true });
  }
}

interface Interruption {
  /** Passes on every signal, also one that came before. */
  onSignal(pass: (signal: NodeJS.Signals) => void): void;
}

/** From here on a signal ends the command, and the end of the command ends the servers. */
function watchSignals(): Interruption {
  const come: NodeJS.Signals[] = [];
  let pass = (signal: NodeJS.Signals): void => void come.push(signal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => pass(signal));
  return {
    onSignal(passOn) {
      pass = passOn;
      come.forEach(passOn);
    },
  };
}

/** Its exit code, or 128 and the number of the signal that ended it, as shells have it. */
function codeOf(child: ChildProcess, interruption: Interruption): Promise<number> {
  return new Promise((resolve, reject) => {
    interruption.onSignal((signal) => child.kill(signal));
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      resolve(code ?? 128 + constants.signals[signal ?? 'SIGTERM']),
    );
  });
}

const acts = { install, start, stop, run };

try {
  const [name = '', ...words] = process.argv.slice(2);
  if (!Object.hasOwn(acts, name)) throw new UsageError(Object.keys(acts).join(', '));
  process.exitCode = await acts[name as keyof typeof acts](readFlags(words));
} catch (error) {
  process.exitCode = 1;
  if (error instanceof CodedError) tell(`${error.code}: ${error.message}\n${fieldLines(error)}`);
  else if (error instanceof UsageError || isFlagError(error)) {
    tell(`.ci/servers: ${(error as Error).message}`);
    process.exitCode = 2;
  } else throw error;
}

function fieldLines(error: CodedError): string {
  return Object.entries(error.fields)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
}

function isFlagError(error: unknown): boolean {
  return (
    error instanceof TypeError && 'code' in error && `${error.code}`.startsWith('ERR_PARSE_ARGS')
  );
}
