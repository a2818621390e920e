import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { openSystemClock } from '../../devices/clock-system.ts';
import { openSystemRandom } from '../../devices/random.ts';
import { readAddresses, type InfluxAddress } from './addresses.ts';
import { startInflux1, startInflux2, type Influx } from './influx.ts';
import { readMetadata } from './kafka-probe.ts';
import { startKafka } from './kafka.ts';
import type { StartOptions } from './start-options.ts';

const isAsked = process.env['QUANTRAC_SERVERS'] === '1';
const { kafka, influx1, influx2, absent } = inject('realServers');

function options(): StartOptions {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-servers-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return { folder, environment: process.env, clock: openSystemClock(), random: openSystemRandom() };
}

async function writePoint({ url, token, org, bucket }: InfluxAddress, value: number) {
  const query = new URLSearchParams({ org, bucket });
  const answer = await fetch(`${url}/api/v2/write?${query}`, {
    method: 'POST',
    headers: { authorization: `Token ${token}` },
    body: `probe value=${value} 1700000000000000000`,
  });
  return answer.status;
}

async function readPoint({ url, token, org, bucket }: InfluxAddress) {
  const answer = await fetch(`${url}/api/v2/query?${new URLSearchParams({ org })}`, {
    method: 'POST',
    headers: { authorization: `Token ${token}`, 'content-type': 'application/vnd.flux' },
    body: `from(bucket: "${bucket}") |> range(start: 0) |> keep(columns: ["_value"])`,
  });
  return (await answer.text()).trim().split(/\r?\n/).at(-1)?.split(',').at(-1);
}

function runServers(
  words: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly stdout: string }> {
  return new Promise((resolve) => {
    const child = spawn(join(import.meta.dirname, '../../.ci/servers'), words, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...more },
    });
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
    child.once('close', (code) => resolve({ code, stdout }));
  });
}

const isGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

describe.skipIf(!isAsked)(
  `servers that a scenario starts and disturbs${isAsked ? '' : ' (skipped: QUANTRAC_SERVERS is not 1)'}`,
  { timeout: 180_000 },
  () => {
    test.each([
      ['1.8', startInflux1],
      ['2.7', startInflux2],
    ] as const)(
      'InfluxDB %s keeps its points, address and secret through a kill',
      async (version, start) => {
        const influx: Influx = await start(options());
        onTestFinished(() => influx.stop());
        expect(influx.version).toBe(version);
        expect(await writePoint(influx, 42)).toBe(204);
        const killed = influx.pid;
        await influx.kill();
        expect(isGone(killed)).toBe(true);
        expect([influx.cpuSeconds(), influx.rssBytes()]).toEqual([0, 0]);
        await expect(fetch(influx.url)).rejects.toThrow(/fetch failed/);
        await influx.restart();
        expect(influx.pid).not.toBe(killed);
        expect(await readPoint(influx)).toBe('42');
        expect(influx.rssBytes()).toBeGreaterThan(2 ** 20);
      },
    );

    test('InfluxDB asks for the secret', async () => {
      const influx = await startInflux2(options());
      onTestFinished(() => influx.stop());
      expect(await writePoint({ ...influx, token: 'another' }, 1)).toBe(401);
    });

    test('Kafka of one node answers again where it was, after a kill and after a pause', async () => {
      const kafkaServer = await startKafka(options());
      onTestFinished(() => kafkaServer.stop());
      const [broker = ''] = kafkaServer.brokers;
      const [killed = 0] = kafkaServer.pids;
      await kafkaServer.kill();
      expect(isGone(killed)).toBe(true);
      await expect(readMetadata(broker)).rejects.toThrow(/ECONNREFUSED/);
      await kafkaServer.restart();
      expect(await readMetadata(broker)).toEqual({ nodes: [1], controller: 1 });
      kafkaServer.pause();
      await expect(readMetadata(broker)).rejects.toThrow(/silent/);
      kafkaServer.resume();
      // Behind a pause the controller may take it for gone at first.
      await expect.poll(async () => (await readMetadata(broker)).nodes).toEqual([1]);
      expect(kafkaServer.cpuSeconds()).toBeGreaterThan(0);
    });

    test('the command starts what it stops, and leaves nothing', async () => {
      const { folder } = options();
      const state = join(folder, 'state');
      const words = ['--servers', 'influx2', '--state', state];
      const started = await runServers(['start', ...words]);
      onTestFinished(() => runServers(['stop', ...words]).then(() => {}));
      expect(started).toEqual({ code: 0, stdout: `${state}.env\n` });
      const exported = readFileSync(`${state}.env`, 'utf8');
      const read = (name: string) => new RegExp(`export ${name}='(.*)'`).exec(exported)?.[1];
      const there = readAddresses({
        INFLUX_URL: read('INFLUX_URL'),
        INFLUX_TOKEN: read('INFLUX_TOKEN'),
        INFLUX_ORG: read('INFLUX_ORG'),
        INFLUX_BUCKET: read('INFLUX_BUCKET'),
      }).influx2;
      expect(there && (await writePoint(there, 1))).toBe(204);
      expect(await runServers(['start', ...words])).toEqual(started);
      expect(readFileSync(`${state}.env`, 'utf8')).toBe(exported);
      expect(await runServers(['stop', ...words])).toEqual({ code: 0, stdout: '' });
      await expect(fetch(there?.url ?? '')).rejects.toThrow(/fetch failed/);
      expect(readdirSync(folder)).toEqual([]);
    });

    test('a command beside servers has their addresses, and its exit code is given', async () => {
      const script =
        'test -n "$INFLUX_TOKEN" && test -z "$KAFKA_BROKERS" && echo $INFLUX_URL; exit 7';
      const without = { KAFKA_BROKERS: '' };
      const { code, stdout } = await runServers(
        ['run', '--servers', 'influx2', '--', 'sh', '-c', script],
        without,
      );
      expect(code).toBe(7);
      await expect(fetch(stdout.trim())).rejects.toThrow(/fetch failed/);
    });

    test('Kafka of three nodes misses one that is killed, and takes it back', async () => {
      const cluster = await startKafka({ ...options(), nodes: 3 });
      onTestFinished(() => cluster.stop());
      const [first = ''] = cluster.brokers;
      const seen = async () => (await readMetadata(first)).nodes.toSorted((a, b) => a - b);
      expect(await seen()).toEqual([1, 2, 3]);
      await cluster.nodes[2]?.kill();
      await expect.poll(seen).toEqual([1, 2]);
      await cluster.nodes[2]?.restart();
      await expect.poll(seen).toEqual([1, 2, 3]);
    });
  },
);

describe.skipIf(kafka === undefined)(
  `Kafka for all suites${kafka === undefined ? absent : ''}`,
  () => {
    test('every node answers', async () => {
      const brokers = kafka?.brokers ?? [];
      for (const broker of brokers)
        expect((await readMetadata(broker)).nodes).toHaveLength(brokers.length);
    });
  },
);

for (const [version, influx] of [
  ['1.8', influx1],
  ['2.7', influx2],
] as const) {
  describe.skipIf(influx === undefined)(
    `InfluxDB ${version} for all suites${influx === undefined ? absent : ''}`,
    () => {
      test('it takes a point with the secret', async () => {
        expect(influx && (await writePoint(influx, 7))).toBe(204);
      });
    },
  );
}
