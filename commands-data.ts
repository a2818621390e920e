/** Commands about what is kept: they prove, copy, restore and erase it, running or not. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from './command-line.ts';
import { readConfiguration, type Configuration } from './configuration.ts';
import { askControl } from './control.ts';
import {
  mintStoreId,
  openDataFolder,
  openEmptyFolder,
  pathsOf,
  readFormat,
} from './data-folder.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { openSystemRandom } from './devices/random.ts';
import { openRegistryReader } from './devices/registry-sqlite.ts';
import { openProcessTelemetry } from './devices/telemetry-pino.ts';
import { eraseOrder, eraseWish, timesBy, type EraseWish } from './erase-order.ts';
import { startError } from './errors.ts';
import { openIngestAlone } from './ingest-alone.ts';
import { openNodeFileSystem } from './ingest/log/file-system-node.ts';
import { eraseData, type EraseReport } from './ingest/maintain/erase.ts';
import { makeBackup, type FolderPaths } from './ingest/maintain/backup.ts';
import {
  describeFinding,
  type Finding,
  type MaintainProgress,
} from './ingest/maintain/findings.ts';
import { hasManifest, readManifest, type Manifest } from './ingest/maintain/manifest.ts';
import { checkBackup, copyBackup } from './ingest/maintain/restore.ts';
import {
  endsOf,
  verifyFolder,
  type FolderReport,
  type LogPositions,
} from './ingest/maintain/verify-folder.ts';
import { digestFolder, verifyView } from './ingest/maintain/verify-view.ts';
import type { Digest } from './ingest/store/digest.ts';

/** Between two lines of progress. */
const progressMs = 1_000;

function configurationOf(command: Command): Configuration {
  return readConfiguration({ flags: command.flags, environment: process.env });
}

/** A JSON line, or a sentence. */
function tell(command: Command, event: Record<string, unknown>, sentence: string): void {
  const line = command.flags['json'] === true ? JSON.stringify(event) : sentence;
  process.stdout.write(`${line}\n`);
}

