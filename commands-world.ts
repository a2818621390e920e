/** Commands of the world outside: they speak to a running server over MQTT and HTTP, as others do. */
import { numberFlag, textFlag, type Command } from './command-line.ts';
import { tell } from './command-telling.ts';
import { provisionFile } from './commands-registry.ts';
import { readConfiguration, type Configuration } from './configuration.ts';
import { sleep } from './devices/clock.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { createSeededRandom } from './devices/random.ts';
import { startError } from './errors.ts';
import { findDoors, trustOf, untilSettled } from './server-doors.ts';
import { fleetStations, registryFileOf, replacementFileOf } from './simulators/demo-network.ts';
import type { DeviceSecretOf } from './simulators/device.ts';
import { startDisturbances } from './simulators/disturbances.ts';
import {
  faultNames,
  fleetFaultNames,
  type FaultName,
  type FleetFaultName,
} from './simulators/faults.ts';
import { simulatorsError } from './simulators/errors.ts';
import { startFleet, type FleetOptions } from './simulators/fleet.ts';
import { audit } from './simulators/load/audit.ts';
import { loadChannels, loadRegistryFile } from './simulators/load/network.ts';
import { startLoad, type Load } from './simulators/load/run.ts';

const dayMs = 86_400_000;

/** Registers the network in the running server and rotates its secrets, so that all are known here. */
export async function secretsFor(
  configuration: Configuration,
  content: unknown,
): Promise<DeviceSecretOf[]> {
  const { outcome, secrets } = await provisionFile(configuration, content, true);
  if (!outcome.ok) throw startError('START_USAGE', { problem: outcome.problems[0] });
  return secrets.map((secret) => ({ ...secret, password: secret.password ?? '' }));
}

function faultsOf(command: Command): readonly (FaultName | FleetFaultName)[] {
  const known = [...faultNames, ...fleetFaultNames];
  const named = (textFlag(command, 'faults', '') ?? '').split(',').filter((name) => name !== '');
  return named.map((name) => {
    const found = known.find((each) => each === name);
    if (found === undefined)
      throw startError('START_USAGE', { flag: '--faults', value: name, accepted: known });
    return found;
  });
}

export async function simulateCommand(command: Command): Promise<number> {
  const count = numberFlag(command, 'stations', 12, { min: 1, max: 100_000 });
  const intervalMs = numberFlag(command, 'interval', 10_000, { min: 100, max: dayMs });
  const seconds = numberFlag(command, 'seconds', Number.POSITIVE_INFINITY, { min: 1, max: 1e9 });
  const wanted = faultsOf(command);
  const faults = faultNames.filter((name) => wanted.includes(name));
  const fleetFaults = fleetFaultNames.filter((name) => wanted.includes(name));
  const seed = numberFlag(command, 'seed', 1, { min: 0, max: 2 ** 31 });
  const trusted = trustOf(command);
  const configuration = readConfiguration({ flags: command.flags, environment: process.env });
  const { mqttUrl, trust } = await findDoors(configuration, trusted);
  const stations = fleetStations(count, intervalMs);
  const secrets = await secretsFor(configuration, registryFileOf(stations));
  const clock = openSystemClock();
  const onError = (name: string, error: Error) =>
    void process.stderr.write(`${name}: ${error.message}\n`);
  const fleet = await startFleet({
    url: mqttUrl,
    trust,
    config: configuration.simulators,
    clock,
    stations,
    secrets: new Map(secrets.map((secret) => [secret.deviceId, secret])),
    seed,
    faults,
    faultRate: faults.length === 0 ? 0 : 0.02,
    onError,
    register: createRegister(configuration),
  });
  const disturbances = startDisturbances({
    clock,
    random: createSeededRandom(seed),
    fleet,
    faults: fleetFaults,
    intervalMs,
    onError: (error) => onError('simulate', error),
  });
  const endsAt = clock.monotonicMs() + seconds * 1_000;
  while (clock.monotonicMs() < endsAt) {
    await sleep(clock, Math.max(0, Math.min(5_000, endsAt - clock.monotonicMs())));
    const { connected, acknowledged, failed } = fleet.counts();
    tell(
      command,
      { event: 'simulated', ...fleet.counts() },
      `${connected} devices, ${acknowledged} messages acknowledged, ${failed} failed`,
    );
  }
  disturbances.stop();
  await fleet.close();
  return 0;
}

