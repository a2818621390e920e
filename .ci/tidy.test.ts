import { describe, expect, test } from 'vitest';
import { findLines, listFiles, readText, rooms } from './repository.ts';

const source = /^(main|[a-z-]+|(devices|ingest|broker|api|simulators|proof|mirror)\/.*)\.tsx?$/;
const composition =
  /(^|\/)(main|worker|clock-system|random)\.ts$|^(server|commands?-[a-z]+)\.ts$|\.test\.ts$|\.contract\.ts$|^simulators\/|^\.ci\/|^vitest|^api\/web\//;

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>
  >;
}

describe('names', () => {
  test('no file is named for nothing in particular', () => {
    const vague = /(^|\/)(utils?|common|shared|helpers?|types|constants|index|misc)(\.|\/|$)/;
    expect(listFiles(/\.(ts|tsx|js)$/).filter((path) => vague.test(path))).toEqual([]);
  });

  test('a file does not repeat the name of its folder', () => {
    const repeated = listFiles(/\.ts$/).filter((path) => {
      const [folder, file] = path.split('/').slice(-2);
      return folder !== undefined && file !== undefined && file.startsWith(`${folder}-`);
    });
    expect(repeated).toEqual([]);
  });

  test('no folder holds more than 40 files or lies deeper than three', () => {
    const code = listFiles(/\.tsx?$/).filter((path) => !path.includes('/testcases/'));
    expect(code.filter((path) => path.split('/').length > 4)).toEqual([]);
    const counts = new Map<string, number>();
    for (const path of code.filter((each) => !/\.(test|contract)\.tsx?$/.test(each))) {
      const folder = path.split('/').slice(0, -1).join('/');
      counts.set(folder, (counts.get(folder) ?? 0) + 1);
    }
    expect([...counts].filter(([, count]) => count > 40)).toEqual([]);
  });
});

describe('parameters from outside', () => {
  test('clock, randomness and environment are read by compositions only', () => {
    const direct = /\bDate\.now\(|\bMath\.random\(|\bprocess\.env\b|\bsetTimeout\(|\bsetInterval\(/;
    expect(findLines(direct, source, composition)).toEqual([]);
  });

  test('no address of a registry and no secret stands in a file', () => {
    const address = /"resolved": "https?:|registry\.npmjs\.org\/[^ ]*\.tgz/;
    expect(findLines(address, /package-lock\.json$|\.npmrc$/)).toEqual([]);
  });

  test('the lock file names the optional packages of every platform, or `npm ci` stops', () => {
    const lock = JSON.parse(readText('package-lock.json')) as Lock;
    const missing = Object.values(lock.packages)
      .flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}))
      .filter((name) => !Object.keys(lock.packages).some((at) => at.endsWith(`_modules/${name}`)));
    expect(missing).toEqual([]);
  });
});

describe('comments', () => {
  test('nothing is left to do without the number of an issue', () => {
    const left = new RegExp(
      `\\b(${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')})\\b(?!.*#\\d+)`,
    );
    expect(findLines(left, /\.(ts|tsx|js|md)$/)).toEqual([]);
  });

  test('no code is commented out', () => {
    const code = /^\s*\/\/ *(const|let|return|await|import|export|if \(|for \(|\}) ?.*[;{}]$/;
    expect(findLines(code, source)).toEqual([]);
  });
});

describe('tests', () => {
  test('every test file is where the runner looks', () => {
    const found =
      /^((broker|ingest|api|devices|simulators|proof|mirror)\/.*|[^/]+|\.ci\/[^/]+)\.test\.tsx?$/;
    const tests = listFiles(/\.test\.tsx?$/);
    expect(tests.filter((path) => !found.test(path))).toEqual([]);
    expect(tests.length).toBeGreaterThan(rooms.length);
  });

  test('every test file asserts', () => {
    const silent = listFiles(/\.test\.tsx?$/).filter(
      (path) => !/\bexpect\b|\bassert\b|[cC]ontract/.test(readText(path)),
    );
    expect(silent).toEqual([]);
  });

  test('no module is replaced by a mock', () => {
    expect(findLines(/\bvi\.(mock|doMock|stubGlobal)\(/, /\.test\.tsx?$/, /^\.ci\//)).toEqual([]);
  });

  test('every contract suite is called by a test', () => {
    const tests = listFiles(/\.test\.ts$/)
      .map(readText)
      .join('\n');
    const unused = listFiles(/\.contract\.ts$/).filter(
      (path) => !tests.includes(path.split('/').at(-1) ?? path),
    );
    expect(unused).toEqual([]);
  });
});
