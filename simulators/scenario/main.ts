/**
 * `npm run scenario -- NAME [--rounds N] [--seed N] …` and, against real Kafka and InfluxDB,
 * `npm run scenario -- --profile cluster [NAME] …`: scenarios of the whole system, at the length a
 * person chooses. Each prints its seed and its figures as one JSON line and ends with 1 when a
 * promise was broken, with 77 where the machine does not let it be played.
 */
import { parseArgs } from 'node:util';
import { runClientDay } from './client-day/run.ts';
import { runClusterDay } from './cluster/day.ts';
import { runFeeds } from './cluster/feeds.ts';
import { runClusterKills } from './cluster/kills.ts';
import { runMove } from './cluster/move.ts';
import { runOutage } from './cluster/outage.ts';
import { runRevoke } from './cluster/revoke.ts';
import { runCut } from './cut.ts';
import { MountRefused, runDiskFull } from './disk-full.ts';
import { runFlood } from './flood/run.ts';
import { runFollowers } from './followers.ts';
import { runFrozen } from './frozen.ts';
import { percentile, runKill } from './kill.ts';
import { runPoison } from './poison.ts';
import { runOrders } from './spine/orders.ts';
import { runPowerCuts } from './spine/power-cuts.ts';
import { runSpine } from './spine/spine.ts';

interface Outcome {
  readonly held: boolean;
  readonly figures: Readonly<Record<string, unknown>>;
}

type Flags = Readonly<Record<string, string | undefined>>;

const numberOf = (flags: Flags, flag: string, fallback: number): number =>
  Number(flags[flag] ?? fallback);
/** So many times an aim is a promise: what is bounded is so on a busy machine too. */
const timesBusy = 4;

interface Aimed {
  readonly promises: readonly boolean[];
  /** Name, figure, aim. */
  readonly sizes: readonly (readonly [string, number, number])[];
  readonly figures: Outcome['figures'];
}

/** Aims that are missed are told; they break nothing unless `--aims strict` is given. */
function withAims(flags: Flags, { promises, sizes, figures }: Aimed): Outcome {
  const times = flags['aims'] === 'strict' ? 1 : timesBusy;
  const isBounded = sizes.every(([, size, aim]) => size <= aim * times);
  const missed = sizes.filter(([, size, aim]) => !(size <= aim)).map(([name]) => name);
  return { held: isBounded && promises.every(Boolean), figures: { ...figures, missed } };
}

const tell = (line: string): void => void process.stderr.write(`${line}\n`);

async function kill(flags: Flags): Promise<Outcome> {
  const seed = numberOf(flags, 'seed', 1);
  const outcome = await runKill({
    rounds: numberOf(flags, 'rounds', 20),
    devices: numberOf(flags, 'devices', 200),
    rate: numberOf(flags, 'rate', 2_000),
    seed,
    tell,
  });
  const { recoveryMs, acceptMs, balance, missing, doubled, changed, invented } = outcome;
  const held =
    missing + doubled + changed + invented === 0 && balance.exact && outcome.unacknowledged === 0;
  const shares = (ascending: readonly number[]) => ({
    p50: percentile(ascending, 0.5),
    p99: percentile(ascending, 0.99),
    max: ascending.at(-1),
  });
  return {
    held,
    figures: { seed, ...outcome, acceptMs: shares(acceptMs), recoveryMs: shares(recoveryMs) },
  };
}

async function poison(flags: Flags): Promise<Outcome> {
  const outcome = await runPoison({
    seconds: numberOf(flags, 'seconds', 10),
    devices: numberOf(flags, 'devices', 500),
    rate: numberOf(flags, 'rate', 5_000),
    seed: numberOf(flags, 'seed', 1),
  });
  const { missing, doubled, changed, invented, poisonKept, quarantined, balance } = outcome;
  const kept = Object.values(quarantined).reduce((sum, count) => sum + count, 0);
  const whole = missing + doubled + changed + invented + outcome.unacknowledged === 0;
  const held = whole && balance.exact && kept === poisonKept && outcome.unexplained === 0;
  return { held, figures: { ...outcome } };
}

async function frozen(flags: Flags): Promise<Outcome> {
  const outcome = await runFrozen({
    seconds: numberOf(flags, 'seconds', 20),
    devices: numberOf(flags, 'devices', 200),
    rate: numberOf(flags, 'rate', 500),
    seed: numberOf(flags, 'seed', 1),
    subscribers: 10,
  });
  const { sse, mqtt, grownMegabytes } = outcome;
  const grown = grownMegabytes - Math.max(0, outcome.grownWithoutMegabytes);
  return withAims(flags, {
    promises: [sse.rows > 0, mqtt.rows > 0],
    sizes: [
      ['p99 ms', Math.max(sse.p99Ms, mqtt.p99Ms), 1_000],
      ['MB grown', grown, 64],
    ],
    figures: { ...outcome },
  });
}

