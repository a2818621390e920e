/** The command `verify`: proves a data folder or a backup, beside a running server too. */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from './command-line.ts';
import {
  configurationOf,
  openFindings,
  openProgress,
  tell,
  type FindingTeller,
} from './command-telling.ts';
import type { Configuration } from './configuration.ts';
import { askControl } from './control.ts';
import { pathsOf, readFormat } from './data-folder.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { openRegistryReader } from './devices/registry-sqlite-reader.ts';
import { openProcessTelemetry } from './devices/telemetry-pino.ts';
import { startError } from './errors.ts';
import { openNodeFileSystem } from './ingest/log/file-system-node.ts';
import type { FolderPaths } from './ingest/maintain/backup.ts';
import type { MaintainProgress } from './ingest/maintain/findings.ts';
import { hasManifest, readManifest } from './ingest/maintain/manifest.ts';
import { checkBackup } from './ingest/maintain/restore.ts';
import {
  verifyFolder,
  type FolderReport,
  type LogPositions,
} from './ingest/maintain/verify-folder.ts';
import { digestFolder, verifyView } from './ingest/maintain/verify-view.ts';
import type { Digest } from './ingest/store/digest.ts';

function folderOf(command: Command, configuration: Configuration): string {
  if (command.arguments.length > 1)
    throw startError('START_USAGE', { command: 'verify', accepted: 'one folder, or none' });
  const directory = resolve(command.arguments[0] ?? configuration.dataDir);
  if (!existsSync(directory) || !statSync(directory).isDirectory())
    throw startError('START_USAGE', { folder: directory, problem: 'there is no such folder' });
  return directory;
}

export async function verifyCommand(command: Command): Promise<number> {
  const configuration = configurationOf(command);
  const directory = folderOf(command, configuration);
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
      telemetry: openProcessTelemetry({ room: 'verify', level: 'error' }),
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
