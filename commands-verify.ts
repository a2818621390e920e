/** The command `verify`: proves a data folder or a backup, beside a running server too. */
import { mkdtempSync, rmSync } from 'node:fs';
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
import { pathsOf, readFormat } from './data-folder.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { openRegistryReader } from './devices/registry-sqlite-reader.ts';
import { openProcessTelemetry } from './devices/telemetry-pino.ts';
import { startError } from './errors.ts';
import { liveEndsOf, requireFolder } from './folder-view.ts';
import { networkOf } from './ingest/cluster/node-folder.ts';
import type { ClusterIdentity } from './ingest/cluster/registry/identity.ts';
import { openNodeFileSystem } from './ingest/log/file-system-node.ts';
import type { FolderPaths } from './ingest/maintain/backup.ts';
import type { MaintainProgress } from './ingest/maintain/findings.ts';
import { hasManifest, readManifest } from './ingest/maintain/manifest.ts';
import { checkBackup } from './ingest/maintain/restore.ts';
import { verifyFolder, type FolderReport } from './ingest/maintain/verify-folder.ts';
import { verifyPartitions } from './ingest/maintain/verify-partitions.ts';
import { digestFolder, verifyView } from './ingest/maintain/verify-view.ts';
import type { Digest } from './ingest/store/digest.ts';

function folderOf(command: Command, configuration: Configuration): string {
  if (command.arguments.length > 1)
    throw startError('START_USAGE', { command: 'verify', accepted: 'one folder, or none' });
  const directory = resolve(command.arguments[0] ?? configuration.dataDir);
  requireFolder(directory);
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
  const network = networkOf(paths.registry, configuration.devices);
  const report = await verifyFolder({
    paths,
    fileSystem,
    clock,
    storeId: network?.storeId ?? manifest?.storeId ?? readFormat(directory)?.storeId ?? null,
    liveEnds: isBackup ? null : await liveEndsOf(paths.controlSocket),
    onFinding,
    onProgress,
  });
  const parts = { paths, report, findings, onProgress, network };
  const { digest, partitions } = await verifyByRegistry(command, configuration, parts);
  const ofNetwork =
    network === undefined ? {} : { partitions, notChecked: notInFolder(command, report) };
  tellVerified(command, { folder: directory, report, findings: count(), ...ofNetwork, digest });
  return count() === 0 ? 0 : 1;
}

interface Told {
  readonly folder: string;
  readonly report: FolderReport;
  readonly findings: number;
  /** Of a node alone: whose views it has as a worker, and what is not in its folder. */
  readonly partitions?: readonly number[];
  readonly notChecked?: readonly string[];
  readonly digest: Digest | undefined;
}

function tellVerified(command: Command, { report, digest, ...told }: Told): void {
  const { readings, observations } = report.ends;
  const { records } = report;
  const all = `${readings} readings, ${observations} batches of observations`;
  const what =
    told.findings === 0 ? `nothing wrong: ${all}` : `${told.findings} findings in ${all}`;
  tell(
    command,
    { event: 'verified', ...told, readings, observations, records, ...digest },
    [...(told.notChecked ?? []).map((each) => `not checked: ${each}`), what].join('\n'),
  );
  if (digest !== undefined && command.flags['json'] !== true)
    process.stdout.write(`${digest.digest}\n`);
}

/** What a node's folder says nothing about. */
function notInFolder(command: Command, { ends, view }: FolderReport): string[] {
  const what = ['the topics in Kafka and the bucket in InfluxDB: the network keeps its data there'];
  const { knownFromAt = Number.NEGATIVE_INFINITY } = view ?? {};
  if (knownFromAt > Number.NEGATIVE_INFINITY) {
    const from = new Date(knownFromAt).toISOString();
    what.push(`what ended before ${from}, in the digest too: this copy begins there`);
  }
  if (command.flags['digest'] === true && ends.observations === 0) {
    what.push('the digest: this node holds no observations of its own');
  }
  return what;
}

interface Verified {
  /** Undefined on one machine. */
  readonly network: ClusterIdentity | undefined;
  readonly paths: FolderPaths;
  readonly report: FolderReport;
  readonly findings: FindingTeller;
  readonly onProgress: MaintainProgress;
}

interface ByRegistry {
  readonly digest: Digest | undefined;
  /** Whose views a worker holds. */
  readonly partitions: readonly number[];
}

/** What cannot be judged without the registry: views, and with --digest what all of it says. */
async function verifyByRegistry(
  command: Command,
  configuration: Configuration,
  { network, paths, report, findings, onProgress }: Verified,
): Promise<ByRegistry> {
  if (report.registryVersion === null) return { digest: undefined, partitions: [] };
  const clock = openSystemClock();
  const reader = openRegistryReader(paths.registry, { clock, config: configuration.devices });
  const scratch: string[] = [];
  try {
    const registry = reader.current();
    if (report.view !== null) verifyView(paths.view, registry, findings.onFinding);
    const { onFinding } = findings;
    const fileSystem = openNodeFileSystem();
    const directory = paths.path;
    const partitions =
      network === undefined
        ? []
        : await verifyPartitions({ ...network, fileSystem, directory, registry, onFinding });
    const isWhole =
      findings.count() === 0 && (network === undefined || report.ends.observations > 0);
    // A log that cannot be read whole has been named; a digest of a part would be none.
    if (command.flags['digest'] !== true || !isWhole) return { digest: undefined, partitions };
    const digest = await digestFolder({
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
    return { digest, partitions };
  } finally {
    reader.close();
    for (const folder of scratch) rmSync(folder, { recursive: true, force: true });
  }
}
