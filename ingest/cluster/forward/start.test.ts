import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { createManualClock, type ManualClock } from '../../../devices/clock-manual.ts';
import {
  createRecordedTelemetry,
  type RecordedTelemetry,
} from '../../../devices/telemetry-silent.ts';
import { createFaultyFileSystem } from '../../log/file-system-faults.ts';
import { createMemoryFileSystem, type MemoryFileSystem } from '../../log/file-system-memory.ts';
import type { FileSystem } from '../../log/file-system.ts';
import type { Kafka, Producer } from '../../log/kafka/kafka.ts';
import { createKafkaServer, type KafkaServer } from '../../log/kafka/memory.ts';
import { encodeBatch } from '../../observations/batch-codec.ts';
import { noTotals, type SourceMark } from '../../observations/batch.ts';
import { readingToRecord } from '../reading-record.ts';
import { readingPlace } from '../route.ts';
import { createForwardEvents } from './events.ts';
import { greatestKnown } from './known.ts';
import { beginStart } from './start.ts';
import { openWorld, partitions, topics } from './world.fixture.ts';

const node = 7;
const directory = '/data';
const notePath = '/data/forward.start';

let clock: ManualClock;
let telemetry: RecordedTelemetry;
let server: KafkaServer;
let kafka: Kafka;
let producer: Producer;
let disk: MemoryFileSystem;
/** Readings sent, by partition. */
let sent: { readonly node: number; readonly position: number }[][];
beforeEach(openScene);

async function openScene(): Promise<void> {
  clock = createManualClock(0);
  telemetry = createRecordedTelemetry();
  server = createKafkaServer();
  kafka = server.connect();
  disk = createMemoryFileSystem();
  sent = Array.from({ length: partitions }, () => []);
  await disk.makeDirectory(directory);
  await kafka.ensureTopics(
    Object.values(topics).map((topic) => ({
      topic,
      partitions,
      replicationFactor: 1,
      minInsyncReplicas: 1,
      cleanupPolicy: 'delete',
      retentionMs: -1,
      messageBytesMax: 1_048_576,
    })),
  );
  producer = await kafka.openProducer();
}

async function send(partition: number, from: number, position: number): Promise<void> {
  const sequence = sent[partition]!.length + 1;
  const payload = Buffer.from(`reading ${position}`);
  const reading = {
    kind: 'message',
    door: 'mqtt',
    receivedAt: 0,
    device: 'd',
    topic: 't',
  } as const;
  const origin = { node: from, position, sequence };
  const place = { topic: topics.readings, partition, key: null };
  await producer.send([readingToRecord({ ...reading, payload, origin }, place)]);
  sent[partition]!.push({ node: from, position });
}

/** Of the first readings of a partition. */
async function decide(partition: number, readings: number): Promise<void> {
  const marks = new Map<number, SourceMark>();
  for (const { node: from, position } of sent[partition]!.slice(0, readings)) {
    const before = marks.get(from);
    const sequence = (before?.sequence ?? 0) + 1;
    const greatest = Math.max(position, before?.position ?? 0);
    marks.set(from, { node: from, position: greatest, sequence });
  }
  const position = server.records(topics.observations, partition).length + 1;
  const batch = {
    publishedAt: position,
    consumed: readingPlace(readings - 1, partition),
    totals: noTotals,
    registryVersion: 0,
    rows: [],
    quarantined: [],
    control: [],
    sources: [...marks.values()],
  };
  const value = Buffer.from(encodeBatch(batch));
  await writeBatch(partition, position, value);
}

async function writeBatch(partition: number, position: number, value: Buffer): Promise<void> {
  const headers = { position: String(position) };
  await producer.send([{ topic: topics.observations, partition, key: null, value, headers }]);
}

function optionsOf(fileSystem: FileSystem = disk, signal = new AbortController().signal) {
  const events = createForwardEvents(telemetry);
  return { kafka, topics, node, clock, telemetry, events, signal, fileSystem, directory };
}

const known = () => greatestKnown(optionsOf());

/** A start of the node, whose own log ends there. */
async function start(end: number, fileSystem?: FileSystem): Promise<number | undefined> {
  return (await beginStart(optionsOf(fileSystem), end)).prove();
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await setImmediate();
    clock.advance(100);
  }
}

