/** Manifests of the publishing node, and a mirror that asks both nodes in turn. */
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../server-process.ts';
import { get, getJson, must, run, type Ground } from './feeds-ground.ts';
import { apiOf } from './measures.ts';

export interface Head {
  readonly sequence: number;
  readonly cursor: string;
  readonly sha256: string;
}

export async function makeManifest({ publisher }: Ground): Promise<Head> {
  return JSON.parse(await run(publisher, ['manifest', '--json'])) as Head;
}

export async function refuseManifest(ground: Ground): Promise<void> {
  const { dataDir } = ground.apis[1]!;
  const { code, stderr } = await runCommand(['manifest', '--data-dir', dataDir]);
  const isSaid = code !== 0 && stderr.includes('API_PUBLISHED_ELSEWHERE');
  must(ground, `the other node makes no manifest: ${code} ${stderr}`, isSaid);
}

export const readHeads = async ({ publisher }: Ground): Promise<readonly Head[]> =>
  (await getJson<{ items: Head[] }>(`${apiOf(publisher)}/api/v1/manifests?limit=1000`)).items;

interface Mirrored {
  readonly rows: number;
  readonly datastreams: number;
  readonly differences: number;
  readonly proven: number | null;
}

/** One run through the balancer, to the end of the feed. */
export async function mirrorOnce(ground: Ground, directory: string): Promise<Mirrored> {
  const words = ['mirror', ground.balancer.url, directory, '--once', '--json'];
  const { code, stdout, stderr } = await runCommand(words, { msMax: 120_000 });
  must(ground, `mirror ended with ${code}: ${stdout} ${stderr.slice(-500)}`, code === 0);
  if (code !== 0) return { rows: 0, datastreams: 0, differences: 0, proven: null };
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Mirrored;
}

export interface Proof {
  readonly manifest: number;
  readonly root: string;
  readonly rows: number;
  readonly datastreams: number;
}

/** What was followed through both nodes has the latest manifest's root, and is what a fresh copy is. */
export async function checkMirror(ground: Ground, copy: string): Promise<Proof> {
  const made = await makeManifest(ground);
  const followed = await mirrorOnce(ground, copy);
  must(ground, `the mirror proves ${made.sequence}`, followed.proven === made.sequence);
  const fresh = mkdtempSync(join(ground.folder, 'fresh-'));
  await mirrorOnce(ground, fresh);
  const isSame = JSON.stringify(contentOf(copy)) === JSON.stringify(contentOf(fresh));
  must(ground, 'a mirror that followed is what a fresh one is', isSame);
  for (const directory of [copy, fresh]) {
    const { code, stdout } = await runCommand(['mirror', directory, '--verify', '--json']);
    must(ground, `the mirror is verified without the server: ${stdout}`, code === 0);
  }
  const { body } = await get(`${ground.balancer.url}/api/v1/manifests/${made.sequence}`);
  const { root } = JSON.parse(body.toString('utf8')) as { readonly root: string };
  const { rows, datastreams } = followed;
  return { manifest: made.sequence, root, rows, datastreams };
}

function contentOf(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  const wanted = names.filter(
    (name) =>
      /\.ndjson$|^(stations|datastreams|properties)\.json$/.test(name) &&
      statSync(join(directory, name)).isFile(),
  );
  return Object.fromEntries(
    wanted.map((name) => [name, readFileSync(join(directory, name), 'utf8')]),
  );
}
