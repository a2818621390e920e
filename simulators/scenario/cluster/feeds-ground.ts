/** The network on which the feeds are tried: two apis, one of which publishes, behind a balancer. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, type Clock } from '../../../devices/clock.ts';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { createSeededRandom, type Random } from '../../../devices/random.ts';
import type { DeviceSecretOf } from '../../device.ts';
import { runCommand } from '../server-process.ts';
import { openBalancer, type Balancer } from './feeds-balancer.ts';
import { apiOf, untilSettled } from './measures.ts';
import { startCluster, type Cluster, type ClusterNode, type NodeSettings } from './world.ts';

export interface FeedsOptions {
  readonly devices: number;
  /** Kills of the publishing node while it makes files, and while it makes a manifest. */
  readonly kills: number;
  readonly seed: number;
  /** Existing folder for what each node writes to standard error. */
  readonly logs?: string | undefined;
  readonly tell: (line: string) => void;
}

export interface Ground {
  readonly clock: Clock;
  readonly random: Random;
  readonly cluster: Cluster;
  readonly balancer: Balancer;
  /** For what the scenario keeps itself. */
  readonly folder: string;
  /** Makes what exists once. */
  readonly publisher: ClusterNode;
  /** Those that are asked: the publisher first. */
  apis: readonly ClusterNode[];
  readonly brokers: readonly ClusterNode[];
  /** Of api nodes from their next start on. */
  readonly settings: { clockShiftMs: number; isTold: boolean };
  /** By device. */
  readonly secrets: Map<string, DeviceSecretOf>;
  /** What did not hold, in words. */
  readonly broken: string[];
  readonly tell: (line: string) => void;
  addApi(): Promise<ClusterNode>;
  close(): Promise<void>;
}

const settleMsMax = 90_000;
/** A batch that is committed is shown so soon. */
const shownMs = 500;
const shiftedClock = new URL('./shifted-clock.fixture.ts', import.meta.url).href;

export async function openGround(options: FeedsOptions): Promise<Ground> {
  const clock = openSystemClock();
  const random = createSeededRandom(options.seed);
  const balancer = await openBalancer();
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-feeds-'));
  let cluster: Cluster | undefined;
  const close = async (): Promise<void> => {
    balancer.close();
    await cluster?.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    cluster = await startCluster({
      clock,
      random,
      logs: options.logs,
      roles: [],
      cluster: { horizonDays: 4, settleMs: 1_000 },
    });
    const nodes = cluster;
    const settings = { clockShiftMs: 0, isTold: true };
    const api = { ...apiConfig, publicUrl: balancer.url };
    const publisher = await nodes.add('api', () => ({
      ...shifted(settings.clockShiftMs),
      configuration: { api: { ...api, publishing: true } },
    }));
    const addApi = (): Promise<ClusterNode> =>
      nodes.add('api', () => ({
        ...shifted(settings.clockShiftMs),
        configuration: {
          api: { ...api, ...(settings.isTold ? { publishingUrl: apiOf(publisher) } : {}) },
        },
      }));
    const brokers = [await nodes.add('broker'), await nodes.add('broker')];
    await nodes.add('ingest');
    const apis = [publisher, await addApi()];
    balancer.targets = apis.map(apiOf);
    const secrets = new Map<string, DeviceSecretOf>();
    const { tell } = options;
    return {
      clock,
      random,
      cluster,
      balancer,
      folder,
      publisher,
      apis,
      brokers,
      settings,
      secrets,
      broken: [],
      tell,
      addApi,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const apiConfig = {
  bulkSettleHours: 0,
  bulkDebounceMs: 300,
  bulkRetryMs: 1_000,
  hooksLoopback: true,
  hooksRetryMsMin: 100,
  // The machine of a trial is busy: who is sent away is another scenario.
  overloadDelayMs: 60_000,
} as const;

function shifted(ms: number): NodeSettings {
  if (ms === 0) return {};
  return {
    environment: {
      NODE_OPTIONS: `--import ${shiftedClock}`,
      QUANTRAC_TEST_CLOCK_SHIFT_MS: String(ms),
    },
  };
}

/** Notes what does not hold; true where it does. */
export function must({ broken, tell }: Ground, what: string, holds: boolean): boolean {
  if (!holds) {
    broken.push(what);
    tell(`does not hold: ${what}`);
  }
  return holds;
}

/** Resolves once everything that was sent is decided and shown on each node. */
export async function settle({ cluster, clock }: Ground): Promise<void> {
  const balance = await untilSettled(cluster, clock, settleMsMax);
  if (balance.exact && balance.readingsInFlight === 0) return sleep(clock, shownMs);
  throw new Error(`the cluster does not settle: ${JSON.stringify(balance)}`);
}

export interface Given {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

export interface Asking {
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly json?: unknown;
  readonly redirect?: 'follow' | 'manual';
}

export async function get(url: string, asking: Asking = {}): Promise<Given> {
  const { key, json, method = json === undefined ? 'GET' : 'POST', redirect = 'follow' } = asking;
  const headers = {
    ...asking.headers,
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    ...(json === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const body = json === undefined ? {} : { body: JSON.stringify(json) };
  const answer = await fetch(url, { method, headers, redirect, ...body });
  const bytes = Buffer.from(await answer.arrayBuffer());
  return { status: answer.status, headers: answer.headers, body: bytes };
}

/** Rejects where it is not 2xx. */
export async function getJson<Answer>(url: string, asking?: Asking): Promise<Answer> {
  const { status, body } = await get(url, asking);
  const text = body.toString('utf8');
  if (status < 200 || status > 299) throw new Error(`${url} answered ${status}: ${text}`);
  return JSON.parse(text) as Answer;
}

/** Milliseconds until it is so; undefined where it never was. */
export async function untilSo(
  { clock }: Pick<Ground, 'clock'>,
  msMax: number,
  isSo: () => Promise<boolean> | boolean,
): Promise<number | undefined> {
  const sinceMs = clock.monotonicMs();
  for (;;) {
    if (await isSo()) return Math.round(clock.monotonicMs() - sinceMs);
    if (clock.monotonicMs() - sinceMs > msMax) return undefined;
    await sleep(clock, 50);
  }
}

/** What the command wrote. */
export async function run(node: ClusterNode, words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand([...words, '--data-dir', node.dataDir]);
  if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${stderr}`);
  return stdout;
}
