/** What the commands about kept data share: how they tell of progress, findings and results. */
import { resolve } from 'node:path';
import type { Command } from './command-line.ts';
import { readConfiguration, type Configuration } from './configuration.ts';
import { readFormat } from './data-folder.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { startError } from './errors.ts';
import {
  describeFinding,
  type Finding,
  type MaintainProgress,
} from './ingest/maintain/findings.ts';

/** Between two lines of progress. */
const progressMs = 1_000;

export function configurationOf(command: Command): Configuration {
  return readConfiguration({ flags: command.flags, environment: process.env });
}

/** A JSON line, or a sentence. */
export function tell(command: Command, event: Record<string, unknown>, sentence: string): void {
  const line = command.flags['json'] === true ? JSON.stringify(event) : sentence;
  process.stdout.write(`${line}\n`);
}

/** To standard error, about once a second. */
export function openProgress(command: Command): MaintainProgress {
  const clock = openSystemClock();
  let toldMs = clock.monotonicMs();
  return (step, done, all) => {
    if (clock.monotonicMs() - toldMs < progressMs) return;
    toldMs = clock.monotonicMs();
    const line =
      command.flags['json'] === true
        ? JSON.stringify({ event: 'progress', step, done, all })
        : `${step} ${done}${all === 0 ? '' : ` of ${all}`}`;
    process.stderr.write(`${line}\n`);
  };
}

/** Progress that crossed the control socket. */
export function relay(onProgress: MaintainProgress): (told: unknown) => void {
  return (told) => {
    const { step, done, all } = told as { step: string; done: number; all: number };
    onProgress(step, done, all);
  };
}

/** More of them are only counted. */
const findingsToldMax = 10_000;

export interface FindingTeller {
  readonly onFinding: (finding: Finding) => void;
  readonly count: () => number;
}

export function openFindings(command: Command): FindingTeller {
  let count = 0;
  return {
    count: () => count,
    onFinding(finding) {
      count += 1;
      if (count > findingsToldMax) return;
      tell(command, { event: 'finding', ...finding }, describeFinding(finding));
    },
  };
}

export function oneArgument(command: Command, what: string): string {
  const [argument] = command.arguments;
  if (argument === undefined || command.arguments.length > 1)
    throw startError('START_USAGE', { command: command.name, accepted: what });
  return resolve(argument);
}

/** A command that only makes sense where there is data must not make an empty folder instead. */
export function requireData({ dataDir }: Configuration): void {
  if (readFormat(dataDir) === undefined)
    throw startError('START_USAGE', { folder: dataDir, problem: 'there is no data folder' });
}
