/** What befalls a run, and when: chosen by the seed beforehand. */
import type { Random } from '../../../devices/random.ts';
import { faultyCalls, type Fault } from '../../../ingest/log/file-system-faults.ts';

export const mishaps = [
  /** The power goes at some call to the disk: what was not synced is forgotten or torn. */
  'power',
  /** The process dies at some call to the disk. */
  'kill',
  /** Both while the process is starting, some times in a row. */
  'recovery',
  /** The view is set back to an earlier commit, with a death. */
  'view-back',
  /** The view is removed, with a death. */
  'view-gone',
  /** Calls to the disk fail. */
  'disk',
  /** The disk is full for a while. */
  'full',
  /** The server's wall clock jumps, and is put right later. */
  'clock',
  /** All connections break. */
  'network',
  /** An orderly stop. */
  'stop',
] as const;
export type Mishap = (typeof mishaps)[number];

export interface PlannedMishap {
  readonly atMs: number;
  readonly mishap: Mishap;
}

export type Chances = Readonly<Record<Mishap, number>>;

export const everyMishap: Chances = {
  power: 6,
  kill: 6,
  recovery: 2,
  'view-back': 3,
  'view-gone': 1,
  disk: 9,
  full: 1,
  clock: 2,
  network: 2,
  stop: 1,
};

export function planMishaps(
  random: Random,
  chances: Chances,
  {
    count,
    fromMs,
    toMs,
  }: { readonly count: number; readonly fromMs: number; readonly toMs: number },
): PlannedMishap[] {
  const total = mishaps.reduce((sum, mishap) => sum + chances[mishap], 0);
  return Array.from({ length: count }, () => {
    let left = random.next() * total;
    const mishap = mishaps.find((each) => (left -= chances[each]) < 0) ?? 'kill';
    return { atMs: Math.floor(fromMs + random.next() * (toMs - fromMs)), mishap };
  }).toSorted((a, b) => a.atMs - b.atMs);
}

const codes = ['EIO', 'ENOSPC', 'EMFILE', 'SHORT'] as const;

/** A call that fails soon, once or some times in a row. */
export function planDiskFault(
  random: Random,
  calls: Readonly<Record<Fault['call'], number>>,
): Fault {
  const call = faultyCalls[Math.floor(random.next() * faultyCalls.length)] ?? 'write';
  return {
    call,
    nth: calls[call] + 1 + Math.floor(random.next() * 4),
    code: codes[Math.floor(random.next() * codes.length)] ?? 'EIO',
    times: 1 + Math.floor(random.next() * 3),
  };
}

const jumpsMs = [3_600_000, -3_600_000, 86_400_000, -900_000, 20_000, -20_000] as const;

/** How far the server's clock is off from now on. */
export function planJumpMs(random: Random): number {
  return jumpsMs[Math.floor(random.next() * jumpsMs.length)] ?? 0;
}