describe('what Kafka knows of a node', () => {
  it('is nothing of one that never sent anything', async () => {
    await send(1, 8, 500);
    await decide(2, 0);
    expect(await known()).toEqual({ position: 0, records: 1 });
  });

  it('is the greatest position of all partitions: decided, or waiting behind what was decided', async () => {
    await send(0, node, 3);
    await send(1, node, 9);
    await send(1, 8, 700);
    await decide(1, 2);
    expect(await known()).toEqual({ position: 9, records: 1 });
    await send(2, node, 11);
    await send(2, node, 10);
    expect(await known()).toEqual({ position: 11, records: 3 });
    await decide(2, 2);
    expect(await known()).toEqual({ position: 11, records: 1 });
  });

  it('is looked for in many pieces, and past what retention deletes meanwhile', async () => {
    for (let position = 1; position <= 300; position++) await send(3, node, position);
    let reads = 0;
    server.faults.read = (topic, partition) => {
      if (topic === topics.readings && partition === 3 && reads++ === 0) {
        server.trim(topics.readings, 3, 200);
      }
      return 'none';
    };
    expect(await known()).toEqual({ position: 300, records: 100 });
    expect(reads).toBeGreaterThan(1);
  });

  it('is all that is kept of a partition whose last batch nobody understands', async () => {
    for (const position of [4, 5, 6]) await send(0, node, position);
    await decide(0, 3);
    await writeBatch(0, 2, Buffer.from('no batch'));
    expect(await known()).toEqual({ position: 6, records: 3 });
    expect(telemetry.value('quantrac_forward_errors_total', { what: 'decided' })).toBe(1);
  });
});

describe('the start of a node', () => {
  it('is proven where its log reaches as far as Kafka knows it, and leaves no note', async () => {
    await send(0, node, 5);
    expect(await start(5)).toBe(5);
    expect(disk.paths()).toEqual([]);
  });

  it('is refused by name where Kafka knows more, each time anew', async () => {
    await send(0, node, 5);
    const refused = { code: 'FORWARD_LOG_SHORTENED', fields: { node, end: 4, sent: 5 } };
    await expect(start(4)).rejects.toMatchObject(refused);
    await expect(start(4)).rejects.toMatchObject(refused);
    // What it took in meanwhile does not make it longer than it was.
    await expect(start(90)).rejects.toMatchObject(refused);
  });

  it('waits for Kafka, and is held against the end of the first start that was not proven', async () => {
    await send(0, node, 5);
    const stopping = new AbortController();
    server.faults.read = () => 'before';
    const first = await beginStart(optionsOf(disk, stopping.signal), 4);
    const asked = first.prove();
    await until(() => clock.now() > 5_000);
    stopping.abort();
    await until(() => clock.now() > 6_000);
    expect(await asked).toBeUndefined();
    server.faults.read = () => 'none';
    await expect(start(12)).rejects.toMatchObject({ fields: { end: 4, sent: 5 } });
  });

  it('remembers the end by itself on a disk that takes no note', async () => {
    await send(0, node, 5);
    const full = createFaultyFileSystem(disk, [{ call: 'write', nth: 1, code: 'ENOSPC' }]);
    await expect(start(4, full)).rejects.toMatchObject({ code: 'FORWARD_LOG_SHORTENED' });
    expect(telemetry.value('quantrac_forward_errors_total', { what: 'start' })).toBe(1);
  });

  it('waits until its note is gone: what is sent then would be held against it', async () => {
    const stuck = createFaultyFileSystem(disk, [{ call: 'unlink', nth: 2, code: 'EIO', times: 3 }]);
    let proven: number | undefined;
    void start(4, stuck).then((end) => (proven = end));
    await until(() => clock.now() > 1_500);
    expect(proven).toBeUndefined();
    await until(() => proven !== undefined);
    expect(disk.paths()).toEqual([]);
  });

  it('is refused by name where its note is damaged', async () => {
    for (const damaged of ['', 'null', '{"format":"quantrac-forward-start/2","end":4}']) {
      disk.setContents(notePath, Buffer.from(damaged));
      await expect(start(4)).rejects.toMatchObject({
        code: 'FORWARD_STATE_DAMAGED',
        fields: { path: notePath },
      });
    }
  });
});

