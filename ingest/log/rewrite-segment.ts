import { createHash } from 'node:crypto';

import type { OpenFile } from './file-system.ts';
import { readWhole, temporarySuffix, unlinkIfThere, writeWhole } from './file-system.ts';
import type { LogRecord, Position } from './log.ts';
import type { ClosedSegment } from './recovery.ts';
import {
  decodeRewritten,
  encodeHeader,
  encodeRewritten,
  flagRewritten,
  recordHeaderBytes,
  viewOf,
  writeRecordHeader,
} from './segment-format.ts';
import type { LogFolder } from './segment-folder.ts';
import { openSegmentFile, pathOf } from './segment-folder.ts';
import { SegmentScan } from './segment-scan.ts';
import { skipHole } from './seal-segment.ts';

export interface Rewrite {
  /** Of the records to replace. */
  readonly positions: ReadonlySet<Position>;
  /** Why, kept with each replaced record; at most 1,000 characters. */
  readonly reason: string;
  /** The new body. Called once for each position that can be read. */
  readonly replace: (record: LogRecord) => Uint8Array;
}

/**
 * Replaces bodies in one closed segment: a whole new file is written beside the old one, synced and
 * renamed over it, so that a loss of power leaves the one or the other. Positions and the hashes of
 * the original bodies stay. Returns the new file's bytes; `count` are records replaced.
 */
export async function rewriteSegment(
  folder: LogFolder,
  segment: ClosedSegment,
  rewrite: Rewrite,
): Promise<{ readonly bytes: number; readonly count: number }> {
  const path = pathOf(folder, segment.first, 'segment');
  const { file, header } = await openSegmentFile(folder, segment.first);
  try {
    await unlinkIfThere(folder.fileSystem, path + temporarySuffix);
    const target = await folder.fileSystem.open(path + temporarySuffix, 'create');
    const output = createOutput(target);
    let count = 0;
    try {
      await output.add(encodeHeader(header, folder.crc32c));
      const scan = new SegmentScan({
        file,
        crc32c: folder.crc32c,
        salt: header.salt,
        first: segment.first,
        limit: segment.last + 1,
      });
      count = await copyRecords({ scan, output, rewrite, folder, salt: header.salt });
      await output.flush();
      await target.sync();
    } finally {
      await target.close();
    }
    await folder.fileSystem.rename(path + temporarySuffix, path);
    await folder.fileSystem.syncDirectory(folder.directory);
    return { bytes: output.bytes(), count };
  } finally {
    await file.close();
  }
}

interface Copying {
  readonly scan: SegmentScan;
  readonly output: Output;
  readonly rewrite: Rewrite;
  readonly folder: LogFolder;
  readonly salt: number;
}

const fillBytes = 1_048_576;

async function copyRecords(copying: Copying): Promise<number> {
  const { scan, output, rewrite } = copying;
  let count = 0;
  for (;;) {
    const step = scan.step();
    if (step === 'more') await scan.fill(fillBytes);
    else if (step === 'record') {
      const isChosen = rewrite.positions.has(scan.recordPosition);
      if (isChosen) count++;
      const whole = scan.buffer.subarray(scan.bodyAt - recordHeaderBytes, scan.bodyEnd);
      await output.add(isChosen ? replacement(copying) : whole);
    } else {
      if (scan.position >= scan.limit) return count;
      await copyHole(copying);
    }
  }
}

function replacement({ scan, rewrite, folder, salt }: Copying): Buffer {
  const stored = scan.buffer.subarray(scan.bodyAt, scan.bodyEnd);
  const before = (scan.flags & flagRewritten) === 0 ? null : decodeRewritten(stored);
  const hash = before?.originalHash ?? createHash('sha256').update(stored).digest();
  const record: LogRecord = {
    position: scan.recordPosition,
    body: before?.body ?? stored,
    rewritten: before !== null,
  };
  const body = encodeRewritten(hash, rewrite.reason, rewrite.replace(record));
  const bytes = Buffer.concat([Buffer.alloc(recordHeaderBytes), body]);
  writeRecordHeader(
    viewOf(bytes),
    0,
    { bytes: body.length, flags: scan.flags | flagRewritten },
    { position: scan.recordPosition, crc32c: folder.crc32c, salt },
  );
  return bytes;
}

/** Damaged bytes are copied as they are; where a chosen record lies in them they are blanked. */
async function copyHole({ scan, output, rewrite }: Copying): Promise<void> {
  const from = scan.offset;
  const size = await scan.file.size();
  const hole = await skipHole(scan);
  if (hole === null) return;
  const to = scan.position >= scan.limit ? size : scan.offset;
  let isChosen = false;
  for (let position = hole.first; position <= hole.last; position++) {
    if (rewrite.positions.has(position)) isChosen = true;
  }
  for (let at = from; at < to; at += fillBytes) {
    const bytes = Buffer.alloc(Math.min(fillBytes, to - at));
    if (!isChosen) await readWhole(scan.file, bytes, bytes.length, at);
    await output.add(bytes);
  }
}

interface Output {
  add(bytes: Buffer): Promise<void>;
  flush(): Promise<void>;
  bytes(): number;
}

/** Collects small pieces into writes of about a mebibyte. */
function createOutput(file: OpenFile): Output {
  const buffer = Buffer.allocUnsafeSlow(fillBytes);
  let [held, offset] = [0, 0];
  async function flush(): Promise<void> {
    await writeWhole(file, buffer, held, offset);
    offset += held;
    held = 0;
  }
  return {
    async add(bytes) {
      if (held + bytes.length > buffer.length) await flush();
      if (bytes.length > buffer.length) {
        await writeWhole(file, bytes, bytes.length, offset);
        offset += bytes.length;
        return;
      }
      held += bytes.copy(buffer, held);
    },
    flush,
    bytes: () => offset + held,
  };
}
