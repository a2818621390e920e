/** MQTT 3.1.1, appendix B: each normative clause that a server can keep or break is named by a test. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** By section: how many normative statements it has, numbered from 1. */
const statements: Readonly<Record<string, number>> = {
  '1.5.3': 3,
  '2.2.2': 2,
  '2.3.1': 7,
  '3.1.0': 2,
  '3.1.2': 24,
  '3.1.3': 11,
  '3.1.4': 5,
  '3.2.0': 1,
  '3.2.2': 6,
  '3.3.1': 12,
  '3.3.2': 3,
  '3.3.4': 1,
  '3.3.5': 2,
  '3.6.1': 1,
  '3.8.1': 1,
  '3.8.3': 4,
  '3.8.4': 6,
  '3.9.3': 2,
  '3.10.1': 1,
  '3.10.3': 2,
  '3.10.4': 6,
  '3.12.4': 1,
  '3.14.1': 1,
  '3.14.4': 3,
  '4.1.0': 2,
  '4.2.0': 1,
  '4.3.1': 1,
  '4.3.2': 2,
  '4.3.3': 2,
  '4.4.0': 1,
  '4.5.0': 2,
  '4.6.0': 6,
  '4.7.1': 3,
  '4.7.2': 1,
  '4.7.3': 4,
  '4.8.0': 2,
  '6.0.0': 4,
};

/** What a server cannot break, and why. */
const notOurs: Readonly<Record<string, string>> = {
  '2.3.1-2': 'of a client: an identifier not in use for a new packet',
  '2.3.1-3': 'of a client: the same identifier for the same packet again',
  '3.1.3-3': 'of a client: the first field is the client id; there is no packet without one',
  '3.8.3-2': 'of a server that does without wildcards',
  '3.14.4-1': 'of a client: it closes after DISCONNECT',
  '4.2.0-1': 'of the transport: TCP, TLS and WebSocket keep order and lose nothing',
  '4.5.0-2': 'of a client: it acknowledges what it is sent',
  '4.7.3-3': 'more than 65,535 bytes have no place in a length of two bytes',
};

function namedClauses(): Set<string> {
  const files = readdirSync(import.meta.dirname).filter(
    (name) => name.endsWith('.test.ts') && name !== 'clauses.test.ts',
  );
  const text = files.map((name) => readFileSync(join(import.meta.dirname, name), 'utf8')).join();
  // The standard itself writes one of them with another hyphen: MQTT-3-8.3-4.
  const named = text.replaceAll('MQTT-3-8.3-', 'MQTT-3.8.3-').matchAll(/MQTT-(\d+\.\d+\.\d+-\d+)/g);
  return new Set([...named].map(([, clause = '']) => clause));
}

test('each clause is named by a test, or is none of a server', () => {
  const all = Object.entries(statements).flatMap(([section, count]) =>
    Array.from({ length: count }, (_, index) => `${section}-${index + 1}`),
  );
  const named = namedClauses();
  expect(all.filter((clause) => !named.has(clause) && notOurs[clause] === undefined)).toEqual([]);
  expect([...named].filter((clause) => !all.includes(clause))).toEqual([]);
  expect(Object.keys(notOurs).filter((clause) => named.has(clause))).toEqual([]);
});