const flood = (flags: Flags): Promise<Outcome> =>
  runFlood({
    readers: numberOf(flags, 'readers', 10_000),
    seconds: numberOf(flags, 'seconds', 30),
    rampSeconds: numberOf(flags, 'ramp', 15),
    devices: numberOf(flags, 'devices', 1_429),
    rate: numberOf(flags, 'rate', 50),
    seed: numberOf(flags, 'seed', 1),
    isStrict: flags['aims'] === 'strict',
    tell,
  }).then(outcomeOf);
async function cut(flags: Flags): Promise<Outcome> {
  const seed = numberOf(flags, 'seed', 1);
  const outcome = await runCut({
    rounds: numberOf(flags, 'rounds', 5),
    devices: numberOf(flags, 'devices', 100),
    rate: numberOf(flags, 'rate', 200),
    warmRate: 2_000,
    warmSeconds: numberOf(flags, 'warm', 8),
    seed,
    tell,
  });
  const streams = Object.values(outcome.followers);
  const lists = Object.values(outcome.lists);
  const isWhole = streams.every((each) => each.missing + each.repeated === 0 && each.isInOrder);
  const held = isWhole && lists.every(({ isEqual, cuts }) => isEqual && cuts > 0);
  return { held, figures: { seed, ...outcome } };
}
async function followers(flags: Flags): Promise<Outcome> {
  const seed = numberOf(flags, 'seed', 1);
  const outcome = await runFollowers({
    sse: numberOf(flags, 'sse', 1_000),
    mqtt: numberOf(flags, 'mqtt', 200),
    frozenOneIn: 10,
    devices: numberOf(flags, 'devices', 100),
    rate: numberOf(flags, 'rate', 5),
    seconds: numberOf(flags, 'seconds', 30),
    seed,
    tell,
  });
  const { sse, mqtt, residentMegabytes: memory } = outcome;
  return withAims(flags, {
    promises: [
      Math.min(sse.told, mqtt.told) > 0,
      outcome.othersCut + outcome.refused === 0,
      outcome.frozenCut === outcome.frozenOpened,
    ],
    sizes: [
      ['p99 ms', Math.max(sse.p99Ms, mqtt.p99Ms), 1_000],
      ['MB grown', memory.end - memory.alone, 256],
    ],
    figures: { seed, ...outcome },
  });
}
async function diskFull(flags: Flags): Promise<Outcome> {
  const outcome = await runDiskFull({
    devices: numberOf(flags, 'devices', 100),
    rate: numberOf(flags, 'rate', 4_000),
    seed: numberOf(flags, 'seed', 1),
  });
  const { missing, doubled, changed, invented, balance, acknowledgedWhileFull } = outcome;
  const whole = missing + doubled + changed + invented + outcome.unacknowledged === 0;
  const stops = acknowledgedWhileFull === 0 && outcome.statusOfReadyWhileFull === 503;
  const reads = outcome.statusOfLatestWhileFull === 200 && outcome.resumedMs <= 10_000;
  return { held: whole && balance.exact && stops && reads, figures: { ...outcome } };
}

const clientDay = (flags: Flags): Promise<Outcome> =>
  runClientDay({
    stations: numberOf(flags, 'stations', 5),
    intervalMs: numberOf(flags, 'interval', 30) * 60_000,
    rate: numberOf(flags, 'rate', 40),
    liveMs: numberOf(flags, 'seconds', 3) * 1_000,
    flips: numberOf(flags, 'rounds', 10),
    seed: numberOf(flags, 'seed', 1),
    step: (step, figures) =>
      void process.stdout.write(
        `${JSON.stringify({ scenario: 'client-day', step, ...figures })}\n`,
      ),
  });

const spine = (flags: Flags): Promise<Outcome> =>
  runSpine({ seeds: numberOf(flags, 'seeds', 20), from: numberOf(flags, 'from', 1), tell }).then(
    outcomeOf,
  );

const powerCuts = (flags: Flags): Promise<Outcome> =>
  runPowerCuts({
    rounds: numberOf(flags, 'rounds', 20),
    seed: numberOf(flags, 'seed', 1),
    tell,
  }).then(outcomeOf);

const orders = (flags: Flags): Promise<Outcome> =>
  runOrders({
    orders: numberOf(flags, 'orders', 6),
    stations: numberOf(flags, 'stations', 8),
    seed: numberOf(flags, 'seed', 1),
    tell,
  }).then(outcomeOf);

function outcomeOf({
  held,
  figures,
}: {
  readonly held: boolean;
  readonly figures: object;
}): Outcome {
  return { held, figures: { ...figures } };
}

const scenarios: Readonly<Record<string, (flags: Flags) => Promise<Outcome>>> = {
  kill,
  poison,
  flood,
  frozen,
  cut,
  followers,
  'client-day': clientDay,
  'disk-full': diskFull,
  spine,
  'power-cuts': powerCuts,
  orders,
};

