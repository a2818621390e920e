import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readText, root } from './repository.ts';

/** Every import at the head of a file that is there when the program runs, types not. */
const imported = /^(?:import|export)\s+(?!type\b)(?:[^;']*?\sfrom\s+)?'([^']+)'/gm;

/** Packages and built-in modules that a file brings along before its first line runs. */
function loadedBy(entry: string): Set<string> {
  const packages = new Set<string>();
  const files = [entry];
  const seen = new Set(files);
  for (const file of files) {
    for (const [, name = ''] of readText(file).matchAll(imported)) {
      if (!name.startsWith('.')) {
        packages.add(name);
        continue;
      }
      const path = relative(root, join(root, dirname(file), name));
      if (seen.has(path) || !existsSync(join(root, path))) continue;
      seen.add(path);
      files.push(path);
    }
  }
  return packages;
}

const http = ['node:http', 'node:https', 'ws', 'mqtt', 'fastify', 'prom-client'];

describe('what stands between a kill and the next acknowledgement', () => {
  test('the broker opens its first door without schemas and without HTTP', () => {
    const loaded = loadedBy('broker/worker.ts');
    expect(loaded).toContain('aedes');
    expect([...http, 'zod'].filter((each) => loaded.has(each))).toEqual([]);
  });

  test('the main thread starts the broker with the configuration alone', () => {
    const loaded = loadedBy('server.ts').union(loadedBy('main.ts'));
    expect(loaded).toContain('zod');
    const late = [...http, 'pino', 'aedes', '@atomic-ehr/ucum', 'cborg'];
    expect(late.filter((each) => loaded.has(each))).toEqual([]);
  });
});
