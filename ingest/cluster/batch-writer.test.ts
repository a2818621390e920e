import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../devices/clock.ts';
import { createManualClock, type ManualClock } from '../../devices/clock-manual.ts';
import { openSystemClock } from '../../devices/clock-system.ts';
import { createRecordedTelemetry } from '../../devices/telemetry-silent.ts';
import { createKafkaServer, type CommitFault, type KafkaServer } from '../log/kafka/memory.ts';
import type { Position } from '../log/log.ts';
import type { PassedReading } from '../decide/pending.ts';
import { openBatchWriter, type BatchWriter } from './batch-writer.ts';
import { openPartitionEvents } from './partition-events.ts';

const settleMs = 5_000;
const topics = { readings: 'readings', observations: 'observations' };

async function openServer(): Promise<KafkaServer> {
  const server = createKafkaServer();
  const common = { replicationFactor: 1, minInsyncReplicas: 1, retentionMs: -1, partitions: 2 };
  await server.connect().ensureTopics(
    Object.values(topics).map((topic) => ({
      ...common,
      topic,
      cleanupPolicy: 'delete',
      messageBytesMax: 1_048_576,
    })),
  );
  return server;
}

function openWriter(server: KafkaServer, clock: Clock = openSystemClock()): Promise<BatchWriter> {
  return openBatchWriter({
    kafka: server.connect(),
    clock,
    events: openPartitionEvents(createRecordedTelemetry()),
    partition: 1,
    topics,
    transactionalId: 'observations-1',
    retryMs: 0,
    settleMs,
  });
}

function append(
  writer: BatchWriter,
  text: string,
  passed: readonly PassedReading[] = [],
): Promise<Position> {
  return new Promise((resolve, reject) => {
    writer.append(
      text.length,
      (target, at) => void target.write(text, at),
      (error, position) => (error === null ? resolve(position) : reject(error)),
      passed,
    );
  });
}

function textsIn(server: KafkaServer): string[] {
  return server
    .records(topics.observations, 1)
    .map(({ headers, value }) => `${headers['position']?.toString()} ${value?.toString()}`);
}

/** Kafka takes longer to store a batch than it may. */
async function appendLate(scene: {
  readonly server: KafkaServer;
  readonly clock: ManualClock;
  readonly writer: BatchWriter;
}): Promise<void> {
  const { server, clock, writer } = scene;
  server.faults.commit = () => {
    clock.advance(settleMs + 1);
    return 'none';
  };
  const late = append(writer, 'late').catch(({ code }: { readonly code: string }) => code);
  await setImmediate();
  clock.advance(1);
  expect(await late).toBe('KAFKA_LATE');
}

/** The next commits end so; those behind them well. */
function nextCommits(server: KafkaServer, ...faults: (CommitFault | Promise<CommitFault>)[]): void {
  server.faults.commit = () => faults.shift() ?? 'none';
}

