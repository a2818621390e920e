/** The command `reprocess`: a range is judged again by one registry version, running or not. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { registryMarker } from './api/admin/marker.ts';
import { askOrDo } from './ask-or-do.ts';
import { instantFlag, type Command } from './command-line.ts';
import { configurationOf, openProgress, requireData, tell } from './command-telling.ts';
import type { Configuration } from './configuration.ts';
import type { AppendedRecord } from './control-handlers.ts';
import { askControl, holdControl, type HeldControl } from './control.ts';
import { pathsOf } from './data-folder.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { openSystemRandom } from './devices/random.ts';
import { openRegistryReader } from './devices/registry-sqlite-reader.ts';
import { openProcessTelemetry } from './devices/telemetry-pino.ts';
import { startError } from './errors.ts';
import { openIngestAlone, type IngestAlone } from './ingest-alone.ts';
import { openNodeFileSystem } from './ingest/log/file-system-node.ts';
import { untilConsumed } from './ingest/maintain/consumed.ts';
import { maintainError } from './ingest/maintain/errors.ts';
import type { ReprocessFindings } from './ingest/maintain/reprocess/report.ts';
import { reprocess } from './ingest/maintain/reprocess/reprocess.ts';
import type {
  ReprocessOrder,
  ReprocessParts,
  ReprocessReport,
} from './ingest/maintain/reprocess/work.ts';
import type { LogPositions } from './ingest/maintain/verify-folder.ts';
import type { Reading } from './ingest/reading.ts';

export async function reprocessCommand(command: Command): Promise<number> {
  const order = orderOf(command);
  const configuration = configurationOf(command);
  requireData(configuration);
  const socket = pathsOf(configuration.dataDir).controlSocket;
  const report = await askOrDo(
    openSystemClock(),
    async () => {
      const held = await holdControl(socket, 'reprocess', null);
      return held && reprocessHeld(command, configuration, order, held);
    },
    () => reprocessHere(command, configuration, order),
  );
  return told(command, report);
}

async function reprocessHeld(
  command: Command,
  configuration: Configuration,
  order: ReprocessOrder,
  held: HeldControl,
): Promise<ReprocessReport> {
  // What a server judges by is its own to say, whatever this command was started with.
  const { ingest, devices } = held.told as Configuration;
  try {
    setPriority(constants.priority.PRIORITY_LOW);
    const own = { ...configuration, ingest, devices };
    return await reprocessBeside(command, own, order);
  } finally {
    held.release();
  }
}

/** Throws START_USAGE naming the flag. */
function orderOf(command: Command): ReprocessOrder {
  const fromAt = instantFlag(command, 'from') ?? null;
  const toAt = instantFlag(command, 'to') ?? null;
  if (fromAt !== null && toAt !== null && fromAt >= toAt)
    throw startError('START_USAGE', { flag: '--to', accepted: 'an instant behind --from' });
  const isDryRun = command.flags['dry-run'] === true;
  return { fromAt, toAt, isDryRun, actor: 'operator (command line)' };
}

/** Reads the files of the running server, and gives it what is to be decided. */
async function reprocessBeside(
  command: Command,
  configuration: Configuration,
  order: ReprocessOrder,
): Promise<ReprocessReport> {
  const clock = openSystemClock();
  const paths = pathsOf(configuration.dataDir);
  const ask = async (question: string, argument: unknown): Promise<unknown> => {
    const asked = await askControl(paths.controlSocket, question, argument);
    if (asked !== undefined) return asked.result;
    throw startError('START_NOT_RUNNING', { problem: 'the server ended meanwhile: run it again' });
  };
  const registry = openRegistryReader(paths.registry, { clock, config: configuration.devices });
  try {
    return await inScratch(command, configuration, (shared) =>
      reprocess(order, {
        ...shared,
        clock,
        paths,
        registry,
        ends: () => ask('durableEnds', null) as Promise<LogPositions>,
        append: (reading) => ask('append', recordOf(reading)) as Promise<number>,
      }),
    );
  } finally {
    registry.close();
  }
}

