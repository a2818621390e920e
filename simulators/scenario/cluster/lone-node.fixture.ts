/** A whole cluster in one process (`--role all`), with topics and folder of its own, for what goes wrong at a start. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { sleep } from '../../../devices/clock.ts';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { openSystemRandom } from '../../../devices/random.ts';
import { spawnServer, type ServerProcess, type SpawnedServer } from '../server-process.ts';

export interface NodeSettings {
  readonly node?: number;
  readonly role?: string;
  readonly kafka?: Readonly<Record<string, unknown>>;
  readonly influx?: Readonly<Record<string, unknown>>;
  /** Keys of the configuration beside `cluster`. */
  readonly configuration?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** The folder of the scene unless given. */
  readonly dataDir?: string;
}

export interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly room: string;
  readonly key?: string;
  readonly aheadSeconds?: number;
  readonly error?: { readonly code?: string; readonly fields?: Readonly<Record<string, unknown>> };
}

export interface Spawned extends SpawnedServer {
  /** Of its log, as far as it came. */
  readonly log: readonly LogLine[];
  /** What it says to a person: lines of standard error that are no log. */
  readonly said: readonly string[];
  /** Resolves when a line like this was logged. */
  logged(isWanted: (line: LogLine) => boolean): Promise<LogLine>;
  /** Resolves when the process is gone, to its exit code. */
  readonly gone: Promise<number | null>;
}

export interface Scene {
  readonly folder: string;
  readonly dataDir: string;
  readonly topicPrefix: string;
  spawn(settings?: NodeSettings): Spawned;
  /** Resolves once it listens. */
  start(settings?: NodeSettings): Promise<Started>;
}

export interface Started extends Spawned {
  readonly server: ServerProcess;
}

export const clock = openSystemClock();
const lookMs = 20;

/** Everything of it is gone when the test has ended, but for the topics. */
export function openScene(brokers: readonly string[]): Scene {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-lone-'));
  const topicPrefix = `lone-${Buffer.from(openSystemRandom().bytes(6)).toString('hex')}-`;
  const spawned: Spawned[] = [];
  let files = 0;
  onTestFinished(async () => {
    for (const { child, gone } of spawned) {
      child.kill('SIGKILL');
      await gone;
    }
    rmSync(folder, { recursive: true });
  });
  const scene: Scene = {
    folder,
    dataDir: join(folder, 'data'),
    topicPrefix,
    spawn(settings = {}) {
      files += 1;
      const config = join(folder, `${files}.json`);
      const kafka = {
        brokers,
        topicPrefix,
        replicationFactor: 1,
        minInsyncReplicas: 1,
        ...settings.kafka,
      };
      const { node = 1, influx } = settings;
      const cluster = { node, partitions: 2, kafka, ...(influx === undefined ? {} : { influx }) };
      writeFileSync(config, JSON.stringify({ ...settings.configuration, cluster }));
      const one = spawnNode(settings, settings.dataDir ?? scene.dataDir, config);
      spawned.push(one);
      return one;
    },
    async start(settings) {
      const one = scene.spawn(settings);
      return { ...one, server: await one.listening };
    },
  };
  return scene;
}

function spawnNode(
  { role = 'all', environment }: NodeSettings,
  dataDir: string,
  config: string,
): Spawned {
  const log: LogLine[] = [];
  const said: string[] = [];
  const one = spawnServer({
    dataDir,
    flags: ['--role', role, '--config', config],
    ...(environment === undefined ? {} : { environment }),
    onLine(line) {
      if (line.startsWith('{')) log.push(JSON.parse(line) as LogLine);
      else said.push(line);
    },
  });
  const gone = new Promise<number | null>((resolve) => {
    one.child.once('close', (code) => resolve(code));
  });
  return {
    ...one,
    log,
    said,
    gone,
    async logged(isWanted) {
      for (;;) {
        const found = log.find(isWanted);
        if (found !== undefined) return found;
        await sleep(clock, lookMs);
      }
    },
  };
}
