import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { share, type Standing } from './assigner.ts';

const partitionsOf = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

function member(node: number, more: Partial<Standing> = {}): Standing {
  return { memberId: `member-${node}`, node, startedAt: 0, working: [], held: [], ...more };
}

/** By node; members that get nothing are left out. */
function shared(members: readonly Standing[], partitions: number): Record<number, number[]> {
  const given = share(members, partitionsOf(partitions));
  return Object.fromEntries(
    members.flatMap(({ memberId, node }) => {
      const own = given.get(memberId) ?? [];
      return own.length === 0 ? [] : [[node, own.toSorted((a, b) => a - b)]];
    }),
  );
}

const anyPartitions = fc.uniqueArray(fc.nat(15), { maxLength: 16 });
const anyMember = fc.record({
  memberId: fc.uuid(),
  node: fc.integer({ min: 1, max: 6 }),
  startedAt: fc.nat(3),
  working: anyPartitions,
  held: anyPartitions,
});
const anyMembers = fc.uniqueArray(anyMember, {
  minLength: 1,
  maxLength: 8,
  selector: ({ memberId }) => memberId,
});

describe('the shares of a group', () => {
  it('are even, whole, and the same in any order', () => {
    fc.assert(
      fc.property(anyMembers, fc.nat(16), fc.nat(), (members, count, turn) => {
        const given = share(members, partitionsOf(count));
        expect([...given.values()].flat().toSorted((a, b) => a - b)).toEqual(partitionsOf(count));
        const nodes = new Set(members.map(({ node }) => node)).size;
        for (const { memberId } of members) {
          expect(given.get(memberId)!.length).toBeLessThanOrEqual(Math.ceil(count / nodes));
        }
        const busy = [...given.values()].map(({ length }) => length).toSorted((a, b) => b - a);
        expect(busy[nodes - 1]).toBeGreaterThanOrEqual(Math.floor(count / nodes));
        const at = turn % members.length;
        const turned = [...members.slice(at), ...members.slice(0, at)];
        expect(new Map(share(turned, partitionsOf(count)))).toEqual(new Map(given));
      }),
      { numRuns: 500 },
    );
  });

  it('stay where they are worked on when nothing changes, whatever old state others hold', () => {
    fc.assert(
      fc.property(anyMembers, fc.nat(16), anyPartitions, (members, count, old) => {
        const partitions = partitionsOf(count);
        const before = share(members, partitions);
        const again = members.map((each) => ({
          ...each,
          working: before.get(each.memberId)!,
          held: old,
        }));
        const after = share(again, partitions);
        for (const [memberId, own] of before) {
          expect(new Set(after.get(memberId))).toEqual(new Set(own));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('move no more than must be when a member joins or leaves', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 16 }),
        (nodes, count) => {
          const partitions = partitionsOf(count);
          const members = Array.from({ length: nodes }, (_, at) => member(at + 1));
          const before = share(members, partitions);
          const working = members.map((each) => ({ ...each, working: before.get(each.memberId)! }));
          const joined = share([...working, member(nodes + 1)], partitions);
          const moved = joined.get(`member-${nodes + 1}`)!.length;
          expect(moved).toBe(Math.floor(count / (nodes + 1)));
          for (const [memberId, own] of before) {
            expect(own).toEqual(expect.arrayContaining([...joined.get(memberId)!]));
          }
          const [, ...left] = working;
          for (const { memberId, working: own } of left) {
            expect(share(left, partitions).get(memberId)).toEqual(expect.arrayContaining([...own]));
          }
        },
      ),
    );
  });

  it('go to where the freshest state is, once nobody works on them', () => {
    const one = member(1, { held: [3, 2, 1, 0] });
    const two = member(2, { held: [0, 1, 2, 3] });
    expect(shared([one, two], 4)).toEqual({ 1: [2, 3], 2: [0, 1] });
  });

  it('are all the later of two members of one node: the other died and was not missed yet', () => {
    const dead = member(1, { memberId: 'dead', startedAt: 5, working: [0, 1], held: [0, 1] });
    const born = member(1, { memberId: 'born', startedAt: 6 });
    const given = share([dead, born, member(2)], partitionsOf(4));
    expect(given.get('dead')).toEqual([]);
    expect(given.get('born')).toHaveLength(2);
    const twins = [member(1, { memberId: 'a' }), member(1, { memberId: 'b' })];
    expect(share(twins, [0]).get('b')).toEqual([0]);
  });

  it('are nothing where there is no member, or no partition', () => {
    expect(share([], [0, 1]).size).toBe(0);
    expect(shared([member(1)], 0)).toEqual({});
  });
});
