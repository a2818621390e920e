import type { Clock } from '../../devices/clock.ts';
import type { FileSystem } from '../log/file-system.ts';
import { systemCode } from '../log/file-system.ts';
import type { Position } from '../log/log.ts';
import { verifyLog, type Finding as LogFinding, type VerifySummary } from '../log/verify.ts';
import type { Finding, MaintainProgress } from './findings.ts';

export interface VerifyLogFilesOptions {
  readonly part: 'readings' | 'observations';
  readonly fileSystem: FileSystem;
  readonly directory: string;
  /** The durable end while an owner appends; null where there is no owner. */
  readonly end: Position | null;
  readonly clock: Clock;
  readonly onFinding: (finding: Finding) => void;
  readonly onProgress: MaintainProgress;
}

const nothing: VerifySummary = {
  first: 1,
  end: 0,
  segments: 0,
  sealed: 0,
  deleted: 0,
  records: 0,
  rewritten: 0,
  findings: 0,
  tornBytes: 0,
};

/**
 * Proves the files of one log. While its owner works, retention and erasure replace files under the
 * reader's hands: what a first look finds counts only if a second one finds it too.
 */
export async function verifyLogFiles(options: VerifyLogFilesOptions): Promise<VerifySummary> {
  const { part, onFinding, end } = options;
  const first = await look(options);
  const decisive = first.findings.length === 0 || end === null ? first : await look(options);
  for (const found of decisive.findings) {
    const { first: from, last, offset, detail } = found;
    onFinding({
      part,
      file: `${part}/${found.file}`,
      first: from,
      last,
      ...(offset < 0 ? {} : { offset }),
      what: detail,
    });
  }
  return decisive.summary;
}

async function look(
  options: VerifyLogFilesOptions,
): Promise<{ readonly summary: VerifySummary; readonly findings: readonly LogFinding[] }> {
  const { part, fileSystem, directory, end, clock, onProgress } = options;
  const findings: LogFinding[] = [];
  try {
    const summary = await verifyLog({
      fileSystem,
      directory,
      clock,
      ...(end === null ? {} : { end }),
      // A segment behind the end was begun after the end was told.
      onFinding: (found) => {
        if (end === null || found.first <= end) findings.push(found);
      },
      onProgress: (done, all) => onProgress(`${part}: files`, done, all),
    });
    return { summary, findings };
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    return { summary: nothing, findings };
  }
}
