/** `kill -9` of the publishing node while it makes files, and while it makes a manifest. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../../../devices/database.ts';
import { temporarySuffix } from '../../../ingest/log/file-system.ts';
import { loadDeviceIds } from '../../load/network.ts';
import { sleep } from '../../../devices/clock.ts';
import { runCommand } from '../server-process.ts';
import { checkFiles, untilFiles } from './feeds-files.ts';
import { must, settle, untilSo, type Ground } from './feeds-ground.ts';
import { hoursOf, send, type MonthSpan } from './feeds-readings.ts';

export interface Kills {
  readonly rounds: number;
  readonly devices: number;
  readonly span: MonthSpan;
}

const lookMs = 2;
const workMsMax = 20_000;

/** Another value of the same hours, of every series: all months and days of them are to be made anew. */
function changeAll(ground: Ground, { devices, span }: Kills, turn: number): Promise<number> {
  const ats = hoursOf(span).filter((_, hour) => hour % 24 === turn % 24);
  return send(
    ground,
    loadDeviceIds(devices).map((device, broker) => ({ device, ats, broker, turn: turn + 2 })),
  );
}

function isMakingFiles(folder: string): boolean {
  const files = join(folder, 'files');
  if (!existsSync(files)) return false;
  const names = readdirSync(files, { recursive: true, encoding: 'utf8' });
  return names.some((name) => name.endsWith(temporarySuffix));
}

async function untilWork(ground: Ground, isWorking: () => boolean): Promise<boolean> {
  const { clock } = ground;
  const untilMs = clock.monotonicMs() + workMsMax;
  while (clock.monotonicMs() < untilMs) {
    if (isWorking()) return true;
    await sleep(clock, lookMs);
  }
  return false;
}

export interface KillFigures {
  readonly kills: number;
  /** The work was under way when the node was killed. */
  readonly inTheMiddle: number;
}

export async function killWhileFiles(ground: Ground, kills: Kills): Promise<KillFigures> {
  const { publisher, random, clock } = ground;
  let inTheMiddle = 0;
  for (let round = 0; round < kills.rounds; round += 1) {
    await changeAll(ground, kills, round);
    await untilWork(ground, () => isMakingFiles(publisher.dataDir));
    await sleep(clock, random.next() * 120);
    await publisher.kill();
    if (isMakingFiles(publisher.dataDir)) inTheMiddle += 1;
    await publisher.start();
  }
  await settle(ground);
  await checkFiles(ground, await untilFiles(ground, [kills.span.month]));
  const isTidy = await untilSo(ground, workMsMax, () => !isMakingFiles(publisher.dataDir));
  must(ground, 'no half file is left', isTidy !== undefined);
  return { kills: kills.rounds, inTheMiddle };
}

export async function killWhileManifest(ground: Ground, kills: Kills): Promise<KillFigures> {
  const { publisher, random, clock } = ground;
  let inTheMiddle = 0;
  for (let round = 0; round < kills.rounds; round += 1) {
    await changeAll(ground, kills, kills.rounds + round);
    await settle(ground);
    const making = runCommand(['manifest', '--data-dir', publisher.dataDir]);
    const kept = openDatabase(join(publisher.dataDir, 'feeds.db'), { readOnly: true });
    const row = kept.prepare('SELECT 1 FROM manifest_making');
    const isMaking = (): boolean => row.get() !== undefined;
    await untilWork(ground, isMaking);
    await sleep(clock, random.next() * 60);
    await publisher.kill();
    if (isMaking()) inTheMiddle += 1;
    kept.close();
    await making;
    await publisher.start();
  }
  await settle(ground);
  return { kills: kills.rounds, inTheMiddle };
}
