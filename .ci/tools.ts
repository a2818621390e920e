/**
 * Programs of others that some checks need, where this machine has them. `.ci/run` installs them all;
 * without one its checks print as skipped.
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface Tool {
  readonly path: string;
  readonly isAbsent: boolean;
  /** For the name of a suite: how to bring it, or nothing when it is there. */
  readonly absent: string;
}

/** Version and place of the reader of compose files; `.ci/compose-go` installs it. */
const composeFolder = join(homedir(), '.cache/quantrac/compose-go-2.16.2');

const tools = {
  'compose-go': { folders: [composeFolder], file: 'cmd', how: '.ci/compose-go installs it' },
  haproxy: { folders: ['/usr/sbin'], file: 'haproxy', how: 'apt-get install haproxy' },
  promtool: { folders: [], file: 'promtool', how: 'apt-get install prometheus' },
} as const;

export function toolNamed(name: keyof typeof tools): Tool {
  const { folders, file, how } = tools[name];
  const places = [...folders, ...(process.env['PATH'] ?? '').split(delimiter)];
  const path = places.map((folder) => join(folder, file)).find((each) => existsSync(each));
  return path === undefined
    ? { path: file, isAbsent: true, absent: ` (skipped: no ${name}; ${how})` }
    : { path, isAbsent: false, absent: '' };
}