/** Registers a station's next device; what a device was before is known from its instants here. */
function createRegister(configuration: Configuration): NonNullable<FleetOptions['register']> {
  const replacements = new Map<string, number[]>();
  return async (station, generation, at) => {
    const instants = [...(replacements.get(station.id) ?? []), at];
    const file = replacementFileOf(station, generation, instants);
    const [secret] = await secretsFor(configuration, file);
    if (secret === undefined) throw startError('START_USAGE', { station: station.id });
    replacements.set(station.id, instants);
    return secret;
  };
}

/** Every flag is judged before a server is looked for. */
function loadFlags(command: Command) {
  const isMax = textFlag(command, 'rate') === 'max';
  return {
    devices: numberFlag(command, 'devices', 1_000, { min: 1, max: 100_000 }),
    seconds: numberFlag(command, 'seconds', 10, { min: 1, max: 1e6 }),
    seed: numberFlag(command, 'seed', 1, { min: 0, max: 2 ** 31 }),
    rate: isMax ? ('max' as const) : numberFlag(command, 'rate', 2_000, { min: 1, max: 1e6 }),
    window: numberFlag(command, 'window', 10, { min: 1, max: 1_000 }),
    qos2Share: numberFlag(command, 'qos2', 0, { min: 0, max: 1 }),
    trust: trustOf(command),
  };
}

export async function loadCommand(command: Command): Promise<number> {
  const { devices, seconds, trust: trusted, ...how } = loadFlags(command);
  const configuration = readConfiguration({ flags: command.flags, environment: process.env });
  const config = configuration.simulators;
  const { host, mqttPort, trust, api } = await findDoors(configuration, trusted);
  const secrets = await secretsFor(configuration, loadRegistryFile(devices, 1_000));
  const clock = openSystemClock();
  const port = (): number => mqttPort;
  const load = startLoad({ ...how, host, port, trust, config, clock, secrets, duplicateShare: 0 });
  await sleep(clock, seconds * 1_000);
  const unacknowledged = await load.finish(config.loadFinishMs);
  load.close();
  requireSent(load, `${host}:${mqttPort}`);
  const totals = load.ledger.totals();
  const latency = { p50Ms: load.latencies.percentile(0.5), p99Ms: load.latencies.percentile(0.99) };
  tell(
    command,
    { event: 'loaded', ...totals, unacknowledged, ...latency, seed: how.seed },
    `${totals.acknowledged} of ${totals.sent} messages acknowledged, PUBACK p50 ${latency.p50Ms.toFixed(1)} ms, p99 ${latency.p99Ms.toFixed(1)} ms`,
  );
  const channels = new Map(loadChannels.map(([channel, property]) => [property, channel]));
  await untilSettled(configuration, clock);
  const { examplesMax } = config;
  const { ledger, payloads } = load;
  const found = await audit({ api, ledger, payloads, channels, examplesMax });
  tell(
    command,
    { event: 'audited', ...found },
    `missing ${found.missing}, doubled ${found.doubled}, changed ${found.changed}, invented ${found.invented} of ${found.rows} rows`,
  );
  return found.missing + found.doubled + found.changed + found.invented === 0 ? 0 : 1;
}

/** An audit of nothing finds nothing wrong: a load that never got through must not look like one. */
function requireSent(load: Load, address: string): void {
  if (load.ledger.totals().sent > 0) return;
  throw simulatorsError('SIMULATORS_CONNECT_FAILED', {
    address,
    problem: load.problem(),
  });
}
