/**
 * A server as a child process: started, waited for until it answers, and ended by its own process id.
 *
 * It dies with us, also when we are killed: the kernel is asked to kill it when the thread that
 * started it ends (prctl(2), PR_SET_PDEATHSIG, through setpriv(1) of util-linux). On a machine without
 * setpriv it outlives a parent that was killed. It has a process group of its own, so that an interrupt from the
 * terminal reaches us alone and we can end it in order.
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { sleep, type Clock } from '../../devices/clock.ts';
import { cpuSeconds, residentMegabytes } from '../bench/process-figures.ts';
import { simulatorsError } from '../errors.ts';

/** What a scenario may do to a server, or to a cluster of them. */
export interface ServerControl {
  /** Asks it to end and waits; what does not end in time is killed. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Stops it if it runs, starts it with the same ports and data, and waits until it answers. */
  restart(): Promise<void>;
  /** SIGSTOP: it keeps its connections and its memory, and does nothing. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** CPU seconds of the present process since its start, 0 while there is none. Linux. */
  cpuSeconds(): number;
  /** Resident bytes of the present process, 0 while there is none. Linux. */
  rssBytes(): number;
}

export interface ServerChild extends ServerControl {
  /** Of the present process, or of the last one. */
  readonly pid: number;
}

export interface ServerCommand {
  /** For a person who reads that it failed. */
  readonly name: string;
  readonly command: string;
  readonly words: readonly string[];
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Both outputs are appended here. */
  readonly logFile: string;
  /** Whether it serves now. A rejection counts as no. */
  readonly answers: () => Promise<boolean>;
  readonly clock: Clock;
  /** `detached` outlives this process, and does not keep it alive. */
  readonly life: ServerLife;
  readonly onSpawn?: ((pid: number) => void) | undefined;
}

export type ServerLife = 'attached' | 'detached';

interface Running {
  readonly pid: number;
  readonly gone: Promise<void>;
  /** How it ended; undefined while it runs. */
  readonly ending: () => string | undefined;
}

const answerMsMax = 120_000;
const answerPauseMs = 50;
const stopMsMax = 15_000;
const logLinesTold = 30;

/** Resolves once the server answers; until then nothing is left behind when it fails. */
export async function startChild(command: ServerCommand): Promise<ServerChild> {
  let running = await launch(command);
  const signal = (name: NodeJS.Signals): void => {
    if (running.ending() === undefined) process.kill(running.pid, name);
  };
  const end = async (name: NodeJS.Signals): Promise<void> => {
    signal(name);
    // A stopped process takes no signal but SIGKILL until it is continued.
    signal('SIGCONT');
    const late = command.clock.schedule(stopMsMax, () => signal('SIGKILL'));
    await running.gone;
    late.cancel();
  };
  return {
    get pid() {
      return running.pid;
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGTERM');
      running = await launch(command);
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    cpuSeconds: () => (running.ending() === undefined ? cpuSeconds(running.pid) : 0),
    rssBytes: () =>
      running.ending() === undefined ? residentMegabytes(running.pid).now * 2 ** 20 : 0,
  };
}

async function launch(command: ServerCommand): Promise<Running> {
  const running = spawnServer(command);
  try {
    await launchAnswered(command, running);
  } catch (error) {
    if (running.ending() === undefined) process.kill(running.pid, 'SIGKILL');
    await running.gone;
    throw error;
  }
  return running;
}

function spawnServer(command: ServerCommand): Running {
  const { life, logFile, name } = command;
  const [program = '', ...words] = [
    ...(life === 'attached' ? dyingWithUs() : []),
    command.command,
    ...command.words,
  ];
  const log = openSync(logFile, 'a');
  const child = spawn(program, words, {
    cwd: command.folder,
    env: command.environment,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  if (life === 'detached') child.unref();
  let ending: string | undefined;
  const gone = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      ending = signal ?? `code ${code}`;
      resolve();
    });
    child.once('error', (error) => {
      ending = error.message;
      resolve();
    });
  });
  if (child.pid === undefined) ending = `${name} cannot be started`;
  else command.onSpawn?.(child.pid);
  return { pid: child.pid ?? 0, gone, ending: () => ending };
}

function launchAnswered(command: ServerCommand, running: Running): Promise<void> {
  const { clock, name, logFile } = command;
  return untilAnswers(clock, name, () => {
    const ending = running.ending();
    if (ending !== undefined)
      throw simulatorsError('SIMULATORS_SERVER_ENDED', { name, ending, log: logEnd(logFile) });
    return command.answers();
  });
}

/** Asks again until the answer is yes; a rejection counts as no, what is thrown at once ends the waiting. */
export async function untilAnswers(
  clock: Clock,
  name: string,
  answers: () => Promise<boolean>,
): Promise<void> {
  const until = clock.monotonicMs() + answerMsMax;
  let problem: unknown;
  const refused = (error: unknown): boolean => {
    problem = error;
    return false;
  };
  while (!(await answers().catch(refused))) {
    if (clock.monotonicMs() > until)
      throw simulatorsError('SIMULATORS_SERVER_SILENT', { name }, problem);
    await sleep(clock, answerPauseMs);
  }
}

function logEnd(logFile: string): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-logLinesTold).join('\n');
}

function dyingWithUs(): readonly string[] {
  const words = ['setpriv', '--pdeathsig', 'KILL'];
  const tried = spawnSync(words[0] ?? '', [...words.slice(1), 'true'], { stdio: 'ignore' });
  return tried.status === 0 ? words : [];
}

/** One control over several servers: all at once. */
export function controlTogether(servers: readonly ServerControl[]): ServerControl {
  const all = async (act: (server: ServerControl) => Promise<void>): Promise<void> => {
    await Promise.all(servers.map(act));
  };
  const sum = (count: (server: ServerControl) => number): number =>
    servers.reduce((total, server) => total + count(server), 0);
  return {
    stop: () => all((server) => server.stop()),
    kill: () => all((server) => server.kill()),
    restart: () => all((server) => server.restart()),
    pause: () => servers.forEach((server) => server.pause()),
    resume: () => servers.forEach((server) => server.resume()),
    cpuSeconds: () => sum((server) => server.cpuSeconds()),
    rssBytes: () => sum((server) => server.rssBytes()),
  };
}
