/**
 * A day in the life of a client that knows nothing but an address: it finds the catalogue, chooses a
 * dataset, downloads last month, and follows the changes through whatever happens to the server.
 * Beside it a mirror does the same by command, and citations are looked at again after each event.
 */
import { join } from 'node:path';
import { sleep } from '../../../devices/clock.ts';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import { openClient, type Client } from './client.ts';
import {
  contentOf,
  followWithMirror,
  type MirrorPlace,
  mirrorOnce,
  requireRight,
  requireSpoiltFound,
} from './mirrors.ts';
import { monthBefore, type Month } from './months.ts';
import { BrokenPromise, keep } from './promise.ts';
import { openWorld, particulates, type Message, type World } from './world.ts';

export interface ClientDayOptions {
  /** At least 4. */
  readonly stations: number;
  /** Between two readings of last month, milliseconds. */
  readonly intervalMs: number;
  /** Messages a second while live. */
  readonly rate: number;
  /** How long devices publish around each event, at most. */
  readonly liveMs: number;
  /** Without restart and kill: a restore ends and begins the server too. */
  readonly isShort?: boolean;
  /** Bytes that are changed one after the other in a finished mirror. */
  readonly flips: number;
  readonly seed: number;
  /** One step that held, with its figures. */
  readonly step: (name: string, figures: object) => void;
}

export interface ClientDayOutcome {
  readonly held: boolean;
  readonly figures: Readonly<Record<string, unknown>>;
}

/** What happens to which station. */
const corrected = 0;
const closed = 1;
const opened = 2;
const erased = 3;

export async function runClientDay(options: ClientDayOptions): Promise<ClientDayOutcome> {
  const clock = openSystemClock();
  const startedMs = clock.monotonicMs();
  const { seed, stations, rate } = options;
  const internal = [particulates(opened)];
  const world = await openWorld({ clock, stations, rate, seed, internal });
  try {
    const figures = await liveThrough(world, options);
    const seconds = Math.round((clock.monotonicMs() - startedMs) / 1_000);
    return { held: true, figures: { seed, seconds, ...figures } };
  } catch (error) {
    if (!(error instanceof BrokenPromise)) throw error;
    const { promise, found } = error;
    return { held: false, figures: { seed, broken: promise, found } };
  } finally {
    await world.end();
  }
}

async function liveThrough(world: World, options: ClientDayOptions): Promise<object> {
  const clock = openSystemClock();
  const { stations, intervalMs, liveMs } = options;
  let stepMs = clock.monotonicMs();
  const step = (name: string, figures: object): void => {
    const nowMs = clock.monotonicMs();
    options.step(name, { ms: Math.round(nowMs - stepMs), ...figures });
    stepMs = nowMs;
  };
  const month = monthBefore(clock.now());
  const random = createSeededRandom(options.seed);
  const live = () => sleep(clock, liveMs * (0.2 + 0.8 * random.next()));
  const sent = await sendMonth(world, { month, stations, intervalMs });
  await world.quiet();
  step('history', { month: month.name, messages: sent });

  const client = await openClient({ clock, address: world.address, month });
  step('catalogue', client.found);
  step('download', await client.download());
  const whole = { directory: join(world.folder, 'mirror'), filter: [] };
  const ofAir = {
    directory: join(world.folder, 'mirror-air'),
    filter: ['--dataset', 'load~air'],
  };
  await world.command('manifest');
  const mirror = followWithMirror(clock, world.address, whole);
  const mirrorOfAir = followWithMirror(clock, world.address, ofAir);
  step('cite', await client.cite(particulates(corrected)));

  await client.beginCopies();
  const liveMessages = await world.publishDuring(live);
  step('live', { messages: liveMessages, ...(await checkpoint(world, client)) });

  await correct(world, month);
  const corrections = await remade(world, client);
  await client.requireCitedCorrected();
  step('corrections', corrections);
  await world.command('manifest');

  await world.publishDuring(async () => {
    await world.close([particulates(opened), particulates(closed)]);
    await live();
    await world.close([particulates(closed)]);
  });
  const shown = await remade(world, client);
  client.requireShown({ closed: particulates(closed), opened: particulates(opened) });
  await client.requireCitedFileHidden();
  step('closed and opened', shown);

  if (options.isShort !== true) await endAndBegin(world, client, { month, live, step });

  await world.command('manifest', '--new-key');
  const resting = await client.rest();
  const backup = join(world.folder, 'backup');
  await world.publishDuring(() => world.backup(backup));
  const lostMs = await loseAStretch(world, month);
  // A manifest that the mirror holds and the restored server never made.
  await mirror.proven(() => world.command('manifest'));
  step('lost stretch', await checkpoint(world, client));
  await client.rememberLost();
  await world.restore(backup);
  // The new history grows beyond the lost one: a lost cursor would be inside it again.
  await world.publishDuring(() => sleep(clock, 2 * lostMs));
  await resting.goOn();
  const restored = await remade(world, client);
  client.requireForkSeen();
  step('restore', { ...restored, lost: await client.requireNotAnother() });

  await client.pause();
  await mirror.stop();
  await mirrorOfAir.stop();
  await world.command('manifest');
  const air = await requireMirrors(world, ofAir);
  step('mirror of the dataset', { ...air, events: mirrorOfAir.events });
  const proved = await requireMirrors(world, whole);
  step('mirror', { ...proved, events: mirror.events, compared: mirror.reasons });
  keep('a mirror meets a restore as a fork', mirror.reasons.includes('forked'), () => mirror);
  await world.stop();
  const spoilt = await requireSpoiltFound(whole.directory, { flips: options.flips, random });
  step('changed bytes', { found: spoilt });
  return { month: month.name, ...client.figures() };
}

