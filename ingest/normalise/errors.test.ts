import { expect, test } from 'vitest';
import { normaliseErrors } from './errors.ts';

test('every code has the prefix of the room, a sentence and what to do', () => {
  for (const [code, entry] of Object.entries(normaliseErrors)) {
    expect(code).toMatch(/^INGEST_[A-Z_]+$/);
    expect(entry.message).toMatch(/^[A-Z].*[^.]$/);
    expect(entry.meaning).toMatch(/\.$/);
  }
});
