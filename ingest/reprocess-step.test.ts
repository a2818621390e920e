import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KeyRestatement, RetoldValue } from './decide/restating.ts';
import { parseDecision } from './decisions.ts';
import { reasons } from './quality.ts';
import {
  createStepWriter,
  orderText,
  restatementOf,
  type ReprocessStep,
} from './reprocess-step.ts';

const frame = { version: 7, series: 3, fromAt: 0, toAt: 86_400_001, actor: 'who' };

function stepsOf(keys: readonly KeyRestatement[], nextAt: number | null = null): ReprocessStep[] {
  const texts: string[] = [];
  const writer = createStepWriter(frame, (text) => void texts.push(text));
  for (const key of keys) writer.add(key);
  writer.end(nextAt);
  return texts.map((text) => {
    const decision = parseDecision(text);
    if (decision?.decision !== 'reprocess') throw new Error(text);
    return decision;
  });
}

const result = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 1e-300, null),
);
const place = fc.oneof(fc.double({ min: -90, max: 90, noNaN: true }), fc.constant(Number.NaN));
const text = fc.oneof(fc.string(), fc.constant(null));
const time = fc.integer({ min: 0, max: 4_000_000_000_000 });

const value: fc.Arbitrary<RetoldValue> = fc
  .record({
    result,
    resultAt: fc.oneof(time, fc.constant(Number.NaN)),
    receivedAt: time,
    position: fc.integer({ min: 1, max: 2 ** 40 }),
    node: fc.constantFrom(0, 0, 5),
    device: fc.constantFrom('d', 'e', 'f'),
    raw: fc.record({ name: fc.constantFrom('ta', 'rh'), value: text, unit: text, time: text }),
    payloadHash: fc.constantFrom(-1, 0, 4_294_967_295),
    latitude: place,
    longitude: place,
    given: fc.nat(3_124),
    qualifiers: fc.nat(32_767),
    reason: fc.constantFrom(null, ...reasons),
  })
  .map(({ position, node, ...told }) => {
    const at = Number.isNaN(told.resultAt) ? told.receivedAt : told.resultAt;
    const klass = told.result === null && Number.isNaN(told.resultAt) ? 0 : 1;
    return { ...told, rank: { klass, at, node, position } };
  });

const key: fc.Arbitrary<KeyRestatement> = fc
  .record({
    endAt: time,
    span: fc.constantFrom(0, 0, 600_000),
    heightMm: fc.constantFrom(Number.NaN, -500, 2_000),
    withdraw: fc.array(
      value.map(({ rank }) => rank),
      { maxLength: 3 },
    ),
    tell: fc.array(value, { maxLength: 3 }),
  })
  .map(({ span, ...told }) => ({ ...told, startAt: told.endAt - span }));

test('what is told comes back as it was, in steps that follow each other', () => {
  fc.assert(
    fc.property(fc.array(key, { maxLength: 20 }), (keys) => {
      const ordered = keys.toSorted((a, b) => a.endAt - b.endAt);
      const told = stepsOf(ordered).flatMap((step) => restatementOf(step).keys);
      expect(told).toEqual(ordered);
    }),
    { numRuns: 200 },
  );
});

const plain = (endAt: number): KeyRestatement => {
  return { endAt, startAt: endAt, heightMm: Number.NaN, withdraw: [], tell: [] };
};

test('a step is bounded, and says where the next one goes on; keys with one end stay together', () => {
  const keys = Array.from({ length: 600 }, (_, at) => plain(Math.floor(at / 2)));
  const steps = stepsOf(keys, 1_000);
  expect(steps.map((step) => step.keys.length)).toEqual([256, 256, 88]);
  expect(steps.map(({ nextAt }) => nextAt)).toEqual([128, 256, 1_000]);
  const odd = stepsOf(keys.slice(1));
  expect(odd.map((step) => step.keys.length)).toEqual([257, 256, 86]);
  expect(restatementOf(odd.at(-1) as ReprocessStep).beforeAt).toBe(Number.POSITIVE_INFINITY);
});

test('the order names no series, and what is no step is not understood', () => {
  const { series: _series, ...order } = frame;
  expect(parseDecision(orderText(order))).toMatchObject({ series: null, keys: [] });
  expect(parseDecision('{"decision":"reprocess","version":0}')).toBeUndefined();
});
