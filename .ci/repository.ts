/** What the tests of the repository itself read: its files and their lines. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..');
export const rooms = [
  'devices',
  'ingest',
  'broker',
  'api',
  'simulators',
  'proof',
  'mirror',
] as const;

/** Paths of all files of the repository, committed or about to be, from its root. */
export function listFiles(pattern = /.*/): string[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root });
  return listed
    .toString('utf8')
    .split('\n')
    .filter((path) => path !== '' && pattern.test(path) && existsSync(join(root, path)));
}

export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export interface Line {
  readonly path: string;
  readonly number: number;
  readonly text: string;
}

/** Every line of the files whose path matches and is not excepted. */
export function* linesOf(pattern: RegExp, except: RegExp = /^$/): Generator<Line> {
  for (const path of listFiles(pattern)) {
    if (except.test(path)) continue;
    const lines = readText(path).split('\n');
    for (const [index, text] of lines.entries()) yield { path, number: index + 1, text };
  }
}

/** `path:line: text` of the lines that match: what a failing check prints. */
export function findLines(search: RegExp, pattern: RegExp, except?: RegExp): string[] {
  const found: string[] = [];
  for (const line of linesOf(pattern, except)) {
    if (search.test(line.text)) found.push(`${line.path}:${line.number}: ${line.text.trim()}`);
  }
  return found;
}