describe('the writer of a partition', () => {
  it('numbers batches from 1 without holes, and goes on where the last one stopped', async () => {
    const server = await openServer();
    const writer = await openWriter(server);
    expect(writer.durableEnd.get()).toBe(0);
    expect(await append(writer, 'a')).toBe(1);
    expect(await append(writer, 'b')).toBe(2);
    await writer.close();
    const next = await openWriter(server);
    expect(next.durableEnd.get()).toBe(2);
    expect(await append(next, 'c')).toBe(3);
    expect(textsIn(server)).toEqual(['1 a', '2 b', '3 c']);
  });

  it('sends what a batch passes on with it, all or nothing', async () => {
    const server = await openServer();
    const writer = await openWriter(server);
    const reading = {
      kind: 'message',
      door: 'mqtt',
      receivedAt: 1,
      device: 'd',
      topic: 't',
      payload: Buffer.from('{}'),
      origin: { node: 1, position: 1, sequence: 1 },
      passed: { from: 1, registryVersion: 3 },
    } as const;
    nextCommits(server, 'before', 'after', 'late');
    await append(writer, 'a', [{ partition: 0, reading }]);
    await append(writer, 'b', [{ partition: 0, reading }]);
    await append(writer, 'c');
    expect(textsIn(server)).toEqual(['1 a', '2 b', '3 c']);
    const passed = server.records(topics.readings, 0);
    expect(passed.map(({ headers }) => headers['from']?.toString())).toEqual(['1', '1']);
  });

  it.each<[string, CommitFault[]]>([
    ['was aborted', ['before']],
    ['was committed', ['after']],
    ['is committed when the id is opened anew', ['late']],
    ['was aborted again and again', ['before', 'before', 'before']],
    ['was aborted, then committed', ['before', 'after']],
    ['was aborted, then committed late', ['before', 'late']],
  ])('keeps a batch once where Kafka does not say that it %s', async (_name, faults) => {
    const server = await openServer();
    const writer = await openWriter(server);
    await append(writer, 'first');
    nextCommits(server, ...faults);
    expect(await append(writer, 'second')).toBe(2);
    expect(await append(writer, 'third')).toBe(3);
    expect(textsIn(server)).toEqual(['1 first', '2 second', '3 third']);
  });

  it('takes a batch back that Kafka takes long to store, and numbers go on without a hole', async () => {
    const server = await openServer();
    const clock = createManualClock(0);
    const writer = await openWriter(server, clock);
    await append(writer, 'first');
    await appendLate({ server, clock, writer });
    server.faults.commit = () => {
      clock.advance(settleMs);
      return 'none';
    };
    expect(await append(writer, 'second')).toBe(2);
    expect(textsIn(server)).toEqual(['1 first', '2 second']);
  });

  it('sends at once what is offered after a batch that was late', async () => {
    const server = await openServer();
    const clock = createManualClock(0);
    const writer = await openWriter(server, clock);
    await appendLate({ server, clock, writer });
    server.faults.open = () => 'before';
    server.faults.commit = () => 'none';
    expect(await append(writer, 'first')).toBe(1);
  });

  it('makes no batch older than Kafka’s clock allows', async () => {
    const server = await openServer();
    const clock = createManualClock(0);
    const writer = await openWriter(server, clock);
    expect(writer.clockBehindMs).toBe(0);
    server.faults.clockBehindMs = 60_000;
    const old = append(writer, 'old').catch(({ code }: { readonly code: string }) => code);
    for (let turn = 0; turn < 5; turn++) {
      await setImmediate();
      clock.advance(1);
    }
    expect(await old).toBe('KAFKA_LATE');
    expect(writer.clockBehindMs).toBe(60_000);
    expect(await append(writer, 'as of now')).toBe(1);
    expect(textsIn(server)).toEqual(['1 as of now']);
  });

  it.each<[string, CommitFault, readonly string[]]>([
    ['takes back what was aborted meanwhile', 'before', []],
    ['keeps what was committed in time', 'late', ['1 a']],
  ])('%s, where it is long until Kafka answers again', async (_name, fault, kept) => {
    const server = await openServer();
    const clock = createManualClock(0);
    const writer = await openWriter(server, clock);
    nextCommits(server, fault);
    server.faults.open = () => {
      clock.advance(settleMs + 1);
      return 'none';
    };
    const appended = append(writer, 'a').catch(({ code }: { readonly code: string }) => code);
    await setImmediate();
    clock.advance(1);
    expect(await appended).toBe(kept.length > 0 ? 1 : 'KAFKA_LATE');
    expect(textsIn(server)).toEqual(kept);
  });

  it('goes on while the id cannot be opened and the end cannot be read', async () => {
    const server = await openServer();
    const writer = await openWriter(server);
    nextCommits(server, 'after');
    let [opens, reads] = [0, 0];
    server.faults.open = () => (opens++ < 3 ? 'before' : 'none');
    server.faults.read = () => (reads++ < 3 ? 'before' : 'none');
    expect(await append(writer, 'a')).toBe(1);
    expect(textsIn(server)).toEqual(['1 a']);
  });

  it('ends where another took the partition over, and its batch stands nowhere', async () => {
    const server = await openServer();
    const old = await openWriter(server);
    await append(old, 'a');
    const other = await openWriter(server);
    await expect(append(old, 'mine')).rejects.toMatchObject({ code: 'KAFKA_FENCED' });
    await append(other, 'theirs');
    expect(textsIn(server)).toEqual(['1 a', '2 theirs']);
  });

  it('ends where it stalled in a commit, woke, and another had written meanwhile', async () => {
    const server = await openServer();
    const old = await openWriter(server);
    const stall = Promise.withResolvers<CommitFault>();
    nextCommits(server, stall.promise);
    const stalled = append(old, 'mine');
    await Promise.resolve();
    const other = await openWriter(server);
    expect(await append(other, 'theirs')).toBe(1);
    stall.resolve('none');
    await expect(stalled).rejects.toMatchObject({ code: 'KAFKA_FENCED' });
    expect(textsIn(server)).toEqual(['1 theirs']);
  });

  it("never takes another worker's batch of the same number for its own", async () => {
    const server = await openServer();
    const old = await openWriter(server);
    await append(old, 'a');
    // The answer is lost, and before the end is looked at another takes over and writes.
    nextCommits(server, 'before');
    let other: Promise<unknown> | undefined;
    server.faults.open = () => {
      server.faults.open = () => 'none';
      other = openWriter(server).then((writer) => append(writer, 'theirs'));
      return 'before';
    };
    await expect(append(old, 'mine')).rejects.toMatchObject({ code: 'KAFKA_FENCED' });
    await other;
    expect(textsIn(server)).toEqual(['1 a', '2 theirs']);
  });

  it('may take the partition back where nobody wrote meanwhile: the other finds its batch', async () => {
    const server = await openServer();
    const old = await openWriter(server);
    nextCommits(server, 'before');
    server.faults.open = () => {
      server.faults.open = () => 'none';
      return 'before';
    };
    const appending = append(old, 'mine');
    const other = await openWriter(server).catch(() => openWriter(server));
    expect(await appending).toBe(1);
    await expect(append(other, 'theirs')).rejects.toMatchObject({ code: 'KAFKA_FENCED' });
    expect(textsIn(server)).toEqual(['1 mine']);
  });

  it('gives up what is under way when it is closed', async () => {
    const server = await openServer();
    const writer = await openWriter(server);
    nextCommits(server, ...Array.from({ length: 1_000 }, () => 'before' as const));
    const appending = append(writer, 'a');
    await writer.close();
    await expect(appending).rejects.toMatchObject({ code: 'KAFKA_FENCED' });
    await expect(append(writer, 'b')).rejects.toMatchObject({ code: 'KAFKA_FENCED' });
  });

  it('leaves nothing open where the end cannot be found', async () => {
    const server = await openServer();
    let closed = 0;
    const kafka = server.connect();
    await append(await openWriter(server), 'a');
    server.faults.read = () => 'before';
    const opening = openBatchWriter({
      kafka: {
        ...kafka,
        openTransactions: async (id) => ({
          ...(await kafka.openTransactions(id)),
          close: async () => void closed++,
        }),
      },
      clock: openSystemClock(),
      events: openPartitionEvents(createRecordedTelemetry()),
      partition: 1,
      topics,
      transactionalId: 'observations-1',
      retryMs: 0,
      settleMs,
    });
    await expect(opening).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' });
    expect(closed).toBe(1);
  });
});