interface Ends {
  readonly month: Month;
  readonly live: () => Promise<unknown>;
  readonly step: (name: string, figures: object) => void;
}

/** The server ends in order, then without a word just when it has acknowledged late data. */
async function endAndBegin(
  world: World,
  client: Client,
  { month, live, step }: Ends,
): Promise<void> {
  let downMs = 0;
  await world.publishDuring(async () => {
    await live();
    downMs = await world.restart('SIGTERM');
    await live();
  });
  step('restart', { downMs, ...(await checkpoint(world, client)) });
  await world.publishDuring(async () => {
    await live();
    const late = Array.from({ length: 50 }, (_, index) => ({
      ts: month.fromAt + index * 60_000 + 17_000,
      values: { pm25: 10 + index },
    }));
    await world.send(corrected, late);
    downMs = await world.restart('SIGKILL');
    await live();
  });
  step('kill -9', { downMs, ...(await remade(world, client)) });
}

interface History {
  readonly month: Month;
  readonly stations: number;
  readonly intervalMs: number;
}

async function sendMonth(world: World, { month, stations, intervalMs }: History): Promise<number> {
  let sent = 0;
  for (let station = 0; station < stations; station += 1) {
    const messages: Message[] = [];
    for (let ts = month.fromAt; ts < month.toAt; ts += intervalMs) {
      messages.push({ ts, values: valuesOf(station, ts) });
    }
    await world.send(station, messages);
    sent += messages.length;
  }
  return sent;
}

const dayMs = 86_400_000;

function valuesOf(station: number, ts: number): Message['values'] {
  const wave = Math.sin((ts / dayMs) * 2 * Math.PI + station);
  const round = (value: number): number => Math.round(value * 10) / 10;
  // What is erased must be in no file that is cited.
  if (station === erased) return { pm25: round(35 + 20 * wave) };
  return { pm25: round(35 + 20 * wave), temp: round(27 - 4 * wave), rh: round(75 + 10 * wave) };
}

/** Other values of times that were there, times that were not, and an erasure. */
async function correct(world: World, { fromAt, toAt }: Month): Promise<void> {
  const hour = 3_600_000;
  const again = Array.from({ length: 20 }, (_, index) => ({
    ts: fromAt + index * hour,
    values: { pm25: 90.5 + index, temp: 19.5 + index / 10 },
  }));
  const late = Array.from({ length: 20 }, (_, index) => ({
    ts: toAt - (index + 1) * 90_000 - 30_000,
    values: { pm25: 50 + index, rh: 60 },
  }));
  await world.send(corrected, [...again, ...late]);
  const from = new Date(fromAt + 10 * hour).toISOString();
  const to = new Date(fromAt + 16 * hour).toISOString();
  const range = ['--from', from, '--to', to];
  await world.command('erase', '--device', 'load-00004', ...range, '--reason', 'rotten sensor');
}

/** What the restored server will know nothing of. Resolves to how long devices published, ms. */
async function loseAStretch(world: World, { fromAt }: Month): Promise<number> {
  const clock = openSystemClock();
  const startedMs = clock.monotonicMs();
  await world.send(corrected, [{ ts: fromAt, values: { pm25: 123.4 } }]);
  await world.publishDuring(() => world.close([particulates(closed), particulates(erased)]));
  return clock.monotonicMs() - startedMs;
}

async function checkpoint(world: World, client: Client): Promise<object> {
  await world.quiet();
  const figures = await client.requireEqual();
  await client.requireCited();
  return figures;
}

/** As a checkpoint, and last month has become another file. */
async function remade(world: World, client: Client): Promise<object> {
  await world.quiet();
  const file = await client.requireRemade();
  return { ...file, ...(await checkpoint(world, client)) };
}

async function requireMirrors(world: World, place: MirrorPlace): Promise<object> {
  const { directory, filter } = place;
  const fresh = `${directory}-fresh`;
  await world.quiet();
  await mirrorOnce(world.address, place);
  await mirrorOnce(world.address, { directory: fresh, filter });
  const [kept, made] = [contentOf(directory), contentOf(fresh)];
  keep('both mirrors are at the same cursor', kept.cursor === made.cursor, () => [
    kept.cursor,
    made.cursor,
  ]);
  const names = [...new Set([...kept.files.keys(), ...made.files.keys()])];
  const differing = names.filter((name) => {
    const bytes = kept.files.get(name);
    return bytes === undefined || made.files.get(name)?.equals(bytes) !== true;
  });
  keep('a mirror is byte-equal to a fresh one', differing.length === 0, () => differing);
  const { files, sha256, bytes } = kept;
  const verified = await requireRight(directory);
  await requireRight(fresh);
  return { files: files.size, bytes, sha256, ...verified };
}
