/** What the control socket answers: each question is passed to the room that owns the matter. */
import { openSystemClock } from './devices/clock-system.ts';
import { makeBackup, type FolderPaths } from './ingest/maintain/backup.ts';
import type { LogPositions } from './ingest/maintain/verify-folder.ts';
import { openNodeFileSystem } from './ingest/log/file-system-node.ts';
import type { ControlHandlers, Progress } from './control.ts';
import type { DataFolder } from './data-folder.ts';
import type { Addresses, Rooms } from './server.ts';

export interface ControlParts {
  readonly rooms: Rooms;
  readonly addresses: Addresses;
  readonly folder: DataFolder;
}

export function controlHandlers({ rooms, addresses, folder }: ControlParts): ControlHandlers {
  const inTurn = createTurns();
  return {
    addresses: async () => addresses,
    identity: async () => folder.identity,
    provision: (argument: unknown) => rooms.api.call('provision', argument),
    createToken: (argument: unknown) => rooms.api.call('createToken', argument),
    revoke: (argument: unknown) => rooms.api.call('revoke', argument),
    durableEnds: () => rooms.broker.call('durableEnds'),
    backup: ({ directory }: { readonly directory: string }, progress) =>
      inTurn(() => backupRunning({ rooms, folder }, directory, progress)),
  };
}

/** Copies the folder while it is written; retention waits meanwhile. */
async function backupRunning(
  { rooms, folder }: Pick<ControlParts, 'rooms' | 'folder'>,
  directory: string,
  progress: Progress,
): Promise<unknown> {
  const ends = () => rooms.broker.call('durableEnds') as Promise<LogPositions>;
  const paths: FolderPaths = folder;
  await rooms.broker.call('holdRetention', true);
  try {
    return await makeBackup({
      fileSystem: openNodeFileSystem(),
      clock: openSystemClock(),
      paths,
      identity: folder.identity,
      ends: {
        readings: async () => (await ends()).readings,
        observations: async () => (await ends()).observations,
      },
      targetDirectory: directory,
      onProgress: (step, done, all) => progress({ step, done, all }),
    });
  } finally {
    await rooms.broker.call('holdRetention', false);
  }
}

/** One long work at a time: a backup must not copy what an erasure is about to rewrite. */
function createTurns(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  };
}
