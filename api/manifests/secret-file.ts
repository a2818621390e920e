/** A file that only its owner may read: for the key that signs. */
import {
  chmodSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

export interface SecretFile {
  /** Undefined where there is none. */
  read(): string | undefined;
  /** Whole or not at all, durable when it returns, mode 0600. */
  write(text: string): void;
}

export function openSecretFile(path: string): SecretFile {
  return {
    read() {
      try {
        return readFileSync(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    write(text) {
      const temporary = `${path}.new`;
      const file = openSync(temporary, 'w', 0o600);
      try {
        chmodSync(temporary, 0o600);
        writeSync(file, text);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, path);
      const folder = openSync(dirname(path), 'r');
      try {
        fsyncSync(folder);
      } finally {
        closeSync(folder);
      }
    },
  };
}
