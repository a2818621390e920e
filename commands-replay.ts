/** The command `replay`: files of real records, published over MQTT as live stations do. */
import { readFileSync } from 'node:fs';
import { numberFlag, textFlag, type Command } from './command-line.ts';
import { configurationOf, tell } from './command-telling.ts';
import { secretsFor } from './commands-world.ts';
import type { Configuration } from './configuration.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { CodedError } from './devices/coded-error.ts';
import { startError } from './errors.ts';
import { findDoors, trustOf, type Doors } from './server-doors.ts';
import { connectDevice } from './simulators/device.ts';
import {
  chooseProfile,
  parseProfile,
  registryFileOfProfile,
  type Profile,
} from './simulators/profile.ts';
import { headerOf, parseRecords, type RecordRow } from './simulators/records.ts';
import { replay } from './simulators/replay.ts';

interface RecordsFile {
  readonly file: string;
  readonly profile: Profile;
  readonly rows: readonly RecordRow[];
}

interface Replaying {
  readonly time: 'shifted' | 'as-is';
  readonly speed: number | 'max';
  readonly doors: Doors;
}

/** Every file is read whole before anything is registered or published. */
export async function replayCommand(command: Command): Promise<number> {
  if (command.arguments.length === 0)
    throw startError('START_USAGE', { command: 'replay', accepted: 'one or more files' });
  const how = { time: timeOf(command), speed: speedOf(command) };
  const trust = trustOf(command);
  const files = command.arguments.map((file) => readRecords(command, file));
  const configuration = configurationOf(command);
  const doors = await findDoors(configuration, trust);
  await Promise.all(
    files.map((file) => replayFile(command, configuration, { ...file, ...how, doors })),
  );
  return 0;
}

function timeOf(command: Command): Replaying['time'] {
  const time = textFlag(command, 'time', 'shifted');
  if (time === 'shifted' || time === 'as-is') return time;
  const accepted = ['shifted', 'as-is'];
  throw startError('START_USAGE', { flag: '--time', value: time, accepted });
}

function speedOf(command: Command): Replaying['speed'] {
  if (textFlag(command, 'speed', 'max') === 'max') return 'max';
  return numberFlag(command, 'speed', 1, { min: 0.001, max: 1e9 });
}

function readRecords(command: Command, file: string): RecordsFile {
  const text = reading(file, () => readFileSync(file, 'utf8'));
  const named = textFlag(command, 'profile');
  const profile =
    named === undefined
      ? shippedProfile(file, headerOf(text))
      : reading(named, () => parseProfile(readFileSync(named, 'utf8')));
  return { file, profile, rows: reading(file, () => parseRecords(text, profile)) };
}

function shippedProfile(file: string, columns: readonly string[]): Profile {
  const profile = chooseProfile(columns);
  if (profile !== undefined) return profile;
  const problem = 'no known profile has these columns';
  throw startError('START_REPLAY_FILE', { file, columns, problem, accepted: '--profile FILE' });
}

function reading<Result>(file: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    const said = error instanceof CodedError ? error.fields['problem'] : undefined;
    const problem = said ?? (error instanceof Error ? error.message : String(error));
    throw startError('START_REPLAY_FILE', { file, problem }, error);
  }
}

async function replayFile(
  command: Command,
  configuration: Configuration,
  options: RecordsFile & Replaying,
): Promise<void> {
  const { profile, file, doors } = options;
  const { reconnectMs, replayInflightMax, replayRowsMax } = configuration.simulators;
  const [secret] = await secretsFor(configuration, registryFileOfProfile(profile));
  if (secret === undefined)
    throw startError('START_REPLAY_FILE', { file, problem: 'the profile names no device' });
  const clock = openSystemClock();
  const device = await connectDevice({
    url: doors.mqttUrl,
    trust: doors.trust,
    reconnectMs,
    secret,
    channels: [],
    onError: (error) => process.stderr.write(`${file}: ${error.message}\n`),
  });
  let toldAt = clock.now();
  const rows = await replay({
    ...options,
    clock,
    device,
    rowsPerMessage: options.speed === 'max' ? replayRowsMax : 1,
    inflightMax: replayInflightMax,
    onProgress(sent, total) {
      if (clock.now() - toldAt < 1_000) return;
      toldAt = clock.now();
      tell(command, { event: 'progress', file, sent, total }, `${file}: ${sent} of ${total} rows`);
    },
  });
  await device.close();
  tell(
    command,
    { event: 'replayed', file, station: profile.station.id, rows },
    `${file}: ${rows} rows acknowledged as station ${profile.station.id}`,
  );
}
