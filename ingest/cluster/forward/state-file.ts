/**
 * How far Kafka has a node's log of readings, on disk: `forward.state` in the data folder.
 *
 *   file := slot · slot                           both of one size, a multiple of 512
 *   slot := crc32 of the JSON, 8 hex digits · " " · JSON · spaces · "\n"
 *   JSON := {"format":"quantrac-forward/1","write":7,"node":…,"topic":…,"partitions":…,
 *            "position":…,"registryVersion":…,"sequences":[…]}
 *
 * Writes take turns between the slots, in place: the other one stays good whatever happens to this
 * one, and a full disk does not keep a node from noting what it may delete.
 */
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import {
  readFile,
  replaceFile,
  systemCode,
  writeWhole,
  type FileSystem,
  type OpenFile,
} from '../../log/file-system.ts';
import type { Position } from '../../log/log.ts';
import { forwardError } from './errors.ts';

/**
 * Kafka has every record up to `position`; those behind it are routed by this registry version until
 * the next note. A forwarder that begins here gives each record the key, partition and sequence that
 * it had before.
 */
export interface ForwardState {
  readonly position: Position;
  readonly registryVersion: number;
  /** By partition, the last sequence up to `position`. */
  readonly sequences: readonly number[];
}

/** What the sequences count in: another node, topic or number of partitions has others. */
export interface ForwardIdentity {
  readonly node: number;
  readonly topic: string;
  readonly partitions: number;
}

export interface StateFile {
  /** As it was found, or `first`. */
  readonly found: ForwardState;
  /** Resolves once it survives a loss of power; after a rejection the last one still holds. */
  note(state: ForwardState): Promise<void>;
  close(): Promise<void>;
}

export interface StateFileOptions extends ForwardIdentity {
  readonly fileSystem: FileSystem;
  /** Of the data folder. */
  readonly directory: string;
  /** Of a node that never sent anything; it is noted before this is answered. */
  readonly first: ForwardState;
}

export const fileName = 'forward.state';
const format = 'quantrac-forward/1';
const sectorBytes = 512;
/** Of a slot, beside topic and sequences. */
const frameBytesMax = 256;
const sequenceDigitsMax = 17;

const count = z.int().min(0);
const slotSchema = z.object({
  format: z.literal(format),
  write: z.int().min(1),
  node: count,
  topic: z.string(),
  partitions: count,
  position: count,
  registryVersion: count,
  sequences: z.array(count),
});
type Slot = z.infer<typeof slotSchema>;

/** Rejects FORWARD_STATE_DAMAGED, FORWARD_STATE_OTHER, or the disk's error. */
export async function openStateFile(options: StateFileOptions): Promise<StateFile> {
  const { fileSystem, directory } = options;
  const path = `${directory}/${fileName}`;
  const bytes = await readIfThere(fileSystem, path);
  const slot = bytes === undefined ? await create(options) : newest(bytes, path);
  checkIdentity(slot, options);
  const slotBytes = bytes === undefined ? slotBytesOf(options) : bytes.length / 2;
  let write = slot.write;
  let file: OpenFile | undefined;

  async function note(state: ForwardState): Promise<void> {
    const next = write + 1;
    const text = encodeSlot({ ...options, ...state, write: next }, slotBytes);
    try {
      file ??= await fileSystem.open(path, 'write');
      await writeWhole(file, text, slotBytes, (next % 2) * slotBytes);
      await file.sync();
    } catch (error) {
      // A descriptor that failed may call clean what is not on the disk: it is not used again, and
      // that it cannot be closed in order changes nothing.
      await file?.close().catch(() => undefined);
      file = undefined;
      throw error;
    }
    write = next;
  }

  // A process that died before its last sync left content, or a name, that is not on the disk.
  await note(slot);
  await fileSystem.syncDirectory(directory);
  return {
    found: slot,
    note,
    async close() {
      await file?.close();
      file = undefined;
    },
  };
}

export type ForwardedState = Pick<Slot, 'node' | 'partitions' | 'position'>;

/** As it is now, for who only looks; undefined where there is none. Rejects FORWARD_STATE_DAMAGED. */
export async function readForwardState(
  fileSystem: FileSystem,
  directory: string,
): Promise<ForwardedState | undefined> {
  const path = `${directory}/${fileName}`;
  const bytes = await readIfThere(fileSystem, path);
  return bytes === undefined ? undefined : newest(bytes, path);
}

async function create(options: StateFileOptions): Promise<Slot> {
  const { node, topic, partitions, first } = options;
  const slot: Slot = {
    format,
    write: 1,
    node,
    topic,
    partitions,
    ...first,
    sequences: [...first.sequences],
  };
  const slotBytes = slotBytesOf(options);
  const bytes = Buffer.alloc(2 * slotBytes, ' ');
  encodeSlot(slot, slotBytes).copy(bytes, (slot.write % 2) * slotBytes);
  await replaceFile(options.fileSystem, options.directory, fileName, bytes);
  return slot;
}

function slotBytesOf({ topic, partitions }: ForwardIdentity): number {
  const bytes = frameBytesMax + 6 * topic.length + sequenceDigitsMax * partitions;
  return Math.ceil(bytes / sectorBytes) * sectorBytes;
}

type Written = ForwardState & ForwardIdentity & { readonly write: number };

function encodeSlot(written: Written, slotBytes: number): Buffer {
  const { write, node, topic, partitions, position, registryVersion, sequences } = written;
  const frame = { format, write, node, topic, partitions };
  const json = JSON.stringify({ ...frame, position, registryVersion, sequences });
  const bytes = Buffer.alloc(slotBytes, ' ');
  bytes.write(`${checksum(json)} ${json}`);
  bytes.write('\n', slotBytes - 1);
  return bytes;
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, '0');
}

/** The later of the slots that are whole. */
function newest(bytes: Buffer, path: string): Slot {
  const half = bytes.length / 2;
  const slots = [bytes.subarray(0, half), bytes.subarray(half)].map(decodeSlot);
  let best: Slot | undefined;
  for (const slot of slots) {
    if (slot !== undefined && slot.write > (best?.write ?? 0)) best = slot;
  }
  if (best === undefined) throw forwardError('FORWARD_STATE_DAMAGED', { path });
  return best;
}

function decodeSlot(bytes: Buffer): Slot | undefined {
  const text = bytes.toString('utf8').trimEnd();
  const json = text.slice(9);
  if (text.slice(0, 9) !== `${checksum(json)} `) return undefined;
  // The checksum says that it is what was written: what does not parse is a newer version's.
  return slotSchema.safeParse(JSON.parse(json)).data;
}

/** The settings under which sequences mean something, by their keys. */
function checkIdentity(slot: Slot, options: ForwardIdentity): void {
  const settings = [
    { key: 'cluster.node', is: options.node, mustBe: slot.node },
    { key: 'cluster.kafka.topicPrefix', is: options.topic, mustBe: slot.topic },
    { key: 'cluster.partitions', is: options.partitions, mustBe: slot.partitions },
  ];
  for (const setting of settings) {
    if (setting.is !== setting.mustBe) throw forwardError('FORWARD_STATE_OTHER', setting);
  }
}

async function readIfThere(fileSystem: FileSystem, path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(fileSystem, path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
