/**
 * The same day through one machine and through a cluster: two brokers, two workers, apis, real
 * servers. Same bytes, same order for each station, each platform's own moments of receipt. Both must
 * end with the same values, rollups, newest rows and revision numbers; the command `compare` says so.
 * Then each node's folder is proved, running and stopped, and each copy must have the same digest.
 *
 * A value whose message has no time that can be believed takes the moment of its receipt for its
 * time, so it cannot be the same on two platforms: `compare --timed` leaves it out and counts it. The
 * day lies far enough back that such values have no part in judging those of the day. On a day of
 * `clocks: 'right'` there are none, and the machine's digest must be that of the copies too.
 */
import type { Clock } from '../../../devices/clock.ts';
import { openSystemClock } from '../../../devices/clock-system.ts';
import type { DeviceSecretOf } from '../../device.ts';
import { provision } from '../network.ts';
import { dayMs, planDay, type DayPlan } from './day-plan.ts';
import { startMachine, startNetwork, type Platform } from './day-platforms.ts';
import { playPart } from './day-play.ts';
import { compare, verify, type Verdict } from './day-verdict.ts';

export interface ClusterDayOptions {
  readonly stations: number;
  readonly intervalMs: number;
  /** Messages a second. */
  readonly rate: number;
  readonly clocks: 'any' | 'right';
  readonly seed: number;
  readonly apis: number;
  /** Existing folder for what each node writes to standard error. */
  readonly logs?: string | undefined;
  readonly tell: (line: string) => void;
}

export interface ClusterDayOutcome {
  readonly held: boolean;
  readonly figures: Readonly<Record<string, unknown>>;
}

/** The day begins so many days ago, at midnight UTC. */
const daysAgo = 4;

export async function runClusterDay(options: ClusterDayOptions): Promise<ClusterDayOutcome> {
  const { seed, apis, logs, tell } = options;
  const clock = openSystemClock();
  const startAt = (Math.floor(clock.now() / dayMs) - daysAgo) * dayMs;
  const plan = planDay({ ...options, startAt });
  tell(`the day: ${JSON.stringify(plan.figures)}`);
  const machine = await startMachine(clock);
  let network: Platform | undefined;
  try {
    await playDay(plan, machine, options, clock);
    network = await startNetwork({ clock, seed, apis, logs });
    await playDay(plan, network, options, clock);
    const [one, other] = [await machine.ended(), await network.ended()];
    const comparisons: Verdict[] = [];
    for (const api of network.apis) comparisons.push(await compare(machine.apis[0]!, api, tell));
    const alone = await verifyAll(machine, tell);
    const running = await verifyAll(network, tell);
    await network.stop();
    const stopped = await verifyAll(network, tell);
    const copies = [...running.digests, ...stopped.digests];
    const digests = new Set(options.clocks === 'right' ? [...alone.digests, ...copies] : copies);
    const all = [...alone.verdicts, ...running.verdicts, ...stopped.verdicts];
    const held =
      [...comparisons, ...all].every(({ holds }) => holds) &&
      digests.size === 1 &&
      JSON.stringify(one) === JSON.stringify(other);
    return {
      held,
      figures: {
        seed,
        day: new Date(startAt).toISOString(),
        sent: plan.figures,
        ended: { machine: one, cluster: other },
        comparisons: comparisons.map(({ told }) => told),
        verified: all.map(({ told }) => told),
        digestOfMachine: alone.digests,
        digestsOfCopies: [...new Set(copies)],
      },
    };
  } finally {
    await network?.close();
    await machine.close();
  }
}

async function playDay(
  plan: DayPlan,
  platform: Platform,
  { rate, tell }: ClusterDayOptions,
  clock: Clock,
): Promise<void> {
  const secrets = new Map<string, DeviceSecretOf>();
  const sinceMs = clock.monotonicMs();
  for (const [at, part] of plan.parts.entries()) {
    const known = await provision(platform.dataDir, part.registry, { rotate: at === 0 });
    for (const secret of known) {
      if (secret.password !== null) secrets.set(secret.deviceId, secret);
    }
    // What is sent from here on must be decided by this version on both.
    await platform.settled();
    await playPart(part, {
      clock,
      rate,
      mqttPortOf: (station) => platform.mqttPortOf(station),
      secretOf: (device) => secrets.get(device)!,
    });
    await platform.settled();
  }
  const seconds = Math.round((clock.monotonicMs() - sinceMs) / 1_000);
  tell(`${platform.name}: ${plan.messages} messages in ${seconds} s`);
}

interface Verified {
  readonly verdicts: readonly Verdict[];
  /** Of the copies. */
  readonly digests: readonly unknown[];
}

async function verifyAll(
  { copies, workers }: Platform,
  tell: (line: string) => void,
): Promise<Verified> {
  const verdicts: Verdict[] = [];
  for (const folder of [...copies, ...workers]) verdicts.push(await verify(folder, tell));
  return {
    verdicts,
    digests: verdicts.slice(0, copies.length).map(({ told }) => told['digest']),
  };
}
