import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { createManualClock, type ManualClock } from '../devices/clock-manual.ts';
import { createRecordedTelemetry, type RecordedTelemetry } from '../devices/telemetry-silent.ts';
import { openIngestEvents } from './events.ts';
import { logError } from './log/errors.ts';
import { kafkaError } from './log/kafka/errors.ts';
import type { LogReader, LogRecord } from './log/log.ts';
import type { QuarantineEntry } from './observations/batch.ts';
import { createOriginals } from './originals.ts';
import { readingSize, writeReading, type LoggedReading } from './reading-codec.ts';
import type { Reading } from './reading.ts';

const message: Reading = {
  kind: 'message',
  door: 'mqtt',
  receivedAt: 7,
  device: 'd',
  topic: 't',
  payload: Buffer.from('from the log'),
};

const kept: QuarantineEntry = {
  position: 3,
  receivedAt: 7,
  device: 'd',
  topic: 't',
  channel: null,
  code: 'CODEC_X',
  offset: -1,
  detail: '',
  state: 'open',
  payload: Buffer.from('from quarantine'),
};

const replay: LoggedReading = {
  ...message,
  kind: 'replay',
  position: 9,
  payload: Buffer.from('{"position":3}'),
};

let clock: ManualClock;
let telemetry: RecordedTelemetry;
let stopping: AbortController;
/** Thrown by the next reads, one each. */
let failures: unknown[];
beforeEach(() => {
  clock = createManualClock(0);
  telemetry = createRecordedTelemetry();
  stopping = new AbortController();
  failures = [];
});

/** A log of one reading, at position 3. */
function logReader(): LogReader {
  let next = 1;
  const body = Buffer.alloc(readingSize(message));
  writeReading(message, body, 0);
  return {
    get next() {
      return next;
    },
    async read(): Promise<readonly LogRecord[]> {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      if (next > 3) return [];
      next = 4;
      return [{ position: 3, body, rewritten: false }];
    },
    skipDamaged: async () => null,
    seek: (position) => void (next = position),
    close: async () => undefined,
  };
}

function original(): Promise<string | undefined> {
  const { originalOf } = createOriginals({
    reader: logReader(),
    store: { quarantine: () => [kept] },
    clock,
    retryMs: 100,
    events: openIngestEvents(telemetry),
    signal: stopping.signal,
  });
  return originalOf(replay).then((found) => found && Buffer.from(found.payload).toString());
}

describe('the reading that a replay names', () => {
  it('is the one in the log', async () => {
    expect(await original()).toBe('from the log');
  });

  it.each([
    kafkaError('KAFKA_OFFSET_GONE', { start: 8 }),
    logError('LOG_RECORD_DAMAGED'),
    logError('LOG_SEGMENT_MISSING'),
    logError('LOG_HEADER_DAMAGED'),
    logError('LOG_READING_UNKNOWN'),
  ])('is its copy in quarantine where the log has lost it: $code', async (gone) => {
    failures = [gone];
    expect(await original()).toBe('from quarantine');
  });

  it('is waited for while it cannot be read now', async () => {
    failures = [logError('LOG_READ_FAILED'), kafkaError('KAFKA_UNREACHABLE')];
    let found: string | undefined;
    void original().then((payload) => (found = payload));
    for (let tries = 0; tries < 5 && found === undefined; tries++) {
      await setImmediate();
      clock.advance(100);
    }
    await setImmediate();
    expect(found).toBe('from the log');
    expect(telemetry.lines.filter(({ level }) => level === 'warn')).toHaveLength(2);
  });

  it.each([
    ['Kafka refuses it', kafkaError('KAFKA_REFUSED')],
    ['the log is of a newer version', logError('LOG_VERSION')],
    ['the program is wrong', new TypeError('a defect')],
  ])('is not taken for missing where %s', async (_what, failure) => {
    failures = [failure];
    await expect(original()).rejects.toBe(failure);
  });

  it('is not taken for missing where nobody waits any more', async () => {
    const failure = kafkaError('KAFKA_UNREACHABLE', { reason: 'given up' });
    failures = [failure];
    stopping.abort();
    await expect(original()).rejects.toBe(failure);
  });
});
