/** What the control socket answers: each question is passed to the room that owns the matter. */
import { openSystemClock } from './devices/clock-system.ts';
import { openRegistryReader } from './devices/registry-sqlite-reader.ts';
import { eraseOrder, timesBy, type EraseWish } from './erase-order.ts';
import { eraseData, type EraseReport } from './ingest/maintain/erase.ts';
import { makeBackup, type FolderPaths } from './ingest/maintain/backup.ts';
import type { LogPositions } from './ingest/maintain/verify-folder.ts';
import { openNodeFileSystem } from './ingest/log/file-system-node.ts';
import type { Reading } from './ingest/reading.ts';
import type { Configuration } from './configuration.ts';
import type { ControlHandlers, Progress } from './control.ts';
import type { DataFolder } from './data-folder.ts';
import type { Addresses, Rooms } from './server.ts';

export interface ControlParts {
  readonly rooms: Rooms;
  readonly addresses: Addresses;
  readonly folder: DataFolder;
  readonly configuration: Configuration;
}

export function controlHandlers(parts: ControlParts): ControlHandlers {
  const { rooms, addresses, folder } = parts;
  const inTurn = createTurns();
  return {
    addresses: async () => addresses,
    identity: async () => folder.identity,
    provision: (argument: unknown) => rooms.api.call('provision', argument),
    createToken: (argument: unknown) => rooms.api.call('createToken', argument),
    grants: (argument: unknown) => rooms.api.call('grants', argument),
    access: (argument: unknown) => rooms.api.call('access', argument),
    revoke: (argument: unknown) => rooms.api.call('revoke', argument),
    pinCertificate: (argument: unknown) => rooms.api.call('pinCertificate', argument),
    unpinCertificate: (argument: unknown) => rooms.api.call('unpinCertificate', argument),
    balance: () => rooms.api.call('balance'),
    makeManifest: (wish: unknown) => rooms.api.call('makeManifest', wish),
    durableEnds: () => rooms.broker.call('durableEnds'),
    backup: ({ directory }: { readonly directory: string }, progress) =>
      inTurn(() => backupRunning(parts, directory, progress)),
    erase: (wish: EraseWish, progress) => inTurn(() => eraseRunning(parts, wish, progress)),
    reprocess: (_: unknown, progress, gone) =>
      inTurn(async () => {
        progress(parts.configuration);
        await gone;
      }),
    append: (record: AppendedRecord) => rooms.broker.call('append', readingOf(record)),
  };
}

/** What a command may append to `readings`. */
export interface AppendedRecord {
  readonly kind: 'decision' | 'replay';
  readonly text: string;
}

function readingOf({ kind, text }: AppendedRecord): Reading {
  const receivedAt = openSystemClock().now();
  const payload = Buffer.from(text);
  return { kind, door: 'internal', receivedAt, device: '', topic: '', payload };
}

/** Copies the folder while it is written; retention waits meanwhile. */
async function backupRunning(
  { rooms, folder }: ControlParts,
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

/** The rooms do what they own; what takes long is read here, beside them. */
async function eraseRunning(
  { rooms, folder, configuration }: ControlParts,
  wish: EraseWish,
  progress: Progress,
): Promise<EraseReport> {
  const clock = openSystemClock();
  const { broker, ingest } = rooms;
  const reader = openRegistryReader(folder.registry, { clock, config: configuration.devices });
  try {
    const registry = reader.current();
    return await eraseData(eraseOrder(wish, registry), {
      clock,
      fileSystem: openNodeFileSystem(),
      paths: folder,
      ends: () => broker.call('durableEnds') as Promise<LogPositions>,
      append: (reading) => broker.call('append', reading) as Promise<number>,
      blankReadings: (question) => broker.call('blankReadings', question) as Promise<number>,
      blankBatches: (question) => ingest.call('blankBatches', question) as Promise<number>,
      blankView: (question) => ingest.call('blankView', question) as Promise<number>,
      timesOf: timesBy(registry, configuration.ingest.decode),
      onProgress: (step, done, all) => progress({ step, done, all }),
    });
  } finally {
    reader.close();
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
