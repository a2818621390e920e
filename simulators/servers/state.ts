/**
 * What `start` leaves for `stop`: the processes that it started and their folder, in one file, and their
 * addresses as exports for a shell beside it. Both are readable by their owner alone: they hold secrets.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { sleep, type Clock } from '../../devices/clock.ts';
import { writeAddresses, type ServerAddresses } from './addresses.ts';

const stateSchema = z.strictObject({
  processes: z.array(z.strictObject({ pid: z.int(), startTicks: z.string() })),
  folder: z.string(),
});

type ServersState = z.infer<typeof stateSchema>;
type ServerProcess = ServersState['processes'][number];

const ownerOnly = { mode: 0o600 };
const stopMsMax = 15_000;
const stopPauseMs = 50;

export const exportsFile = (stateFile: string): string => `${stateFile}.env`;

/** Keeps a process in the file as soon as it is there. */
export function keepProcess(stateFile: string, folder: string, pid: number): void {
  const processes = readState(stateFile)?.processes ?? [];
  const state: ServersState = {
    folder,
    processes: [...processes, { pid, startTicks: startTicks(pid) ?? '' }],
  };
  mkdirSync(dirname(stateFile), { recursive: true });
  writeFileSync(stateFile, JSON.stringify(state), ownerOnly);
}

/** Written last: it is there only when all servers answer. */
export function keepAddresses(stateFile: string, addresses: ServerAddresses): void {
  const variables = Object.entries(writeAddresses(addresses));
  const text = variables.map(([name, value]) => `export ${name}='${value}'\n`).join('');
  writeFileSync(exportsFile(stateFile), text, ownerOnly);
}

/** Whether all that was started still runs and its addresses are known. */
export function isComplete(stateFile: string): boolean {
  const state = readState(stateFile);
  return (
    state !== undefined && existsSync(exportsFile(stateFile)) && state.processes.every(isRunning)
  );
}

/** Undefined when nothing was started, or all was stopped. */
function readState(stateFile: string): ServersState | undefined {
  if (!existsSync(stateFile)) return undefined;
  return stateSchema.parse(JSON.parse(readFileSync(stateFile, 'utf8')));
}

/** Ends the processes of the file, and takes away their data and the file. */
export async function stopByState(stateFile: string, clock: Clock): Promise<void> {
  const state = readState(stateFile);
  if (state === undefined) return;
  signalAll(state, 'SIGTERM');
  signalAll(state, 'SIGCONT');
  const until = clock.monotonicMs() + stopMsMax;
  while (state.processes.some(isRunning)) {
    if (clock.monotonicMs() > until) signalAll(state, 'SIGKILL');
    await sleep(clock, stopPauseMs);
  }
  rmSync(state.folder, { recursive: true, force: true });
  rmSync(exportsFile(stateFile), { force: true });
  rmSync(stateFile);
}

function signalAll(state: ServersState, signal: NodeJS.Signals): void {
  for (const one of state.processes) if (isRunning(one)) process.kill(one.pid, signal);
}

/** The same process, not another that was given its number: a number comes with the instant of the start. */
function isRunning({ pid, startTicks: started }: ServerProcess): boolean {
  return startTicks(pid) === started;
}

/** When the process started, in clock ticks since boot (proc(5)); undefined when it is none, or a dead one. */
function startTicks(pid: number): string | undefined {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return undefined;
  const stat = readFileSync(path, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : fields[19];
}
