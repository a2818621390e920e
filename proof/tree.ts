/**
 * One hash over all open observations, of which a day costs only what changed:
 *
 *   bucket (datastream, UTC day)   SHA-256 of "quantrac-day/1\n" and its lines, each with "\n"
 *   month                          … of "quantrac-month/1\n" and a line for each of its days
 *   datastream                     … of "quantrac-datastream/1\n" and a line for each of its months
 *   root                           … of "quantrac-root/1\n" and a line for each datastream
 *
 * A line of the upper three is the JSON of [name, rows, sha256 in lower hexadecimal digits], sorted by
 * name (UTF-16 code units). What has no rows is not there.
 */
import { createHash } from 'node:crypto';

export interface Branch {
  /** `2024-06-01`, `2024-06`, or the id of a datastream. */
  readonly name: string;
  readonly rows: number;
  /** 64 lower hexadecimal digits. */
  readonly sha256: string;
}

export type Level = 'day' | 'month' | 'datastream' | 'root';

/** Sums up lines in the order in which they are given. */
export interface Sum {
  add(line: string): void;
  end(): Pick<Branch, 'rows' | 'sha256'>;
}

/** Of a bucket: its lines. */
export function sumDay(): Sum {
  const hash = createHash('sha256').update('quantrac-day/1\n');
  let rows = 0;
  return {
    add(line) {
      hash.update(`${line}\n`);
      rows += 1;
    },
    end: () => ({ rows, sha256: hash.digest('hex') }),
  };
}

/** Of a month its days, of a datastream its months, of the root its datastreams, in any order. */
export function sumBranches(
  level: Exclude<Level, 'day'>,
  branches: Iterable<Branch>,
): Pick<Branch, 'rows' | 'sha256'> {
  const hash = createHash('sha256').update(`quantrac-${level}/1\n`);
  const present = [...branches].filter(({ rows }) => rows > 0);
  present.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  let rows = 0;
  for (const branch of present) {
    hash.update(`${JSON.stringify([branch.name, branch.rows, branch.sha256])}\n`);
    rows += branch.rows;
  }
  return { rows, sha256: hash.digest('hex') };
}

/** Of no rows at all: no datastream. */
export const emptyRoot = sumBranches('root', []).sha256;
