import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSeededRandom } from '../../../devices/random.ts';
import { createKafkaServer, type Fault, type KafkaServer } from '../../log/kafka/memory.ts';
import { createFastClock } from './clock.fixture.ts';
import {
  createFolders,
  ensureTopics,
  openTestNode,
  partitions,
  plainNames,
  type TestNode,
} from './nodes.fixture.ts';

const fault = fc.constantFrom<Fault>('none', 'none', 'none', 'before', 'after');
const step = fc.record({ node: fc.integer({ min: 0, max: 2 }), together: fc.boolean() });

/** What a change came to: the token it made and its version, or the code of its error. */
type Outcome = { readonly id: string; readonly version: number } | string;

/** Each run makes another token: one that ran twice and counted twice would be seen. */
async function createToken(node: TestNode, actor: string): Promise<Outcome> {
  try {
    const { result, version } = await node.changes.change((writer) =>
      writer.createToken({ role: 'reader', actor }),
    );
    return { id: result.id, version };
  } catch (error) {
    return (error as { readonly code: string }).code;
  }
}

const actorOf = (at: number) => `actor-${at}`;

/** What is in the history for a change, against what was said of it: empty where both agree. */
function disagreement(node: TestNode, at: number, outcome: Outcome, canFail: boolean): string {
  const made = node.registry
    .history({ limit: 1_000 })
    .filter(({ actor }) => actor === actorOf(at))
    .map(({ id, version }) => `${id} ${version}`);
  const found = `change ${at}: ${JSON.stringify(outcome)}, made ${made.join() || 'nothing'}`;
  if (typeof outcome === 'object') {
    return made.join() === `${outcome.id} ${outcome.version}` ? '' : found;
  }
  const mayHaveMade = outcome === 'CLUSTER_REGISTRY_UNCERTAIN' ? 1 : 0;
  const isNamed = /^CLUSTER_REGISTRY_(AWAY|BUSY|UNCERTAIN)$/.test(outcome);
  return canFail && isNamed && made.length <= mayHaveMade ? '' : found;
}

/** Each version once in the topic, and its marker once in every partition, in order. */
function expectRightTopics(server: KafkaServer, newest: number): void {
  const versions = Array.from({ length: newest }, (_none, at) => at + 1);
  const keys = server.records(plainNames.registry, 0).map(({ key }) => key?.toString() ?? '');
  expect(keys.filter((key) => key.startsWith('version/'))).toEqual(
    versions.map((version) => `version/${version}/0`),
  );
  for (let partition = 0; partition < partitions; partition += 1) {
    const markers = server.records(plainNames.readings, partition);
    expect(markers.map(({ value }) => JSON.parse(String(value)) as unknown)).toEqual(
      versions.map((version) => ({ version })),
    );
    expect(markers.map(({ headers }) => Number(headers['sequence']))).toEqual(versions);
  }
}

it('three who write at once, while the server fails before and after it did what was asked, make one chain', async () => {
  let made = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 12 }),
      fc.array(fault, { maxLength: 20 }),
      fc.oneof(fc.constant<Fault[]>([]), fc.array(fault, { maxLength: 20 })),
      fc.integer(),
      async (steps, commits, others, seed) => {
        const server = createKafkaServer();
        const folders = createFolders();
        const clock = createFastClock();
        const nodes: TestNode[] = [];
        try {
          await ensureTopics(server.connect(), plainNames);
          for (const number of [1, 2, 3]) {
            const random = createSeededRandom(seed + number);
            const folder = folders.folder(String(number));
            nodes.push(
              await openTestNode(server.connect(), plainNames, { number, folder, clock, random }),
            );
          }
          const [first] = nodes as [TestNode];
          const [commitFaults, otherFaults] = [[...commits], [...others]];
          server.faults.commit = () => commitFaults.shift() ?? 'none';
          server.faults.open = () => otherFaults.shift() ?? 'none';
          server.faults.read = () => otherFaults.shift() ?? 'none';
          const running: Promise<Outcome>[] = [];
          for (const [at, { node, together }] of steps.entries()) {
            const outcome = createToken(nodes[node]!, actorOf(at));
            running.push(outcome);
            if (!together) await outcome;
          }
          const outcomes = await Promise.all(running);
          server.faults.commit = () => 'none';
          const newest = server
            .records(plainNames.registry, 0)
            .filter(({ key }) => key?.toString().startsWith('version/') === true).length;
          for (const node of nodes) await node.holds(newest);
          const canFail = others.includes('before');
          const wrong = outcomes.map((outcome, at) => disagreement(first, at, outcome, canFail));
          expect(wrong.join('')).toBe('');
          expectRightTopics(server, newest);
          for (const node of nodes) {
            expect(node.failures).toEqual([]);
            expect(node.registry.exportFile()).toEqual(first.registry.exportFile());
            expect(node.copy.digestAt(newest)).toBe(first.copy.digestAt(newest));
          }
          made += outcomes.filter((outcome) => typeof outcome === 'object').length;
        } finally {
          for (const node of nodes) await node.close();
          folders.remove();
        }
      },
    ),
    { numRuns: 40 },
  );
  expect(made).toBeGreaterThan(40);
});
