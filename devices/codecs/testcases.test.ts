import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { codecConfigSchema } from './config.ts';
import type { Decoded } from './codec.ts';
import { decodeMessage } from './decode-message.ts';
import { codecErrors } from './errors.ts';
import { codecFor, codecs } from './formats.ts';

const here = import.meta.dirname;
const root = join(here, 'testcases');
const limits = codecConfigSchema.parse({});

function casesOf(codecId: string): string[] {
  return readdirSync(join(root, codecId)).toSorted();
}

/** What JSON can hold of it: NaN and null are left out, a missing value apart. */
function plain(decoded: Decoded): unknown {
  const measurements = decoded.measurements.map((measurement) =>
    Object.fromEntries(
      Object.entries(measurement).filter(
        ([name, value]) => name === 'value' || (value !== null && !Number.isNaN(value)),
      ),
    ),
  );
  return { measurements, faults: decoded.faults };
}

describe.each(codecs.map(({ id }) => id))('%s', (codecId) => {
  test.each(casesOf(codecId))('decodes the test case %s as expected', (name) => {
    const folder = join(root, codecId, name);
    const payload = readFileSync(join(folder, 'payload'));
    const expected: unknown = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));
    const decoded = decodeMessage(codecFor(codecId)!, { topic: '', payload }, limits);
    expect(plain(decoded)).toEqual(expected);
    expect(readFileSync(join(folder, 'note.md'), 'utf8').trim()).not.toBe('');
  });
});

describe('the list of formats', () => {
  test('has test cases and a row in the README for each codec, and nothing more', () => {
    const ids = codecs.map(({ id }) => id);
    const readme = readFileSync(join(here, 'README.md'), 'utf8');
    const rows = [...readme.matchAll(/^\| `([^`]+)` *\|/gm)].map(([, id]) => id);
    expect(readdirSync(root).toSorted()).toEqual(ids.toSorted());
    expect(rows.filter((id) => ids.includes(id ?? ''))).toEqual(ids);
    for (const id of ids) expect(casesOf(id).length).toBeGreaterThanOrEqual(3);
  });

  test('finds a codec by its id, the own JSON where a device names none', () => {
    for (const codec of codecs) expect(codecFor(codec.id)).toBe(codec);
    expect(codecFor(undefined)?.id).toBe('json');
    expect(codecFor('toString')).toBeUndefined();
  });

  test('gives every codec a version', () => {
    for (const codec of codecs) expect(codec.version).toBeGreaterThanOrEqual(1);
  });

  test('explains every error code', () => {
    for (const [code, entry] of Object.entries(codecErrors)) {
      expect(code).toMatch(/^CODEC_[A-Z_]+$/);
      expect(entry.meaning.length).toBeGreaterThan(20);
    }
  });
});
