/** Files that a dataset can be downloaded as. A port: whoever makes files says which there are. */
import type { FileKind } from './vocabulary.ts';

export interface DatasetFile {
  /** Stable for a month and a format, through all versions of it: part of an address. */
  readonly id: string;
  readonly kind: FileKind;
  /** Of the file itself. */
  readonly url: string;
  /** `YYYY-MM`. */
  readonly month: string;
  readonly bytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly rows: number;
  /** Integer milliseconds UTC. */
  readonly madeAt: number;
}

export interface FileSource {
  /** Current files of a dataset that anyone may have, newest month first, at most so many. */
  filesOf(dataset: string, base: string, limit: number): readonly DatasetFile[];
  /** When the newest of its files was made, integer milliseconds UTC; undefined without files. */
  changedAt(dataset: string): number | undefined;
}
