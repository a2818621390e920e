import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LoggedReading } from './reading-codec.ts';
import { openSources, strangerNode } from './sources.ts';

const plain = {
  kind: 'message',
  door: 'mqtt',
  receivedAt: 0,
  device: 'd',
  topic: 't',
  payload: new Uint8Array(0),
} as const;

/** Of a node, by its number among what it sent; one that stands for several ends with that number. */
function sent(node: number, sequence: number, standsFor = 1): LoggedReading {
  const origin = { node, position: sequence * 10, sequence };
  const fault = { code: 'LOG_DAMAGED', detail: '', readings: standsFor };
  const reading = { ...plain, position: 0, origin };
  return standsFor === 1 ? reading : { ...reading, fault };
}

const stranger: LoggedReading = { ...plain, position: 77 };

describe('sources of a partition', () => {
  it('take each number of a node once, and count what was taken', () => {
    const sources = openSources([]);
    expect(sources.take(sent(3, 1))).toEqual({ readings: 1, missing: 0 });
    expect(sources.take(sent(5, 1))).toEqual({ readings: 1, missing: 0 });
    expect(sources.take(sent(3, 2))).toEqual({ readings: 1, missing: 0 });
    expect(sources.take(sent(3, 1))).toEqual({ readings: 0, missing: 0 });
    expect(sources.take(sent(3, 2))).toEqual({ readings: 0, missing: 0 });
    expect(sources.total).toBe(3);
    expect(sources.marks()).toEqual([
      { node: 3, position: 20, sequence: 2 },
      { node: 5, position: 10, sequence: 1 },
    ]);
  });

  it('say how many never came, and count them', () => {
    const sources = openSources([]);
    expect(sources.take(sent(3, 4))).toEqual({ readings: 1, missing: 3 });
    expect(sources.take(sent(3, 9, 2))).toEqual({ readings: 2, missing: 3 });
    expect(sources.total).toBe(9);
  });

  it('take of one that stands for several only those that did not come before', () => {
    const sources = openSources([{ node: 3, position: 30, sequence: 3 }]);
    expect(sources.take(sent(3, 5, 4))).toEqual({ readings: 2, missing: 0 });
    expect(sources.take(sent(3, 5, 4))).toEqual({ readings: 0, missing: 0 });
    expect(sources.total).toBe(5);
  });

  it('count each record of a stranger: nothing says that it came before', () => {
    const sources = openSources([]);
    expect(sources.take(stranger)).toEqual({ readings: 1, missing: 0 });
    expect(sources.take(stranger)).toEqual({ readings: 1, missing: 0 });
    expect(sources.marks()).toEqual([{ node: strangerNode, position: 77, sequence: 2 }]);
  });

  it('give marks that later readings do not change', () => {
    const sources = openSources([{ node: 3, position: 30, sequence: 3 }]);
    const before = sources.marks();
    sources.take(sent(3, 4));
    expect(before).toEqual([{ node: 3, position: 30, sequence: 3 }]);
  });

  it('come to the sum of the greatest numbers, whatever comes again, is lost, or starts anew', () => {
    const anyStep = fc.oneof(
      { weight: 9, arbitrary: fc.tuple(fc.nat(2), fc.nat(3), fc.integer({ min: 1, max: 4 })) },
      { weight: 1, arbitrary: fc.constant('stranger' as const) },
      { weight: 1, arbitrary: fc.constant('restart' as const) },
    );
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
        let sources = openSources([]);
        const greatest = [0, 0, 0];
        let [strangers, counted] = [0, 0];
        for (const step of steps) {
          if (step === 'restart') {
            sources = openSources(sources.marks());
            continue;
          }
          if (step === 'stranger') {
            strangers++;
            counted += sources.take(stranger).readings;
            continue;
          }
          const [node, ahead, standsFor] = step;
          // One before the greatest, the same, or some ahead of it.
          const sequence = Math.max(1, greatest[node]! - 1 + ahead);
          const { readings, missing } = sources.take(
            sent(node, sequence, Math.min(standsFor, sequence)),
          );
          counted += readings + missing;
          greatest[node] = Math.max(greatest[node]!, sequence);
        }
        expect(counted).toBe(sources.total);
        expect(sources.total).toBe(strangers + greatest.reduce((sum, each) => sum + each, 0));
      }),
      { numRuns: 500 },
    );
  });
});
