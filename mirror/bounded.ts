/**
 * A folder that takes no more of the disk than it may, whatever the server gives: a list, a feed or a
 * chain of manifests without end stops here. What was written stays as it is, so that the next run, if
 * it may take more, goes on from the last place where the state was written.
 */
import { mirrorError } from './errors.ts';
import { takenBy, type MirrorFiles } from './files.ts';

const reserveShare = 0.1;
const reserveBytesMax = 10 * 1_073_741_824;
/** The disk is looked at again after so much, since others write on it too. */
const lookBytes = 16 * 1_048_576;

/**
 * Without `bytesMax` all that is free but a tenth of the disk, or 10 GiB where that is less. Its
 * writing throws MIRROR_TOO_LARGE; taking away never does.
 */
export function boundFiles(files: MirrorFiles, bytesMax: number | undefined): MirrorFiles {
  let taken = files.taken('.');
  let lookedAt = -Infinity;

  function refuse(path: string, most: number): never {
    throw mirrorError('MIRROR_TOO_LARGE', { file: path, bytes: taken, bytesMax: most });
  }

  /** Room for a file that takes so much more. */
  function take(path: string, more: number): void {
    if (bytesMax !== undefined && more > 0 && taken + more > bytesMax) refuse(path, bytesMax);
    if (bytesMax === undefined && taken + more - lookedAt >= lookBytes) {
      const { freeBytes, allBytes } = files.disk();
      const leftBytes = freeBytes - Math.min(allBytes * reserveShare, reserveBytesMax);
      if (more > leftBytes) refuse(path, taken + Math.max(0, leftBytes));
      lookedAt = taken;
    }
    taken += more;
  }

  return {
    ...files,
    write(path, bytes) {
      take(path, takenBy(Buffer.byteLength(bytes)) - files.taken(path));
      files.write(path, bytes);
    },
    append(path, bytes) {
      const more = Buffer.byteLength(bytes);
      // Behind what is there already: told too high by less than a block.
      take(path, files.taken(path) === 0 ? takenBy(more) : more);
      files.append(path, bytes);
    },
    cut(path, bytes) {
      taken -= files.taken(path) - takenBy(bytes);
      files.cut(path, bytes);
    },
    remove(path) {
      taken -= files.taken(path);
      files.remove(path);
    },
  };
}