/** What a copy of a stopped node's folder holds. */
interface Folder {
  readonly log: readonly string[];
  readonly note: Buffer | undefined;
}

interface Life {
  /** Before it starts: nothing, its folder is copied, or the copy is put in place of it. */
  readonly folder: 'own' | 'copied' | 'put back';
  readonly isAway: boolean;
  readonly takes: number;
  readonly forwards: number;
  /** All partitions are decided behind it. */
  readonly isDecided: boolean;
}

const anyLife: fc.Arbitrary<Life> = fc.record({
  folder: fc.constantFrom('own', 'own', 'copied', 'put back'),
  isAway: fc.boolean(),
  takes: fc.nat({ max: 4 }),
  forwards: fc.nat({ max: 6 }),
  isDecided: fc.boolean(),
});

function copyOf(log: readonly string[]): Folder {
  const note = disk.paths().includes(notePath) ? disk.contents(notePath) : undefined;
  return { log: [...log], note };
}

async function putBack({ note }: Folder): Promise<void> {
  if (note !== undefined) disk.setContents(notePath, note);
  else if (disk.paths().includes(notePath)) await disk.unlink(notePath);
}

async function runLives(lives: readonly Life[]): Promise<void> {
  let log: string[] = [];
  let copy = copyOf(log);
  let taken = 0;
  let isOwn = true;
  const inKafka: string[] = [];
  for (const life of lives) {
    if (life.folder === 'copied') copy = copyOf(log);
    if (life.folder === 'put back') {
      log = [...copy.log];
      await putBack(copy);
      isOwn = false;
    }
    const begun = await beginStart(optionsOf(), log.length);
    for (let each = 0; each < life.takes; each++) log.push(`reading ${taken++}`);
    if (life.isAway) continue;
    const answer = await begun.prove().catch((error: unknown) => error);
    const isRefused = typeof answer !== 'number';
    expect(isRefused && isOwn).toBe(false);
    // The process ends.
    if (isRefused) continue;
    // What the life before sent last is sent again, as after a crash.
    const from = Math.max(0, Math.min(inKafka.length, answer) - 2);
    for (let at = from; at < Math.min(log.length, from + life.forwards); at++) {
      expect(inKafka[at] ?? log[at]).toBe(log[at]);
      inKafka[at] = log[at]!;
      await send(at % partitions, node, at + 1);
    }
    if (!life.isDecided) continue;
    for (const [partition, readings] of sent.entries()) await decide(partition, readings.length);
  }
}

describe('whatever folder a node is started on, and whenever Kafka is away', () => {
  it('no position is sent with another reading, and its own folder is never refused', async () => {
    const lives = fc.array(anyLife, { minLength: 2, maxLength: 12, size: 'max' });
    await fc.assert(
      fc.asyncProperty(lives, async (some) => {
        await openScene();
        await runLives(some);
      }),
      { numRuns: 150 },
    );
  });
});

describe('a folder put back from an older copy', () => {
  it('sends nothing, and what was acknowledged on the newer one stays what it is', async () => {
    const world = await openWorld();
    const sunday = await world.open();
    await sunday.keep({});
    await sunday.drained();
    await sunday.close();
    const copied = new Map(world.disk.paths().map((path) => [path, world.disk.contents(path)]));
    const tuesday = await world.open();
    await tuesday.keep({});
    await tuesday.keep({});
    await tuesday.drained();
    await tuesday.close();
    for (const path of world.disk.paths()) await world.disk.unlink(path);
    for (const [path, bytes] of copied) world.disk.setContents(path, bytes);
    const count = () =>
      Array.from({ length: partitions }, (_, at) => at).flatMap((at) =>
        world.server.records(topics.readings, at),
      ).length;
    const before = count();
    await expect(world.open()).rejects.toMatchObject({
      code: 'FORWARD_LOG_SHORTENED',
      fields: { end: 1, sent: 3 },
    });
    expect(count()).toBe(before);
  });
});
