/**
 * Where the own log ended when its node was started, on disk: `forward.start` in the data folder, from
 * a start on until Kafka was asked how far it knows the log. While Kafka stays away through several
 * starts the first of them counts: what came in since then nobody can know.
 *
 *   file := {"format":"quantrac-forward-start/1","end":…} · "\n"
 */
import { z } from 'zod';
import {
  readFile,
  replaceFile,
  systemCode,
  unlinkIfThere,
  type FileSystem,
} from '../../log/file-system.ts';
import type { Position } from '../../log/log.ts';
import { forwardError } from './errors.ts';

export interface StartNoteOptions {
  readonly fileSystem: FileSystem;
  /** The data folder. */
  readonly directory: string;
}

const fileName = 'forward.start';
const format = 'quantrac-forward-start/1';
const schema = z.object({ format: z.literal(format), end: z.int().min(0) });

/** Undefined where there is none. Rejects FORWARD_STATE_DAMAGED, or the disk's error. */
export async function readStart(options: StartNoteOptions): Promise<Position | undefined> {
  const path = `${options.directory}/${fileName}`;
  let text: string;
  try {
    text = (await readFile(options.fileSystem, path)).toString('utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const found = schema.safeParse(parse(text)).data;
  if (found === undefined) throw forwardError('FORWARD_STATE_DAMAGED', { path });
  return found.end;
}

/** Undefined for what is no JSON, as for what is none of ours. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Resolves once it survives a loss of power. */
export async function writeStart(options: StartNoteOptions, end: Position): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify({ format, end })}\n`);
  await replaceFile(options.fileSystem, options.directory, fileName, bytes);
}

/** Resolves once its end survives a loss of power. */
export async function removeStart({ fileSystem, directory }: StartNoteOptions): Promise<void> {
  await unlinkIfThere(fileSystem, `${directory}/${fileName}`);
  await fileSystem.syncDirectory(directory);
}