async function clusterKills(flags: Flags): Promise<Outcome> {
  const seed = numberOf(flags, 'seed', 1);
  const outcome = await runClusterKills({
    seconds: numberOf(flags, 'seconds', 60),
    devices: numberOf(flags, 'devices', 500),
    rate: numberOf(flags, 'rate', 2_000),
    everyMs: numberOf(flags, 'every', 10) * 1_000,
    kafkaNodes: numberOf(flags, 'kafka-nodes', 1) === 3 ? 3 : 1,
    logs: flags['logs'],
    seed,
    tell,
  });
  const wrong = Object.values(outcome.audits).reduce(
    (sum, { missing, doubled, changed, invented }) => sum + missing + doubled + changed + invented,
    outcome.unacknowledged + outcome.deaths.length,
  );
  return { held: wrong === 0 && outcome.balance.exact, figures: { seed, ...outcome } };
}

const outage = (flags: Flags): Promise<Outcome> =>
  runOutage({
    devices: numberOf(flags, 'devices', 500),
    rate: numberOf(flags, 'rate', 500),
    warmSeconds: numberOf(flags, 'warm', 120),
    kafkaSeconds: numberOf(flags, 'kafka', 60),
    influxSeconds: numberOf(flags, 'influx', 60),
    killSeconds: numberOf(flags, 'killed', 5),
    how: flags['how'] === 'freeze' ? 'freeze' : 'stop',
    ack: flags['ack'] === 'replicated' ? 'replicated' : 'local',
    compared: numberOf(flags, 'compared', 50),
    isStrict: flags['aims'] === 'strict',
    seed: numberOf(flags, 'seed', 1),
    logs: flags['logs'],
    tell,
  }).then(outcomeOf);

const revoke = (flags: Flags): Promise<Outcome> =>
  runRevoke({
    rounds: numberOf(flags, 'rounds', 20),
    seed: numberOf(flags, 'seed', 1),
    logs: flags['logs'],
    tell,
  }).then(outcomeOf);

const move = (flags: Flags): Promise<Outcome> =>
  runMove({
    moves: numberOf(flags, 'rounds', 200),
    devices: numberOf(flags, 'devices', 100),
    rate: numberOf(flags, 'rate', 500),
    seed: numberOf(flags, 'seed', 1),
    logs: flags['logs'],
    tell,
  }).then(outcomeOf);

const clusterDay = (flags: Flags): Promise<Outcome> =>
  runClusterDay({
    stations: numberOf(flags, 'stations', 68),
    intervalMs: numberOf(flags, 'interval', 10) * 60_000,
    rate: numberOf(flags, 'rate', 400),
    apis: numberOf(flags, 'apis', 2),
    clocks: flags['clocks'] === 'right' ? 'right' : 'any',
    seed: numberOf(flags, 'seed', 1),
    logs: flags['logs'],
    tell,
  });

const feeds = (flags: Flags): Promise<Outcome> =>
  runFeeds({
    devices: numberOf(flags, 'devices', 6),
    kills: numberOf(flags, 'rounds', 2),
    seed: numberOf(flags, 'seed', 1),
    logs: flags['logs'],
    tell,
  }).then(outcomeOf);

/** With `--profile cluster`; the first is what runs without a name. */
const clusterScenarios: Readonly<Record<string, (flags: Flags) => Promise<Outcome>>> = {
  kills: clusterKills,
  outage,
  revoke,
  move,
  day: clusterDay,
  feeds,
};

/** What test runners take for "could not be run here" (GNU Automake, 15.2.1). */
const skippedCode = 77;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: Object.fromEntries(
    [
      'rounds',
      'seed',
      'devices',
      'rate',
      'seeds',
      'from',
      'stations',
      'orders',
      'seconds',
      'profile',
      'every',
      'kafka-nodes',
      'logs',
      'warm',
      'kafka',
      'influx',
      'killed',
      'how',
      'ack',
      'compared',
      'interval',
      'apis',
      'clocks',
      'aims',
      'readers',
      'ramp',
      'sse',
      'mqtt',
    ].map((flag) => [flag, { type: 'string' as const }]),
  ),
});
const isCluster = values['profile'] === 'cluster';
const offered = isCluster ? clusterScenarios : scenarios;
const name = positionals[0] ?? (isCluster ? 'kills' : '');
const scenario = offered[name];
if (scenario === undefined) {
  process.stderr.write(`scenarios: ${Object.keys(offered).join(', ')}\n`);
  process.exit(2);
}
try {
  const { held, figures } = await scenario(values as Flags);
  process.stdout.write(`${JSON.stringify({ scenario: name, held, ...figures })}\n`);
  process.exit(held ? 0 : 1);
} catch (error) {
  if (!(error instanceof MountRefused)) throw error;
  process.stdout.write(`${JSON.stringify({ scenario: name, skipped: error.message })}\n`);
  process.exit(skippedCode);
}