/** To standard error, about once a second. */
function openProgress(command: Command): MaintainProgress {
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
function relay(onProgress: MaintainProgress): (told: unknown) => void {
  return (told) => {
    const { step, done, all } = told as { step: string; done: number; all: number };
    onProgress(step, done, all);
  };
}

/** More of them are only counted. */
const findingsToldMax = 10_000;

interface FindingTeller {
  readonly onFinding: (finding: Finding) => void;
  readonly count: () => number;
}

function openFindings(command: Command): FindingTeller {
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

function oneArgument(command: Command, what: string): string {
  const [argument] = command.arguments;
  if (argument === undefined || command.arguments.length > 1)
    throw startError('START_USAGE', { command: command.name, accepted: what });
  return resolve(argument);
}

/** A command that only makes sense where there is data must not make an empty folder instead. */
function requireData({ dataDir }: Configuration): void {
  if (readFormat(dataDir) === undefined)
    throw startError('START_USAGE', { folder: dataDir, problem: 'there is no data folder' });
}

export async function verifyCommand(command: Command): Promise<number> {
  const configuration = configurationOf(command);
  if (command.arguments.length > 1)
    throw startError('START_USAGE', { command: 'verify', accepted: 'one folder, or none' });
  const directory = resolve(command.arguments[0] ?? configuration.dataDir);
  if (!existsSync(directory))
    throw startError('START_USAGE', { folder: directory, problem: 'there is no such folder' });
  const fileSystem = openNodeFileSystem();
  const clock = openSystemClock();
  const onProgress = openProgress(command);
  const findings = openFindings(command);
  const { onFinding, count } = findings;
  const paths = pathsOf(directory);
  const isBackup = await hasManifest(fileSystem, directory);
  const manifest = isBackup ? await readManifest(fileSystem, directory) : null;
  if (manifest !== null) {
    await checkBackup({ fileSystem, clock, directory, manifest, onFinding, onProgress });
  }
  const report = await verifyFolder({
    paths,
    fileSystem,
    clock,
    storeId: manifest?.storeId ?? readFormat(directory)?.storeId ?? null,
    liveEnds: isBackup ? null : await liveEndsOf(paths.controlSocket),
    onFinding,
    onProgress,
  });
  const digest = await verifyByRegistry(command, configuration, {
    paths,
    report,
    findings,
    onProgress,
  });
  const { readings, observations } = report.ends;
  const totals = { readings, observations, records: report.records, findings: count() };
  tell(
    command,
    { event: 'verified', folder: directory, ...totals, ...digest },
    count() === 0
      ? `nothing wrong: ${readings} readings, ${observations} batches of observations`
      : `${count()} findings in ${readings} readings and ${observations} batches of observations`,
  );
  if (digest !== undefined && command.flags['json'] !== true)
    process.stdout.write(`${digest.digest}\n`);
  return count() === 0 ? 0 : 1;
}

interface Verified {
  readonly paths: FolderPaths;
  readonly report: FolderReport;
  readonly findings: FindingTeller;
  readonly onProgress: MaintainProgress;
}

/** What cannot be judged without the registry: the view, and with --digest what all of it says. */
async function verifyByRegistry(
  command: Command,
  configuration: Configuration,
  { paths, report, findings, onProgress }: Verified,
): Promise<Digest | undefined> {
  if (report.registryVersion === null) return undefined;
  const clock = openSystemClock();
  const reader = openRegistryReader(paths.registry, { clock, config: configuration.devices });
  const scratch: string[] = [];
  try {
    const registry = reader.current();
    if (report.view !== null) verifyView(paths.view, registry, findings.onFinding);
    // A log that cannot be read whole has been named; a digest of a part would be none.
    if (command.flags['digest'] !== true || findings.count() > 0) return undefined;
    return await digestFolder({
      view: paths.view,
      observations: report.observations,
      registry,
      config: configuration.ingest.store,
      clock,
      telemetry: openProcessTelemetry({ room: 'verify', level: 'error', processMetrics: false }),
      makeScratch() {
        const folder = mkdtempSync(join(tmpdir(), 'quantrac-verify-'));
        scratch.push(folder);
        return folder;
      },
      onProgress,
    });
  } finally {
    reader.close();
    for (const folder of scratch) rmSync(folder, { recursive: true, force: true });
  }
}

/** Asks the server that runs on the folder; null where none does. */
async function liveEndsOf(controlSocket: string): Promise<(() => Promise<LogPositions>) | null> {
  const ask = () => askControl(controlSocket, 'durableEnds', null);
  if ((await ask()) === undefined) return null;
  return async () => {
    const asked = await ask();
    if (asked === undefined)
      throw startError('START_NOT_RUNNING', {
        problem: 'the server ended meanwhile: verify again',
      });
    return asked.result as LogPositions;
  };
}

export async function backupCommand(command: Command): Promise<number> {
  const directory = oneArgument(command, 'a new or empty folder');
  const configuration = configurationOf(command);
  const onProgress = openProgress(command);
  requireData(configuration);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // It holds what the data folder holds: nobody else's to read.
  chmodSync(directory, 0o700);
  const asked = await askControl(
    pathsOf(configuration.dataDir).controlSocket,
    'backup',
    { directory },
    relay(onProgress),
  );
  const manifest =
    asked === undefined
      ? await backupHere(configuration, directory, onProgress)
      : (asked.result as Manifest);
  const { storeId, view, observations, readings, registry } = manifest;
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  tell(
    command,
    { event: 'backedUp', directory, storeId, view, observations, readings, registry, bytes },
    `${manifest.files.length} files, ${bytes} bytes: readings up to ${readings.end}, observations up to ${observations.end}, registry version ${registry}`,
  );
  return 0;
}

async function backupHere(
  configuration: Configuration,
  directory: string,
  onProgress: MaintainProgress,
): Promise<Manifest> {
  const folder = openDataFolder(configuration.dataDir, openSystemRandom());
  try {
    const fileSystem = openNodeFileSystem();
    const ends = await endsOf(fileSystem, folder);
    return await makeBackup({
      fileSystem,
      clock: openSystemClock(),
      paths: folder,
      identity: folder.identity,
      ends: { readings: async () => ends.readings, observations: async () => ends.observations },
      targetDirectory: directory,
      onProgress,
    });
  } finally {
    folder.release();
  }
}

export async function restoreCommand(command: Command): Promise<number> {
  const directory = oneArgument(command, 'the folder of a backup');
  const configuration = configurationOf(command);
  const fileSystem = openNodeFileSystem();
  const onProgress = openProgress(command);
  const { onFinding, count } = openFindings(command);
  const manifest = await readManifest(fileSystem, directory);
  await checkBackup({
    fileSystem,
    clock: openSystemClock(),
    directory,
    manifest,
    onFinding,
    onProgress,
  });
  if (count() > 0) return 1;
  const folder = openEmptyFolder(configuration.dataDir);
  try {
    const storeId = mintStoreId(openSystemRandom());
    const targetDirectory = folder.path;
    await copyBackup({ fileSystem, directory, manifest, targetDirectory, storeId, onProgress });
    const upTo = manifest.observations.end;
    folder.finish({ storeId, earlier: [...manifest.earlier, { storeId: manifest.storeId, upTo }] });
    tell(
      command,
      { event: 'restored', folder: folder.path, storeId, earlier: manifest.storeId, upTo },
      `restored into ${folder.path} as store ${storeId}; cursors of ${manifest.storeId} are good up to ${upTo}. Erasures made after ${new Date(manifest.madeAt).toISOString()} are not in this backup: make them again`,
    );
    return 0;
  } finally {
    folder.release();
  }
}

export async function eraseCommand(command: Command): Promise<number> {
  const wish = eraseWish(command);
  const configuration = configurationOf(command);
  requireData(configuration);
  const onProgress = openProgress(command);
  const asked = await askControl(
    pathsOf(configuration.dataDir).controlSocket,
    'erase',
    wish,
    relay(onProgress),
  );
  const report =
    asked === undefined
      ? await eraseHere(configuration, wish, onProgress)
      : (asked.result as EraseReport);
  const { readings, batches, viewRows } = report;
  tell(
    command,
    { event: 'erased', ...wish, ...report },
    `${readings} readings and ${batches} batches of observations blanked, ${viewRows} rows of the view; recorded as control`,
  );
  return 0;
}

async function eraseHere(
  configuration: Configuration,
  wish: EraseWish,
  onProgress: MaintainProgress,
): Promise<EraseReport> {
  const alone = await openIngestAlone(configuration, {
    clock: openSystemClock(),
    random: openSystemRandom(),
  });
  try {
    const registry = alone.registry.current();
    const timesOf = timesBy(registry, configuration.ingest.decode);
    const erasing = eraseData(eraseOrder(wish, registry), { ...alone, timesOf, onProgress });
    return await Promise.race([
      erasing,
      alone.failed.then((error) => Promise.reject(error as Error)),
    ]);
  } finally {
    await alone.close();
  }
}

export async function reprocessCommand(command: Command): Promise<number> {
  throw startError('START_NOT_IN_VERSION', { command: command.name });
}
