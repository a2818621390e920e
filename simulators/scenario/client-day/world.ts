/** What lies behind the address that the client knows: a server, its operator, and its devices. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, type Clock } from '../../../devices/clock.ts';
import { connectDevice, type DeviceSecretOf } from '../../device.ts';
import { loadDeviceIds, loadRegistryFile } from '../../load/network.ts';
import { startLoad } from '../../load/run.ts';
import { provision } from '../network.ts';
import { runCommand, startServerProcess, type ServerProcess } from '../server-process.ts';
import { keep } from './promise.ts';

export interface WorldOptions {
  readonly clock: Clock;
  readonly stations: number;
  /** Messages a second while live. */
  readonly rate: number;
  readonly seed: number;
  /** Ids of datastreams that are not open at first. */
  readonly internal: readonly string[];
  readonly onLine?: (line: string) => void;
}

export interface Message {
  readonly ts: number;
  readonly values: Readonly<Record<string, number>>;
}

export interface World {
  readonly folder: string;
  readonly address: string;
  /** One device's messages, all acknowledged. */
  send(device: number, messages: readonly Message[]): Promise<void>;
  /** All devices publish what is measured now, until `during` is over and all is acknowledged. */
  publishDuring(during: () => Promise<unknown>): Promise<number>;
  /** Until the server's feed has not grown for a while. */
  quiet(): Promise<void>;
  /** These datastreams, and no others, are for nobody outside. */
  close(datastreams: readonly string[]): Promise<void>;
  /** A command line of the operator on the data folder; resolves to what it printed. */
  command(...words: readonly string[]): Promise<string>;
  backup(directory: string): Promise<void>;
  /** The server ends, its disk is lost, and what was kept in the backup is put in its place. */
  restore(directory: string): Promise<void>;
  /** Milliseconds until it listens again. */
  restart(how: 'SIGTERM' | 'SIGKILL'): Promise<number>;
  stop(): Promise<void>;
  /** Ends everything and removes the folder. */
  end(): Promise<void>;
}

/** A day is played in a minute: months and changes are looked at at once. */
const config = {
  api: { bulkSettleHours: 0, bulkDebounceMs: 0, bulkRetryMs: 100, cacheSecondsMax: 1 },
  ingest: { store: { tailAgeMsMax: 1_000 } },
};
const quietMs = 600;
const quietWithinMs = 60_000;
const messagesAtOnce = 50;

export async function openWorld(options: WorldOptions): Promise<World> {
  const { clock, onLine } = options;
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-client-day-'));
  const dataDir = join(folder, 'data');
  const configFile = join(folder, 'config.json');
  writeFileSync(configFile, JSON.stringify(config));
  const launch = { dataDir, flags: ['--config', configFile], ...(onLine ? { onLine } : {}) };
  let secrets: DeviceSecretOf[];
  let server: ServerProcess;
  try {
    secrets = await provision(dataDir, networkOf(options, options.internal));
    server = await startServerProcess(launch);
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
  const { ports } = server;
  const address = `http://127.0.0.1:${ports.httpPort}`;
  let loads = 0;

  async function command(...words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runCommand([...words, '--data-dir', dataDir]);
    const [name = ''] = words;
    keep(`the command ${name} succeeds`, code === 0, () => [words, code, stdout, stderr]);
    return stdout;
  }

  async function startAgain(): Promise<void> {
    server = await startServerProcess({ ...launch, ports });
  }

  return {
    folder,
    address,
    command,
    async send(device, messages) {
      const secret = secretOf(secrets, device);
      const connected = await connectDevice({
        url: `mqtt://127.0.0.1:${ports.mqttPort}`,
        reconnectMs: 200,
        secret,
        channels: [],
        onError: () => undefined,
      });
      const topic = `env/v1/${secret.deviceId}/obs`;
      for (let from = 0; from < messages.length; from += messagesAtOnce) {
        const some = messages.slice(from, from + messagesAtOnce);
        await Promise.all(some.map((each) => connected.publishText(topic, JSON.stringify(each))));
      }
      await connected.close();
    },
    async publishDuring(during) {
      loads += 1;
      const load = startLoad({
        host: '127.0.0.1',
        port: () => ports.mqttPort,
        clock,
        seed: options.seed + loads,
        secrets,
        rate: options.rate,
        window: 10,
        qos2Share: 0,
        duplicateShare: 0.02,
      });
      try {
        await during();
        const open = await load.finish(20_000);
        keep('what devices send is acknowledged', open === 0, () => open);
      } finally {
        load.close();
      }
      return load.ledger.totals().acknowledged;
    },
    async quiet() {
      const untilMs = clock.monotonicMs() + quietWithinMs;
      for (let before = ''; ;) {
        const { cursor } = (await (await fetch(`${address}/api/v1/`)).json()) as { cursor: string };
        if (cursor === before) return;
        keep('the feed rests when devices do', clock.monotonicMs() < untilMs, () => cursor);
        before = cursor;
        await sleep(clock, quietMs);
      }
    },
    async close(datastreams) {
      await provision(dataDir, networkOf(options, datastreams), { rotate: false });
    },
    async backup(directory) {
      await command('backup', directory);
    },
    async restore(directory) {
      await server.stop();
      renameSync(dataDir, join(folder, 'lost'));
      await command('restore', directory);
      await startAgain();
    },
    async restart(how) {
      const startedMs = clock.monotonicMs();
      if (how === 'SIGKILL') await server.kill();
      else {
        const code = await server.stop();
        keep('SIGTERM ends the server in order', code === 0, () => code);
      }
      await startAgain();
      return Math.round(clock.monotonicMs() - startedMs);
    },
    async stop() {
      await server.stop();
    },
    async end() {
      await server.kill();
      rmSync(folder, { recursive: true });
    },
  };
}

function secretOf(secrets: readonly DeviceSecretOf[], device: number): DeviceSecretOf {
  const secret = secrets[device];
  if (secret === undefined) throw new Error(`there is no device ${device}`);
  return secret;
}

/** Stations of several values each; all is open but what is named. */
function networkOf({ stations }: WorldOptions, internal: readonly string[]): object {
  const file = loadRegistryFile(stations, 1_000) as {
    readonly datastreams: readonly { readonly id: string }[];
  };
  const datastreams = file.datastreams.map((each) => ({
    ...each,
    visibility: internal.includes(each.id) ? 'internal' : 'open',
  }));
  return { ...file, datastreams };
}

export function particulates(station: number): string {
  return `${loadDeviceIds(station + 1)[station]}.pm2.5`;
}
