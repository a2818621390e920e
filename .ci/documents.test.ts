import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorsPage, readTables } from './errors-page.ts';
import { listFiles, readText, root, rooms } from './repository.ts';

const roomHeadings = [
  'What comes in',
  'What goes out',
  'Promises',
  'When it fails',
  'Limits',
  'Add one',
  'Next room',
];

describe('documents', () => {
  test.each([...rooms, 'grafana'])(
    'room %s has its README with the fixed headings, at most 80 lines',
    (room) => {
      const text = readText(`${room}/README.md`);
      const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
      expect(headings).toEqual(roomHeadings);
      expect(text.split('\n').length).toBeLessThanOrEqual(81);
    },
  );

  test('the first page has at most 80 lines', () => {
    expect(readText('README.md').split('\n').length).toBeLessThanOrEqual(81);
  });

  // proof only computes, and mirror is a command: neither is configured or watched.
  test.each(rooms.filter((room) => room !== 'proof' && room !== 'mirror'))(
    'room %s has its settings, its errors and its occurrences each in one file',
    (room) => {
      const files = ['config.ts', 'errors.ts', 'events.ts'];
      expect(files.filter((file) => !existsSync(join(root, room, file)))).toEqual([]);
    },
  );

  test('every link inside the repository leads somewhere', () => {
    const broken: string[] = [];
    for (const path of listFiles(/\.md$/)) {
      for (const [, target = ''] of readText(path).matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)) {
        if (/^(https?|mailto):/.test(target)) continue;
        if (!existsSync(join(root, dirname(path), target))) broken.push(`${path}: ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });

  test('the page of errors equals the tables', async () => {
    expect(readText('docs/errors.md')).toBe(await errorsPage());
  });

  test('no error code stands in two tables, and each has the prefix of its room', async () => {
    const tables = await readTables();
    const codes = tables.flatMap(({ entries }) => entries.map(([code]) => code));
    expect(codes.length).toBeGreaterThan(50);
    expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
    const prefix =
      /^(START|DEVICES|CODEC|INGEST|LOG|KAFKA|CLUSTER|FORWARD|STORE|INFLUX|BROKER|API|SIMULATORS|MIRROR)_[A-Z0-9_]+$/;
    expect(codes.filter((code) => !prefix.test(code))).toEqual([]);
  });

  test('the documents speak of the product alone', () => {
    const machine = /\/work\/|\/root\/|\bsubagent|\bhelper-\d/;
    const found = listFiles(/\.(md|ts|tsx|js|json)$/).filter(
      (path) =>
        !path.startsWith('.ci/') && path !== 'package-lock.json' && machine.test(readText(path)),
    );
    expect(found).toEqual([]);
  });
});
