/** The commands `mirror`, an exact local copy of a server's open data, and `manifest`, which proves it. */
import { resolve } from 'node:path';
import { numberFlag, textFlag, type Command } from './command-line.ts';
import { configurationOf, tell } from './command-telling.ts';
import { askControl } from './control.ts';
import { pathsOf } from './data-folder.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { startError } from './errors.ts';
import { mirror, openMirrorFiles, verifyMirror, type MirrorEvent } from './mirror/main.ts';

const filters = ['datastream', 'station', 'property', 'dataset'] as const;

export async function mirrorCommand(command: Command): Promise<number> {
  return command.flags['verify'] === true ? verifyCopy(command) : keepCopy(command);
}

async function keepCopy(command: Command): Promise<number> {
  const [url, directory] = command.arguments;
  if (url === undefined || directory === undefined || !/^https?:\/\//.test(url)) {
    throw usage('the address of a server, and a folder');
  }
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      isStopping = true;
    });
  }
  const result = await mirror({
    url,
    files: openMirrorFiles(resolve(directory)),
    filter: filterOf(command),
    key: textFlag(command, 'key'),
    follow: command.flags['follow'] === true,
    bytesMax: bytesMaxOf(command),
    isStopping: () => isStopping,
    clock: openSystemClock(),
    fetch,
    tell: openTelling(command),
    onWait: (wait) => tellProgress(command, { event: 'waiting', ...wait }),
  });
  const { rows, datastreams, differences, state } = result;
  const { cursor, proven } = state;
  tell(
    command,
    { event: 'mirrored', rows, datastreams, differences, proven, cursor },
    `${rows} rows of ${datastreams} datastreams, ${proven === null ? 'not proved yet' : `proved by manifest ${proven}`}, ${differences} differences met`,
  );
  return differences === 0 ? 0 : 1;
}

/** None: what the disk has room for. */
function bytesMaxOf(command: Command): number | undefined {
  const bounds = { min: 1_048_576, max: Number.MAX_SAFE_INTEGER };
  const isGiven = textFlag(command, 'max-bytes') !== undefined;
  return isGiven ? numberFlag(command, 'max-bytes', bounds.max, bounds) : undefined;
}

function filterOf(command: Command): Readonly<Record<string, string>> {
  const given = filters.flatMap((name) => {
    const value = textFlag(command, name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(given);
}

/** Between two lines about what is being fetched. */
const fetchedMs = 1_000;

function openTelling(command: Command): (event: MirrorEvent) => void {
  const clock = openSystemClock();
  let toldMs = clock.monotonicMs();
  return (event) => {
    const isStep = event.event === 'fetched' && event.done < event.all;
    if (isStep && clock.monotonicMs() - toldMs < fetchedMs) return;
    toldMs = clock.monotonicMs();
    tellProgress(command, event);
  };
}

/** To standard error: standard output holds the result. */
function tellProgress(
  command: Command,
  event:
    | MirrorEvent
    | { readonly event: 'waiting'; readonly path: string; readonly waitMs: number },
): void {
  const line = command.flags['json'] === true ? JSON.stringify(event) : sentenceOf(event);
  process.stderr.write(`${line}\n`);
}

function sentenceOf({ event, ...values }: { readonly event: string }): string {
  const told = Object.entries(values).map(([name, value]) => `${name} ${String(value)}`);
  return `${event}${told.length === 0 ? '' : `: ${told.join(', ')}`}`;
}

/** Without the server: the folder stands last, behind an address or alone. */
function verifyCopy(command: Command): number {
  const directory = command.arguments.at(-1);
  if (directory === undefined || command.arguments.length > 2)
    throw usage('the folder of a mirror');
  const key = textFlag(command, 'key');
  const report = verifyMirror(openMirrorFiles(resolve(directory)), { key }, (finding) => {
    const { file, line, problem } = finding;
    const where = line === undefined ? '' : `: line ${line}`;
    tell(command, { event: 'finding', ...finding }, `${file}${where}: ${problem}`);
  });
  const { findings, ...counted } = report;
  const { rows, datastreams, manifests, provenRows, proven, trusted } = counted;
  tell(
    command,
    { event: 'verified', findings: findings.length, ...counted },
    `${findings.length === 0 ? 'nothing wrong' : `${findings.length} findings`}: ${rows} rows of ${datastreams} datastreams, ${manifests} manifests; ${provenRows} rows are signed by manifest ${proven ?? 'none'}, the others are newer; trusted: the key ${trusted ?? '(none)'}${key === undefined ? ', which was the first that the mirror met' : ''}`,
  );
  return findings.length === 0 ? 0 : 1;
}

function usage(accepted: string): Error {
  return startError('START_USAGE', { command: 'mirror', accepted });
}

interface Made {
  readonly sequence: number;
  readonly day: string;
  readonly sha256: string;
  readonly rows: number;
  readonly changed: number;
}

/** Has the running server make a manifest now. */
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
