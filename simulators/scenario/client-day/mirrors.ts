/** Mirrors of the whole server, by the command that a person uses. */
import { spawn } from 'node:child_process';
import { cpSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { sleep, type Clock } from '../../../devices/clock.ts';
import type { Random } from '../../../devices/random.ts';
import { runCommand, runtime } from '../server-process.ts';
import { BrokenPromise, keep } from './promise.ts';
import { sha256Of } from './wire.ts';

export interface MirrorPlace {
  readonly directory: string;
  /** Flags that say what it is of; none: everything. */
  readonly filter: readonly string[];
}

export interface FollowingMirror {
  /** How often each event was told. */
  readonly events: Readonly<Record<string, number>>;
  /** Reasons of its comparisons, in order. */
  readonly reasons: readonly string[];
  /** Resolves when it has proved itself by one more manifest than when it was asked. */
  proven(during: () => Promise<unknown>): Promise<void>;
  /** SIGTERM; resolves when it has ended, which it must with 0. */
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, '../../..');

/** It looks at the feed each five seconds, and the machine may be busy. */
const provenWithinMs = 30_000;

export function followWithMirror(
  clock: Clock,
  address: string,
  { directory, filter }: MirrorPlace,
): FollowingMirror {
  const words = ['quantrac.js', 'mirror', address, directory, ...filter, '--follow', '--json'];
  const child = spawn(runtime(), words, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const events: Record<string, number> = {};
  const reasons: string[] = [];
  const last: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    last.push(line);
    if (last.length > 10) last.shift();
    if (!line.startsWith('{')) return;
    const { event, reason } = JSON.parse(line) as { event: string; reason?: string };
    events[event] = (events[event] ?? 0) + 1;
    if (event === 'comparing' && reason !== undefined) reasons.push(reason);
  });
  return {
    events,
    reasons,
    async proven(during) {
      const { proven = 0 } = events;
      await during();
      const untilMs = clock.monotonicMs() + provenWithinMs;
      while ((events['proven'] ?? 0) <= proven) {
        const isInTime = clock.monotonicMs() < untilMs;
        keep('a mirror proves itself at each manifest', isInTime, () => [events, last]);
        await sleep(clock, 100);
      }
    },
    async stop() {
      const isRunning = child.exitCode === null && child.signalCode === null;
      child.kill('SIGTERM');
      const code = await gone;
      keep('a mirror follows through whatever happens', isRunning && code === 0, () => [
        code,
        last,
      ]);
    },
  };
}

export async function mirrorOnce(
  address: string,
  { directory, filter }: MirrorPlace,
): Promise<void> {
  const words = ['mirror', address, directory, ...filter, '--once'];
  const { code, stdout, stderr } = await runCommand(words);
  keep('a mirror comes to the end of the feed', code === 0, () => [code, stdout, stderr]);
}

export interface MirrorContent {
  /** Bytes by name, of what is not about one run alone. */
  readonly files: ReadonlyMap<string, Buffer>;
  readonly cursor: string;
  /** SHA-256 of all names and bytes. */
  readonly sha256: string;
  readonly bytes: number;
}

/** All that the copy says of the data: state and manifests also tell its own story. */
export function contentOf(directory: string): MirrorContent {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ndjson$|^(stations|datastreams|properties)\.json$/.test(name))
    .filter((name) => statSync(join(directory, name)).isFile())
    .sort();
  const files = new Map(names.map((name) => [name, readFileSync(join(directory, name))]));
  const { cursor } = JSON.parse(readFileSync(join(directory, 'state.json'), 'utf8')) as {
    cursor: string;
  };
  const parts = [...files].flatMap(([name, bytes]) => [Buffer.from(`${name}\n`), bytes]);
  const all = Buffer.concat(parts);
  return { files, cursor, sha256: sha256Of(all), bytes: all.length };
}

/** Resolves to the line of its figures. */
export async function requireRight(directory: string): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await runCommand(['mirror', directory, '--verify', '--json']);
  keep('mirror --verify finds nothing wrong in a right copy', code === 0, () => [stdout, stderr]);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown>;
}

/** One bit of a manifest, then of a file of rows, then of any file; each must be named. */
export async function requireSpoiltFound(
  directory: string,
  { flips, random }: { readonly flips: number; readonly random: Random },
): Promise<readonly string[]> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(directory, name)).isFile(),
  );
  const kinds = [
    names.filter((name) => name.startsWith('manifests/')),
    names.filter((name) => name.endsWith('.ndjson')),
    names,
  ];
  const pick = <Value>(values: readonly Value[]): Value => {
    const value = values[Math.floor(random.next() * values.length)];
    if (value === undefined) throw new BrokenPromise('a mirror has manifests and months', values);
    return value;
  };
  const found: string[] = [];
  for (let flip = 0; flip < flips; flip += 1) {
    const name = pick(kinds[flip % kinds.length] ?? []);
    const spoilt = `${directory}-spoilt`;
    cpSync(directory, spoilt, { recursive: true });
    const bytes = readFileSync(join(spoilt, name));
    const at = Math.floor(random.next() * bytes.length);
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << Math.floor(random.next() * 8)), at);
    writeFileSync(join(spoilt, name), bytes);
    const { code, stdout, stderr } = await runCommand(['mirror', spoilt, '--verify']);
    rmSync(spoilt, { recursive: true });
    keep('a changed byte is found without the server', code === 1 && stdout.includes(name), () => [
      { name, at, of: bytes.length, code, stdout, stderr },
    ]);
    found.push(`${name}@${at}`);
  }
  return found;
}
