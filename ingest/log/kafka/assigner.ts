/**
 * Who gets which partition: as even as can be, and as much as possible where the state is. Every
 * member says which node it is, since when, and which partitions' state it holds; of two members
 * of one node (one of them died and was not missed yet) the later gets all.
 */
import { AssignerProtocol, type PartitionAssigner } from 'kafkajs';

const { MemberMetadata, MemberAssignment } = AssignerProtocol;

export interface Standing {
  readonly memberId: string;
  readonly node: number;
  /** Wall clock of the member's start. */
  readonly startedAt: number;
  /** Partitions that the member works on now. */
  readonly working: readonly number[];
  /** Partitions whose state it has, the freshest first. */
  readonly held: readonly number[];
}

/** Partitions by member. Pure: the same members and partitions give the same answer in any order. */
export function share(
  members: readonly Standing[],
  partitions: readonly number[],
): ReadonlyMap<string, readonly number[]> {
  const living = latestOfEachNode(members);
  const given = new Map(members.map(({ memberId }) => [memberId, [] as number[]]));
  if (living.length === 0) return given;
  const least = Math.floor(partitions.length / living.length);
  let extra = partitions.length % living.length;
  const free = new Set(partitions);

  function give(member: Standing, partition: number): void {
    const own = given.get(member.memberId)!;
    if (!free.has(partition) || own.length >= least + (extra > 0 ? 1 : 0)) return;
    if (own.length === least) extra--;
    own.push(partition);
    free.delete(partition);
  }

  // What is worked on stays; then each in turn gets the freshest that it holds.
  for (const member of living) {
    for (const partition of member.working.toSorted(ascending)) give(member, partition);
  }
  const heldMost = Math.max(...living.map(({ held }) => held.length));
  for (let rank = 0; rank < heldMost; rank++) {
    for (const member of living) give(member, member.held[rank] ?? -1);
  }
  for (const partition of [...free].sort(ascending)) poorest(living, given).push(partition);
  return given;
}

const ascending = (a: number, b: number): number => a - b;

function latestOfEachNode(members: readonly Standing[]): Standing[] {
  const latest = new Map<number, Standing>();
  for (const member of members) {
    const other = latest.get(member.node);
    const isLater =
      other === undefined ||
      member.startedAt > other.startedAt ||
      (member.startedAt === other.startedAt && member.memberId > other.memberId);
    if (isLater) latest.set(member.node, member);
  }
  return [...latest.values()].sort((a, b) => a.node - b.node);
}

function poorest(living: readonly Standing[], given: ReadonlyMap<string, number[]>): number[] {
  let found = given.get(living[0]!.memberId)!;
  for (const { memberId } of living) {
    const own = given.get(memberId)!;
    if (own.length < found.length) found = own;
  }
  return found;
}

const name = 'quantrac';
const version = 1;

/** The same for kafkajs: what members say travels as the protocol's user data. */
export function createAssigner(
  own: () => Omit<Standing, 'memberId'>,
  topic: string,
): PartitionAssigner {
  return ({ cluster }) => ({
    name,
    version,
    async assign({ members }) {
      const partitions = cluster
        .findTopicPartitionMetadata(topic)
        .map(({ partitionId }) => partitionId);
      const standings = members.map(({ memberId, memberMetadata }) => ({
        memberId,
        ...(JSON.parse(
          MemberMetadata.decode(memberMetadata)?.userData.toString('utf8') ?? '',
        ) as Omit<Standing, 'memberId'>),
      }));
      return [...share(standings, partitions)].map(([memberId, assigned]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version,
          assignment: { [topic]: [...assigned] },
          userData: Buffer.alloc(0),
        }),
      }));
    },
    protocol: ({ topics }) => ({
      name,
      metadata: MemberMetadata.encode({
        version,
        topics,
        userData: Buffer.from(JSON.stringify(own())),
      }),
    }),
  });
}
