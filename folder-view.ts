/** What a data folder or a backup says at the end of its observations, for who only reads. */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Configuration } from './configuration.ts';
import { askControl } from './control.ts';
import { pathsOf } from './data-folder.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { openRegistryReader } from './devices/registry-sqlite-reader.ts';
import type { Registry } from './devices/registry.ts';
import { openProcessTelemetry } from './devices/telemetry-pino.ts';
import { startError } from './errors.ts';
import { openNodeFileSystem } from './ingest/log/file-system-node.ts';
import type { MaintainProgress } from './ingest/maintain/findings.ts';
import { logPlace } from './ingest/maintain/log-place.ts';
import { endsOf, type LogPositions } from './ingest/maintain/verify-folder.ts';
import { circularIn } from './ingest/maintain/verify-view.ts';
import { openViewAt } from './ingest/maintain/view-at.ts';
import { readViewState } from './ingest/store/adopt-view.ts';
import type { StoreReader } from './ingest/store/store.ts';

/** Throws START_USAGE where there is no such folder. */
export function requireFolder(directory: string): void {
  if (!existsSync(directory) || !statSync(directory).isDirectory())
    throw startError('START_USAGE', { folder: directory, problem: 'there is no such folder' });
}

/** Asks the server that runs on the folder; null where none does. */
export async function liveEndsOf(
  controlSocket: string,
): Promise<(() => Promise<LogPositions>) | null> {
  const ask = () => askControl(controlSocket, 'durableEnds', null);
  if ((await ask()) === undefined) return null;
  return async () => {
    const asked = await ask();
    if (asked === undefined)
      throw startError('START_NOT_RUNNING', {
        problem: 'the server ended meanwhile: run the command again',
      });
    return asked.result as LogPositions;
  };
}

export interface FolderView {
  readonly store: StoreReader;
  /** The newest version. */
  readonly registry: Registry;
  /** What ended then or later is there; −Infinity: everything is. */
  readonly knownFromAt: number;
  close(): void;
}

/** Rejects with LOG_…, INGEST_BATCH_… or DEVICES_REGISTRY_… where the folder cannot be read whole. */
export async function openFolderView(
  directory: string,
  { devices, ingest }: Pick<Configuration, 'devices' | 'ingest'>,
  onProgress: MaintainProgress,
): Promise<FolderView> {
  requireFolder(directory);
  const clock = openSystemClock();
  const fileSystem = openNodeFileSystem();
  const paths = pathsOf(directory);
  const live = await liveEndsOf(paths.controlSocket);
  const ends = live === null ? await endsOf(fileSystem, paths) : await live();
  const reader = openRegistryReader(paths.registry, { clock, config: devices });
  const scratch: string[] = [];
  const close = (): void => {
    reader.close();
    for (const folder of scratch) rmSync(folder, { recursive: true, force: true });
  };
  try {
    const registry = reader.current();
    const opened = await openViewAt({
      path: paths.view,
      observations: logPlace(fileSystem, paths.observations, ends.observations),
      config: ingest.store,
      clock,
      telemetry: openProcessTelemetry({ room: 'compare', level: 'error' }),
      isCircular: circularIn(registry),
      makeScratch() {
        const folder = mkdtempSync(join(tmpdir(), 'quantrac-compare-'));
        scratch.push(folder);
        return folder;
      },
      onProgress,
    });
    const both = (): void => {
      opened.close();
      close();
    };
    const knownFromAt = existsSync(paths.view)
      ? readViewState(paths.view).knownFromAt
      : Number.NEGATIVE_INFINITY;
    return { store: opened.store, registry, knownFromAt, close: both };
  } catch (error) {
    close();
    throw error;
  }
}
