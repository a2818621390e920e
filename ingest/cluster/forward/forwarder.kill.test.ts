import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createSeededRandom } from '../../../devices/random.ts';

const urlOf = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);

/** A record of the topic, as the standing-in Kafka keeps it: one line of a file that outlives all. */
interface Line {
  readonly partition: number;
  readonly key: string | null;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * One life of a node on a real disk: it keeps readings without end (or none at all) and forwards them.
 * It writes each acknowledged position to standard output, and `done` once all is forwarded.
 */
function nodeCode(directory: string, life: number, keeps: boolean): string {
  return `
    import { appendFileSync, writeSync } from 'node:fs';
    import { openSystemClock } from ${urlOf('../../../devices/clock-system.ts')};
    import { createSeededRandom } from ${urlOf('../../../devices/random.ts')};
    import { createRecordedTelemetry } from ${urlOf('../../../devices/telemetry-silent.ts')};
    import { logConfigSchema } from ${urlOf('../../log/config.ts')};
    import { createDurableEnd } from ${urlOf('../../log/durable-end.ts')};
    import { openNodeFileSystem } from ${urlOf('../../log/file-system-node.ts')};
    import { takeOwnerLock } from ${urlOf('../../log/owner-lock.ts')};
    import { openLogReader, openLogWriter } from ${urlOf('../../log/segment-log.ts')};
    import { appendReading } from ${urlOf('../../reading-codec.ts')};
    import { forwardConfigSchema } from ${urlOf('./config.ts')};
    import { createForwardEvents } from ${urlOf('./events.ts')};
    import { openForwarder } from ${urlOf('./forwarder.ts')};
    import { createTestRegistry } from ${urlOf('./network.fixture.ts')};
    const directory = ${JSON.stringify(directory)};
    const clock = openSystemClock();
    const telemetry = createRecordedTelemetry();
    const readingsEnd = createDurableEnd();
    const forwardedEnd = createDurableEnd();
    const log = { fileSystem: openNodeFileSystem(), directory: directory + '/readings', durableEnd: readingsEnd };
    const writer = await openLogWriter({
      ...log, clock, telemetry, name: 'readings', random: createSeededRandom(1),
      config: logConfigSchema.parse({}), lock: takeOwnerLock,
    });
    const registry = createTestRegistry();
    for (let version = 1; version <= ${life}; version++) {
      registry.change({ logger: ['station-' + version], gauge: ['station-a'] });
    }
    const send = async (records) => appendFileSync(directory + '/topic', records.map((record) =>
      '\\n' + JSON.stringify({ ...record, value: record.value.toString() })).join(''));
    await openForwarder({
      node: 7, topic: 'readings', partitions: 4, readings: await openLogReader(log), readingsEnd,
      endAtStart: readingsEnd.get(),
      forwardedEnd, producer: { send, close: async () => undefined }, registry,
      fileSystem: log.fileSystem, directory, clock,
      config: forwardConfigSchema.parse({ noteEveryMs: 10, batchRecordsMax: 20 }),
      events: createForwardEvents(telemetry), noted: () => undefined,
      freeBytes: async () => 1, failed: (error) => { throw error; },
    });
    if (!${keeps}) {
      while (forwardedEnd.get() < readingsEnd.get()) await new Promise((resolve) => setTimeout(resolve, 5));
      writeSync(1, 'done\\n');
      process.exit(0);
    }
    for (let sent = 0; ; sent++) {
      const payload = Buffer.from('life ${life} reading ' + sent);
      const device = ['logger', 'gauge', 'stranger'][sent % 3];
      const reading = { kind: 'message', door: 'mqtt', receivedAt: 1, device, topic: 't', payload };
      appendReading(writer, reading, (error, position) => writeSync(1, position + ' ' + payload + '\\n'));
      if (sent % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
    }`;
}

describe('A node that is killed', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quantrac-forward-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  function start(life: number, keeps: boolean) {
    const code = nodeCode(directory, life, keeps);
    return spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  it('has sent each acknowledged reading to one partition, in order, without holes', async () => {
    const random = createSeededRandom(5);
    const acknowledged = new Map<string, string>();
    for (let life = 1; life <= 4; life++) {
      const child = start(life, true);
      let output = '';
      child.stdout.on('data', (chunk) => (output += chunk));
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, random.next() * 120));
      child.kill('SIGKILL');
      await once(child, 'close');
      for (const line of output.slice(0, output.lastIndexOf('\n')).split('\n')) {
        acknowledged.set(line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1));
      }
    }
    const last = start(5, false);
    const [said] = await once(last.stdout, 'data');
    expect(String(said)).toBe('done\n');
    await once(last, 'close');
    expect(acknowledged.size).toBeGreaterThan(100);
    const sent = firstsOf(linesOf(directory));
    for (const [position, text] of acknowledged) expect(sent.get(position)?.value).toBe(text);
  });
});

function linesOf(directory: string): Line[] {
  const path = `${directory}/topic`;
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  // A write that a kill cut short was never answered: its last line is no record.
  const whole = text.split('\n').filter((line) => line.endsWith('}}'));
  return whole.map((line) => JSON.parse(line) as Line);
}

/** First occurrences by position. Repeats must be what they repeat, sequences without holes. */
function firstsOf(lines: readonly Line[]): Map<string, Line> {
  const sequences = new Map<number, Line[]>();
  const firsts = new Map<string, Line>();
  for (const line of lines) {
    const known = sequences.get(line.partition) ?? [];
    sequences.set(line.partition, known);
    const sequence = Number(line.headers['sequence']);
    const same = known[sequence - 1];
    expect(same ?? line).toEqual(line);
    if (same !== undefined) continue;
    expect(sequence).toBe(known.length + 1);
    known.push(line);
    const position = line.headers['position'] ?? '';
    expect(firsts.has(position)).toBe(false);
    firsts.set(position, line);
  }
  return firsts;
}
