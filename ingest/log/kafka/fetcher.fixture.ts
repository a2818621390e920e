/** Servers that hold partitions and answer Fetch requests as Kafka does, with a hand on what goes wrong. */
import type Cluster from 'kafkajs/src/cluster/index.js';
import type { NodeConnection } from 'kafkajs/src/cluster/index.js';
import type { Clock } from '../../../devices/clock.ts';
import {
  readRequest,
  writeAnswer,
  writeBatch,
  type ReadRequest,
  type WrittenPartition,
} from './fetch-answer.fixture.ts';

export interface HeldPartition {
  /** Undefined: no server leads it. */
  leader: string | undefined;
  start: number;
  readonly texts: string[];
  /** Answered to whoever asks for it, instead of its records; 0: none. */
  errorCode: number;
  /** Each of its records has so many at least. */
  bytesMin: number;
}

/** `down`: refuses and drops connections; `hung`: takes requests and never answers. */
export type ServerState = 'up' | 'down' | 'hung';

/** Of one partition in an answer. */
const recordsMax = 10;
const notLeader = 6;
const offsetOutOfRange = 1;

export class FakeKafka {
  readonly states = new Map<string, ServerState>([
    ['1', 'up'],
    ['2', 'up'],
  ]);
  readonly partitions = new Map<string, HeldPartition>();
  readonly requests: (ReadRequest & { readonly server: string })[] = [];
  /** Of the clients: pools opened and open now, and how often they asked who leads. */
  readonly counts = { opened: 0, open: 0, refreshes: 0 };
  readonly #clock: Clock;
  readonly #held = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly openCluster = (): Cluster => new FakeCluster(this) as unknown as Cluster;

  partition(place: string, leader: string): HeldPartition {
    const made: HeldPartition = { leader, start: 0, texts: [], errorCode: 0, bytesMin: 0 };
    this.partitions.set(place, made);
    return made;
  }

  append(place: string, ...texts: string[]): void {
    this.partitions.get(place)!.texts.push(...texts);
    this.look();
  }

  /** Requests that are held are answered where there is something to say now. */
  look(): void {
    for (const look of this.#held) look();
  }

  get isAway(): boolean {
    return [...this.states.values()].every((state) => state === 'down');
  }

  /** At once where there is something to say, else when there is or the time is over. */
  async answer(server: string, request: ReadRequest): Promise<Buffer> {
    this.requests.push({ ...request, server });
    const answered = Promise.withResolvers<Buffer>();
    const look = (isLate = false): void => {
      const state = this.states.get(server);
      if (state === 'down') answered.reject(lost(server));
      if (state !== 'up') return;
      const partitions = request.asked.map((asked) => this.#answerOf(server, asked));
      const isDue = partitions.some(({ errorCode, batches }) => errorCode || batches?.length);
      if (isDue || isLate) answered.resolve(writeAnswer(partitions));
    };
    const timer = this.#clock.schedule(request.waitMs, () => look(true));
    const lookNow = (): void => look();
    this.#held.add(lookNow);
    lookNow();
    return answered.promise.finally(() => {
      this.#held.delete(lookNow);
      timer.cancel();
    });
  }

  #answerOf(
    server: string,
    { topic, partition, offset }: ReadRequest['asked'][number],
  ): WrittenPartition {
    const found = this.partitions.get(`${topic}-${partition}`);
    const place = { topic, partition };
    if (found?.leader !== server) return { ...place, errorCode: notLeader };
    if (found.errorCode !== 0) return { ...place, errorCode: found.errorCode };
    const { start, texts, bytesMin } = found;
    const end = start + texts.length;
    if (offset < start || offset > end) return { ...place, errorCode: offsetOutOfRange };
    const left = texts
      .slice(offset - start)
      .slice(0, recordsMax)
      .map((text) => text.padEnd(bytesMin));
    const batches = left.length === 0 ? [] : [writeBatch({ offset, texts: left })];
    return { ...place, end, batches };
  }
}

/** What of kafkajs' pool of connections is used for reading. */
class FakeCluster {
  readonly #kafka: FakeKafka;
  /** What this client was told last. */
  #leaders = new Map<string, string | undefined>();
  /** By server: ends what is under way there. */
  readonly #underWay = new Map<string, Set<(error: Error) => void>>();
  #isOpen = false;
  #isGivenUp = false;

  constructor(kafka: FakeKafka) {
    this.#kafka = kafka;
  }

  async connect(): Promise<void> {
    this.#kafka.counts.opened++;
    await Promise.resolve();
    this.#refuseIfAway();
    if (this.#isGivenUp) throw lost('this process');
    this.#isOpen = true;
    this.#kafka.counts.open++;
  }

  async disconnect(): Promise<void> {
    this.#isGivenUp = true;
    if (this.#isOpen) this.#kafka.counts.open--;
    this.#isOpen = false;
    for (const server of this.#underWay.keys()) this.removeBroker({ host: server });
  }

  async addMultipleTargetTopics(): Promise<void> {
    if (this.#leaders.size === 0) this.#learn();
  }

  async refreshMetadata(): Promise<void> {
    this.#kafka.counts.refreshes++;
    this.#learn();
  }

  findLeaderForPartitions(topic: string, [partition]: readonly number[]): Record<string, unknown> {
    const place = `${topic}-${partition}`;
    return this.#leaders.has(place) ? { [this.#leaders.get(place) ?? '-1']: [partition] } : {};
  }

  async findBroker({ nodeId }: { readonly nodeId: string }): Promise<NodeConnection> {
    if (this.#kafka.states.get(nodeId) === 'down') throw lost(nodeId);
    const connectionPool: NodeConnection['connectionPool'] = {
      host: nodeId,
      port: 1,
      send: async ({ request, response }) => {
        const bytes = (await request.encode()).buffer;
        const ended = Promise.withResolvers<never>();
        this.#underWayAt(nodeId).add(ended.reject);
        try {
          const answer = this.#kafka.answer(nodeId, readRequest(bytes));
          return await response.parse(
            await response.decode(await Promise.race([answer, ended.promise])),
          );
        } finally {
          this.#underWayAt(nodeId).delete(ended.reject);
        }
      },
    };
    return { connectionPool } as NodeConnection;
  }

  removeBroker({ host }: { readonly host: string }): void {
    for (const end of this.#underWayAt(host)) end(lost(host));
  }

  async fetchTopicsOffset([asked]: readonly [
    {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number }[];
      readonly fromBeginning: boolean;
    },
  ]) {
    this.#refuseIfAway();
    const { topic, partitions, fromBeginning } = asked;
    const found = partitions.map(({ partition }) => {
      const { start, texts } = this.#kafka.partitions.get(`${topic}-${partition}`)!;
      return { partition, offset: String(start + (fromBeginning ? 0 : texts.length)) };
    });
    return [{ topic, partitions: found }];
  }

  #underWayAt(server: string): Set<(error: Error) => void> {
    const known = this.#underWay.get(server) ?? new Set();
    this.#underWay.set(server, known);
    return known;
  }

  #learn(): void {
    this.#refuseIfAway();
    const told = [...this.#kafka.partitions].map(([place, { leader }]) => [place, leader] as const);
    this.#leaders = new Map(told);
  }

  #refuseIfAway(): void {
    if (this.#kafka.isAway) throw lost('every server');
  }
}

function lost(server: string): Error {
  const kind = { name: 'KafkaJSConnectionClosedError', host: server, port: 1, retriable: true };
  return Object.assign(new Error(`closed by ${server}`), kind);
}
