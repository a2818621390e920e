import { setImmediate } from 'node:timers/promises';

import { beforeEach, describe, expect, it } from 'vitest';

import { createManualClock, type ManualClock } from '../devices/clock-manual.ts';
import { createRecordedTelemetry, type RecordedTelemetry } from '../devices/telemetry-silent.ts';
import { createDurableEnd, type SharedDurableEnd } from '../ingest/log/durable-end.ts';
import type { LogWriter, Position } from '../ingest/log/log.ts';
import { createReplicationEvents } from './events.ts';
import { createReceiver } from './receive.ts';
import { createReplicatedLog, type ReplicatedLog } from './replicated-log.ts';

/** A log whose disk answers when it is told to. */
function createSlowLog() {
  const durableEnd = createDurableEnd();
  const waiting: ((error: Error | null, position: Position) => void)[] = [];
  let appended = 0;
  let isClosed = false;
  const log: LogWriter = {
    durableEnd,
    saturated: false,
    append(_size, fill, done) {
      fill(Buffer.alloc(500), 0);
      appended += 1;
      waiting.push(done);
    },
    trimBefore: async () => undefined,
    async close() {
      isClosed = true;
    },
  };
  return {
    log,
    get appended() {
      return appended;
    },
    get isClosed() {
      return isClosed;
    },
    /** All that waits is durable. */
    flush(error: Error | null = null): void {
      for (const done of waiting.splice(0)) {
        const position = durableEnd.get() + (error === null ? 1 : 0);
        durableEnd.advance(position);
        done(error, error === null ? position : 0);
      }
    },
  };
}

describe('a log where acknowledged means replicated', () => {
  let clock: ManualClock;
  let telemetry: RecordedTelemetry;
  let disk: ReturnType<typeof createSlowLog>;
  let forwardedEnd: SharedDurableEnd;
  let replicated: ReplicatedLog;
  let answers: string[];

  beforeEach(() => {
    clock = createManualClock(0);
    telemetry = createRecordedTelemetry();
    disk = createSlowLog();
    forwardedEnd = createDurableEnd();
    answers = [];
    replicated = createReplicatedLog({
      log: disk.log,
      forwardedEnd,
      clock,
      waitMsMax: 1_000,
      pendingMax: 4,
      events: createReplicationEvents(telemetry),
    });
  });

  function append(name: string): void {
    replicated.append(
      1,
      () => undefined,
      (error, position) => {
        const code = error !== null && 'code' in error ? String(error.code) : String(error);
        answers.push(error === null ? `${name} at ${position}` : `${name} ${code}`);
      },
    );
  }

  /** Kafka has the log up to here. */
  async function forwarded(position: Position): Promise<void> {
    forwardedEnd.advance(position);
    for (let turn = 0; turn < 5; turn++) await setImmediate();
  }

  it('answers when Kafka has it, in the order of the calls', async () => {
    append('a');
    append('b');
    append('c');
    disk.flush();
    await forwarded(0);
    expect(answers).toEqual([]);
    await forwarded(2);
    expect(answers).toEqual(['a at 1', 'b at 2']);
    await forwarded(3);
    expect(answers).toEqual(['a at 1', 'b at 2', 'c at 3']);
  });

  it('hands on what the disk refuses, in its turn', async () => {
    append('a');
    disk.flush();
    append('b');
    disk.flush(Object.assign(new Error('full'), { code: 'LOG_DISK_FULL' }));
    expect(answers).toEqual([]);
    await forwarded(1);
    expect(answers).toEqual(['a at 1', 'b LOG_DISK_FULL']);
    expect(replicated.error).toBeNull();
  });

  it('refuses what waited too long, and then all, unwritten, until Kafka has caught up', async () => {
    append('a');
    disk.flush();
    clock.advance(900);
    append('b');
    disk.flush();
    clock.advance(100);
    expect(answers).toEqual(['a BROKER_NOT_REPLICATED', 'b BROKER_NOT_REPLICATED']);
    expect(replicated.error?.code).toBe('BROKER_NOT_REPLICATED');
    append('c');
    expect(answers.at(-1)).toBe('c BROKER_NOT_REPLICATED');
    expect(disk.appended).toBe(2);
    await forwarded(1);
    expect(replicated.error).not.toBeNull();
    await forwarded(2);
    expect(replicated.error).toBeNull();
    append('d');
    disk.flush();
    await forwarded(3);
    expect(answers.at(-1)).toBe('d at 3');
    expect(telemetry.value('quantrac_unreplicated_refused_total')).toBe(3);
    expect(telemetry.value('quantrac_unreplicated')).toBe(0);
    expect(telemetry.lines.map(({ level }) => level)).toEqual(['error', 'warn']);
  });

  it('leaves a slow disk to the log itself', async () => {
    append('a');
    clock.advance(10_000);
    expect(answers).toEqual([]);
    disk.flush();
    await forwarded(1);
    expect(answers).toEqual(['a at 1']);
  });

  it('says that it is saturated at its bound, and refuses at twice that', async () => {
    for (const name of ['a', 'b', 'c']) append(name);
    expect(replicated.saturated).toBe(false);
    append('d');
    expect(replicated.saturated).toBe(true);
    for (const name of ['e', 'f', 'g', 'h', 'i']) append(name);
    expect(disk.appended).toBe(8);
    disk.flush();
    await forwarded(8);
    expect(answers.slice(-2)).toEqual(['h at 8', 'i BROKER_REPLICATION_FULL']);
    expect(replicated.saturated).toBe(false);
  });

  it('acknowledges nothing that waits when it is closed', async () => {
    append('a');
    disk.flush();
    await replicated.close();
    expect(disk.isClosed).toBe(true);
    expect(answers).toEqual(['a BROKER_NOT_REPLICATED']);
    await forwarded(1);
    expect(answers).toHaveLength(1);
  });

  it('lets a lane acknowledge in order and refuse without an acknowledgement', async () => {
    const settled: string[] = [];
    const lane = createReceiver({ log: replicated, monotonicMs: () => clock.monotonicMs() }).lane(
      (token, error) => void settled.push(`${token} ${error === null ? 'kept' : 'not kept'}`),
    );
    const payload = Buffer.from('1');
    const reading = {
      kind: 'message',
      door: 'mqtt',
      receivedAt: 1,
      device: 'd',
      topic: 't',
      payload,
    } as const;
    lane.receive(reading, 1);
    lane.receive(reading, 2);
    disk.flush();
    await forwarded(1);
    expect(settled).toEqual(['1 kept']);
    clock.advance(1_000);
    expect(settled).toEqual(['1 kept', '2 not kept']);
    expect(lane.pending).toBe(0);
  });

  it('passes on what else a log does', async () => {
    expect(replicated.durableEnd).toBe(disk.log.durableEnd);
    await replicated.trimBefore(1);
  });
});