function recordOf({ kind, payload }: Reading): AppendedRecord {
  return { kind: kind as AppendedRecord['kind'], text: Buffer.from(payload).toString('utf8') };
}

/** Where no server runs: ingest without doors in this process. */
async function reprocessHere(
  command: Command,
  configuration: Configuration,
  order: ReprocessOrder,
): Promise<ReprocessReport> {
  const clock = openSystemClock();
  const alone = await openIngestAlone(configuration, { clock, random: openSystemRandom() });
  const ended = alone.failed.then((error) => Promise.reject(error as Error));
  try {
    return await inScratch(command, configuration, async (shared) => {
      const { paths, registry, ends, append } = alone;
      const { view } = pathsOf(configuration.dataDir);
      const run = async (): Promise<ReprocessReport> => {
        await markNewest(alone, shared);
        return reprocess(order, {
          ...shared,
          clock,
          paths: { ...paths, view },
          registry,
          ends,
          append,
        });
      };
      return Promise.race([run(), ended]);
    });
  } finally {
    await alone.close();
  }
}

/** A registry that was changed while nobody served has no marker yet: the server would set it first. */
async function markNewest(alone: IngestAlone, { onProgress }: SharedParts): Promise<void> {
  const { readings } = await alone.ends();
  const { registryVersion } = await untilConsumed(readings, {
    ...alone,
    step: 'reprocess: readings decided',
    late: (fields) => maintainError('INGEST_REPROCESS_WAITING', fields),
    onProgress,
  });
  const { version } = alone.registry.refresh();
  if (version === registryVersion) return;
  await alone.append(registryMarker(version, registryVersion, alone.clock.now()));
}

type SharedParts = Pick<
  ReprocessParts,
  'fileSystem' | 'openTelemetry' | 'config' | 'makeScratch' | 'onFindings' | 'onProgress'
>;

/** What is left of a run that was cut short goes first; what this one made goes last. */
async function inScratch<Result>(
  command: Command,
  configuration: Configuration,
  work: (shared: SharedParts) => Promise<Result>,
): Promise<Result> {
  const folder = join(configuration.dataDir, 'reprocess.scratch');
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  remove();
  mkdirSync(folder, { mode: 0o700 });
  try {
    return await work({
      fileSystem: openNodeFileSystem(),
      openTelemetry: () => openProcessTelemetry({ room: 'reprocess', level: 'error' }),
      config: configuration.ingest,
      makeScratch: () => mkdtempSync(join(folder, 'world-')),
      onFindings: (findings) => tellFindings(command, findings),
      onProgress: openProgress(command),
    });
  } finally {
    remove();
  }
}

function tellFindings(command: Command, { series, ...findings }: ReprocessFindings): void {
  const { version, upTo, observations, differences, readingsGone, readingsRequeued } = findings;
  const { steps, stepBytes, scratchBytes, tookMs } = findings;
  tell(
    command,
    { event: 'reprocessFound', ...findings },
    `judged by registry version ${version} up to reading ${upTo}: ${differences} of ${observations} observations differ, ` +
      `the quarantine of ${readingsRequeued} readings; ${readingsGone} readings are gone. ` +
      `Needs ${steps} records (${stepBytes} bytes); took ${tookMs} ms and ${scratchBytes} bytes of disk`,
  );
  for (const one of series) {
    const { datastream, added, changed, removed, judged, left } = one;
    tell(
      command,
      { event: 'reprocessSeries', ...one },
      `  ${datastream}: ${added} added, ${changed} changed, ${removed} removed, ${judged} judged otherwise, ${left} left since their readings are gone`,
    );
  }
}

function told(command: Command, report: ReprocessReport): number {
  const { version, told: count, steps, requeued } = report;
  tell(
    command,
    { event: 'reprocessed', ...report },
    `${count} observations told again in ${steps} records, ${requeued} readings run again for their quarantine, by registry version ${version}`,
  );
  return 0;
}
