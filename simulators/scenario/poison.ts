/**
 * One message in a hundred cannot be understood: each of those is acknowledged and found in
 * quarantine with a code and its bytes, and every good one is stored.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep } from '../../devices/clock.ts';
import { openSystemClock } from '../../devices/clock-system.ts';
import { audit, type Audit } from '../load/audit.ts';
import { readBalance, type Balance } from '../load/balance.ts';
import { loadChannels } from '../load/network.ts';
import { startLoad } from '../load/run.ts';
import { provisionLoad } from './network.ts';
import { runCommand, startServerProcess, type ServerProcess } from './server-process.ts';

export interface PoisonOptions {
  readonly seconds: number;
  readonly devices: number;
  /** Messages a second, a hundredth of them poison. */
  readonly rate: number;
  readonly seed: number;
}

export interface PoisonOutcome extends Audit {
  readonly poisonKept: number;
  /** Whole readings in quarantine, by code. */
  readonly quarantined: Readonly<Record<string, number>>;
  /** Of those, without a code. */
  readonly unexplained: number;
  readonly balance: Balance;
  readonly unacknowledged: number;
}

interface QuarantineItem {
  readonly code: string;
  readonly channel: string | null;
  readonly [field: string]: unknown;
}

export async function runPoison(options: PoisonOptions): Promise<PoisonOutcome> {
  const clock = openSystemClock();
  const dataDir = mkdtempSync(join(tmpdir(), 'quantrac-poison-'));
  let server: ServerProcess | undefined;
  try {
    const secrets = await provisionLoad(dataDir, options.devices);
    server = await startServerProcess({ dataDir });
    const { mqttPort, httpPort } = server.ports;
    const api = `http://127.0.0.1:${httpPort}`;
    const load = startLoad({
      ...options,
      host: '127.0.0.1',
      port: () => mqttPort,
      clock,
      secrets,
      window: 20,
      qos2Share: 0,
      duplicateShare: 0,
      poisonShare: 0.01,
    });
    await sleep(clock, options.seconds * 1_000);
    const unacknowledged = await load.finish(20_000);
    load.close();
    while ((await readBalance(api)).readingsInFlight > 0) await sleep(clock, 50);
    const entries = await readQuarantine(api, dataDir);
    const quarantined: Record<string, number> = {};
    for (const { code } of entries) quarantined[code] = (quarantined[code] ?? 0) + 1;
    const channels = new Map(loadChannels.map(([channel, property]) => [property, channel]));
    return {
      ...(await audit({ api, ledger: load.ledger, payloads: load.payloads, channels })),
      poisonKept: load.poisonKept(),
      quarantined,
      unexplained: entries.filter(({ code }) => code === '').length,
      balance: await readBalance(api),
      unacknowledged,
    };
  } finally {
    await server?.kill();
    rmSync(dataDir, { recursive: true });
  }
}

/** Every entry of the quarantine, as an operator lists it. */
async function readQuarantine(api: string, dataDir: string): Promise<QuarantineItem[]> {
  const { stdout } = await runCommand([
    'token',
    'create',
    '--role',
    'operator',
    '--data-dir',
    dataDir,
  ]);
  const { secret } = JSON.parse(stdout) as { readonly secret: string };
  const items: QuarantineItem[] = [];
  for (let before = ''; ;) {
    const answer = await fetch(`${api}/api/v1/admin/quarantine?limit=1000${before}`, {
      headers: { authorization: `Bearer ${secret}` },
    });
    if (!answer.ok)
      throw new Error(`the quarantine answered ${answer.status}: ${await answer.text()}`);
    const page = (await answer.json()) as { items: QuarantineItem[]; nextBefore: number | null };
    items.push(...page.items);
    if (page.nextBefore === null) return items;
    before = `&before=${page.nextBefore}`;
  }
}
