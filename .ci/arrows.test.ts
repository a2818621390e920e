import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { listFiles, readText, root, rooms } from './repository.ts';

/** Each arrow that must not exist, planted once: file, what it imports. */
const planted: readonly (readonly [string, string])[] = [
  ['devices/a.ts', '../ingest/log/log.ts'],
  ['devices/b.ts', '../broker/main.ts'],
  ['devices/c.ts', '../api/main.ts'],
  ['devices/d.ts', 'node:sqlite'],
  ['ingest/a.ts', '../broker/receive.ts'],
  ['ingest/b.ts', '../api/main.ts'],
  ['ingest/c.ts', '../simulators/fleet.ts'],
  ['ingest/log/d.ts', '../../broker/main.ts'],
  ['ingest/store/e.ts', 'node:sqlite'],
  ['ingest/f.ts', 'kafkajs'],
  ['broker/a.ts', '../api/main.ts'],
  ['broker/b.ts', '../ingest/store/store.ts'],
  ['broker/mqtt/c.ts', '../../ingest/decide/decide.ts'],
  ['broker/d.ts', 'aedes'],
  ['broker/e.ts', 'fastify'],
  ['api/a.ts', '../broker/main.ts'],
  ['api/routes/b.ts', '../../broker/receive.ts'],
  ['api/c.ts', '../ingest/pipeline.ts'],
  ['api/d.ts', 'aedes'],
  ['simulators/a.ts', '../ingest/log/log.ts'],
  ['simulators/b.ts', '../broker/main.ts'],
  ['simulators/c.ts', '../api/main.ts'],
  ['simulators/d.ts', 'fastify'],
  ['simulators/e.ts', '../mirror/main.ts'],
  ['proof/a.ts', '../devices/model.ts'],
  ['proof/b.ts', '../api/main.ts'],
  ['mirror/a.ts', '../api/main.ts'],
  ['mirror/b.ts', '../ingest/log/log.ts'],
  ['mirror/c.ts', 'node:sqlite'],
  ['api/e.ts', '../mirror/main.ts'],
  ['ingest/g.ts', '../proof/row.ts'],
  ['broker/f.ts', '../proof/row.ts'],
  ['devices/e.ts', '../proof/row.ts'],
];

test('every forbidden arrow between rooms is refused by the linter', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-arrows-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  copyFileSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  copyFileSync(join(root, 'tsconfig.json'), join(folder, 'tsconfig.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const [path, target] of planted) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), `import { x } from '${target}';\nexport const y = x;\n`);
  }
  const lint = spawnSync(
    join(root, 'node_modules/.bin/oxlint'),
    ['--format', 'json', ...new Set(planted.map(([path]) => path.replace(/\/.*/, '')))],
    {
      cwd: folder,
      encoding: 'utf8',
    },
  );
  const { diagnostics } = JSON.parse(lint.stdout) as {
    diagnostics: readonly { readonly code: string; readonly filename: string }[];
  };
  const refused = new Set(
    diagnostics
      .filter(({ code }) => code.includes('no-restricted-imports'))
      .map(({ filename }) => filename),
  );
  expect(planted.map(([path]) => path).filter((path) => !refused.has(path))).toEqual([]);
});

/** What a room may import of others. Beyond it the linter names what it may not; this holds the rest. */
const allowed: Readonly<Record<(typeof rooms)[number], RegExp>> = {
  devices: /^$/,
  ingest: /^devices\//,
  broker: /^(devices\/|ingest\/log\/|ingest\/reading(-codec)?\.ts$)/,
  api: /^(devices\/|proof\/|ingest\/(feed|log|store|observations)\/|ingest\/(observation|quality|reading|cluster\/partition-of)\.ts$)/,
  simulators: /^devices\//,
  proof: /^$/,
  mirror: /^(devices|proof)\//,
};

/** Compositions and what tests compose; scenarios may open what they disturb. */
const compositions =
  /(^|\/)((link|decide)-)?worker(-cluster)?\.ts$|\.(test|fixture|contract)\.tsx?$|^simulators\/(scenario|bench)\//;

/** Imports that leave the room and are not allowed, as `file → target`. */
function strayImports(path: string, text: string): string[] {
  const room = rooms.find((name) => path.startsWith(`${name}/`));
  if (room === undefined) return [];
  return [...text.matchAll(/(?:\bfrom|\bimport\(|new URL\()\s*'(\.[^']+)'/g)]
    .map(([, target = '']) => normalize(join(dirname(path), target)))
    .filter((target) => !target.startsWith(`${room}/`) && !allowed[room].test(target))
    .map((target) => `${path} → ${target}`);
}

test('rooms import of each other only what the arrows allow', () => {
  const files = listFiles(/\.tsx?$/).filter((path) => !compositions.test(path));
  expect(files.flatMap((path) => strayImports(path, readText(path)))).toEqual([]);
});

test.each([
  ['broker/a.ts', '../ingest/settle.ts'],
  ['broker/mqtt/a.ts', '../../ingest/maintain/erase.ts'],
  ['api/a.ts', '../ingest/checks/spike.ts'],
  ['api/routes/a.ts', '../../server.ts'],
  ['devices/a.ts', '../configuration.ts'],
  ['proof/a.ts', '../errors.ts'],
  ['mirror/a.ts', '../api/errors.ts'],
])('a stray import of %s is found: %s', (path, target) => {
  expect(strayImports(path, `import { x } from '${target}';`)).toHaveLength(1);
  expect(strayImports(path, `const x = await import('${target}');`)).toHaveLength(1);
});
