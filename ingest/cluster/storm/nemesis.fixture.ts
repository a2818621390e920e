/** What goes wrong, as the seed has it, and then the calm in which everything must come to its end. */
import type { CommitFault, KafkaServer } from '../../log/kafka/memory.ts';
import type { OutgoingRecord } from '../../log/kafka/kafka.ts';
import { changesMax, partitions } from './network.fixture.ts';
import { sendSome } from './traffic.fixture.ts';
import type { World } from './world.fixture.ts';

export interface StormOptions {
  readonly world: World;
  /** Where Kafka is the double: what only it can do. */
  readonly server?: KafkaServer;
  readonly turns: number;
  /** Whether the registry changes in the middle of it. */
  readonly changesRegistry: boolean;
  /** Lets so much time pass in each turn at most. */
  readonly turnMsMax: number;
}

/** Counts of what happened. */
export type Happened = Record<string, number>;

export async function storm(options: StormOptions): Promise<Happened> {
  const { world, server, turns, turnMsMax } = options;
  const { next, ground } = world;
  const happened: Happened = {};
  const stalls: (() => void)[] = [];
  if (server !== undefined) server.faults.commit = createCommitFault(world, stalls);
  reassign(world);
  for (let turn = 0; turn < turns; turn++) {
    sendSome(world, Math.floor(next() * 12));
    const chosen = misfortuneOf(next());
    const what = chosen === 'registry' && !options.changesRegistry ? 'nothing' : chosen;
    happened[what] = (happened[what] ?? 0) + 1;
    await strike(world, what);
    while (stalls.length > 0 && next() < 0.5) stalls.shift()?.();
    for (const broker of world.brokers) await world.until(broker.send(Math.floor(next() * 20)));
    await ground.pass(Math.floor(next() * turnMsMax));
  }
  for (const wake of stalls) wake();
  if (server !== undefined) delete server.faults.commit;
  return happened;
}

const misfortunes = [
  ['nothing', 30],
  ['reassign', 16],
  ['kill', 7],
  ['kill and forget', 3],
  ['freeze', 7],
  ['thaw', 14],
  ['weather', 12],
  ['crash of a broker', 6],
  ['registry', 3],
  ['registry arrives', 8],
  ['foreign', 3],
] as const;
type Misfortune = (typeof misfortunes)[number][0];
const weightAll = misfortunes.reduce((sum, [, weight]) => sum + weight, 0);

function misfortuneOf(chance: number): Misfortune {
  let left = chance * weightAll;
  for (const [what, weight] of misfortunes) {
    left -= weight;
    if (left < 0) return what;
  }
  return 'nothing';
}

async function strike(world: World, what: Misfortune): Promise<void> {
  const { next, workers, brokers, weather, versions } = world;
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(next() * items.length)]!;
  switch (what) {
    case 'nothing':
      return;
    case 'reassign':
      return reassign(world);
    case 'kill':
    case 'kill and forget': {
      const worker = pick(workers);
      const { assigned } = worker;
      await world.until(worker.kill(what === 'kill and forget'));
      worker.assign(next() < 0.5 ? assigned : []);
      return;
    }
    case 'freeze':
      return pick(workers).freeze();
    case 'thaw':
      return pick(workers).thaw();
    case 'weather':
      weather.commits = pick([0, 0, 10, 40]);
      weather.reads = pick([0, 0, 10, 40]);
      weather.opens = pick([0, 0, 10, 40]);
      return;
    case 'crash of a broker':
      return world.until(pick(brokers).crash(Math.floor(next() * 15)));
    case 'registry':
      if (versions.length <= changesMax) await world.until(world.changeRegistry());
      return;
    case 'registry arrives':
      pick(workers).registryVersion = versions.at(-1)!;
      return;
    case 'foreign':
      return world.until(world.writeForeign(Math.floor(next() * partitions), pick(foreignHeaders)));
  }
}

/** What another program might write; the last looks almost like ours. */
const foreignHeaders: readonly Readonly<Record<string, string>>[] = [
  {},
  { kind: 'message', node: '1' },
  { kind: 'registry', door: 'internal', device: '', topic: '', receivedAt: '1', node: '0' },
  {
    kind: 'control',
    door: 'mqtt',
    device: 'wide',
    topic: 't',
    receivedAt: '1',
    node: '1',
    position: '1',
    sequence: '1',
    from: '2',
    registry: '1',
  },
];

/** Any plan, also one in which a partition is nobody's, or two workers take it for theirs. */
function reassign({ next, workers }: World): void {
  const plans = workers.map((): number[] => []);
  for (let partition = 0; partition < partitions; partition++) {
    for (let copies = next() < 0.15 ? 2 : 1; copies > 0; copies--) {
      const plan = plans[Math.floor(next() * plans.length)]!;
      if (!plan.includes(partition)) plan.push(partition);
    }
  }
  if (next() < 0.2) plans[0]!.splice(0);
  for (const [at, worker] of workers.entries()) worker.assign(plans[at]!);
}

/** Aborted, committed late, or stalled in the server until it is woken. */
function createCommitFault({ next, weather, names }: World, stalls: (() => void)[]) {
  return ([first]: readonly OutgoingRecord[]): CommitFault | Promise<CommitFault> => {
    // The markers of a registry version have a storm of their own (`registry/faults.test.ts`).
    const isBatch = first?.topic === names.topics.observations;
    if (!isBatch || next() * 100 >= weather.commits) return 'none';
    const chance = next();
    if (chance < 0.3) return 'before';
    if (chance < 0.6) return 'after';
    if (chance < 0.8) return 'late';
    return new Promise((resolve) => stalls.push(() => resolve('none')));
  };
}

/** The sky clears, every worker goes on, and each partition is one worker's. */
export async function calm(world: World): Promise<void> {
  const { weather, workers, brokers, versions, until } = world;
  Object.assign(weather, { commits: 0, reads: 0, opens: 0 });
  for (const worker of workers) {
    worker.thaw();
    worker.registryVersion = versions.at(-1)!;
  }
  for (const broker of brokers) {
    while (!broker.isDrained) await until(broker.send(100));
  }
  for (const [at, worker] of workers.entries()) {
    const all = Array.from({ length: partitions }, (_none, partition) => partition);
    worker.assign(all.filter((partition) => partition % workers.length === at));
  }
  await until(untilConsumed(world));
}

/** A change of the registry that all partitions see between the same readings. */
export async function changeInCalm(world: World): Promise<void> {
  await world.until(world.changeRegistry());
  await calm(world);
}

/** Until the last batch of each partition has consumed the last reading, and none is passed on any more. */
async function untilConsumed(world: World): Promise<void> {
  // A partition that was level may be passed a reading while the others are looked at: twice then.
  for (let level = 0; level < 2;) {
    const isLevel = await Promise.all(
      Array.from({ length: partitions }, (_none, partition) => world.isConsumed(partition)),
    );
    level = isLevel.every(Boolean) ? level + 1 : 0;
    await new Promise<void>((resolve) => void world.ground.clock.schedule(50, resolve));
  }
}
