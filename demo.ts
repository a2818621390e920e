/**
 * Simulated networks beside the server, publishing over MQTT as devices do: that of `--demo`, and that
 * of `--sandbox`, on which developers try their clients.
 */
import { askControl } from './control.ts';
import { pathsOf } from './data-folder.ts';
import { openSystemClock } from './devices/clock-system.ts';
import type { Configuration } from './configuration.ts';
import { startError } from './errors.ts';
import { inUrl, reachableHost } from './server-doors.ts';
import { demoStations, registryFileOf } from './simulators/demo-network.ts';
import { faultNames } from './simulators/faults.ts';
import { startFleet, type Fleet } from './simulators/fleet.ts';
import { playSandbox, type Sandbox } from './simulators/sandbox/play.ts';
import { sandboxRegistry } from './simulators/sandbox/series.ts';
import type { EraseWish } from './erase-order.ts';
import type { ProvisionOutcome } from './commands-registry.ts';
import type { Server } from './server.ts';

const intervalMs = 2_000;

/** Its devices need no secret: `--demo` lets this machine publish without one. */
export async function startDemo(server: Server, configuration: Configuration): Promise<Fleet> {
  const stations = demoStations(intervalMs);
  const argument = { content: registryFileOf(stations), rotate: false, secrets: false };
  const asked = await askControl(pathsOf(server.dataDir).controlSocket, 'provision', argument);
  const outcome = (asked?.result as ProvisionOutcome | undefined)?.outcome;
  if (outcome?.ok !== true)
    throw startError('START_NOT_RUNNING', { problem: outcome?.problems[0] });
  return startFleet({
    url: `mqtt://${inUrl(reachableHost(configuration.host))}:${server.addresses.mqttPort}`,
    config: configuration.simulators,
    clock: openSystemClock(),
    stations,
    secrets: new Map(
      stations.map(({ id }) => [
        id,
        { deviceId: id, clientId: `demo-${id}`, username: '', password: '' },
      ]),
    ),
    seed: 2026,
    faults: faultNames,
    faultRate: 0.004,
    onError: (deviceId, error) =>
      process.stderr.write(
        `${JSON.stringify({ room: 'simulators', deviceId, problem: error.message })}\n`,
      ),
  });
}

/** Its devices need no secret, as those of the demonstration. */
export async function startSandbox(server: Server, configuration: Configuration): Promise<Sandbox> {
  const { sandboxIntervalMs: intervalMs, reconnectMs } = configuration.simulators;
  const socket = pathsOf(server.dataDir).controlSocket;
  async function setHidden(isHidden: boolean): Promise<void> {
    const argument = {
      content: sandboxRegistry(intervalMs, isHidden),
      rotate: false,
      secrets: false,
    };
    const asked = await askControl(socket, 'provision', argument);
    const outcome = (asked?.result as ProvisionOutcome | undefined)?.outcome;
    if (outcome?.ok !== true)
      throw startError('START_NOT_RUNNING', { problem: outcome?.problems[0] });
  }
  await setHidden(false);
  const { mqttPort } = server.addresses;
  return playSandbox({
    url: `mqtt://${inUrl(reachableHost(configuration.host))}:${mqttPort}`,
    clock: openSystemClock(),
    intervalMs,
    reconnectMs,
    setHidden,
    async erase(device, fromAt, toAt) {
      const reason = 'planted in the sandbox';
      const wish: EraseWish = { device, owner: null, fromAt, toAt, reason };
      await askControl(socket, 'erase', wish);
    },
    onError: (error) =>
      process.stderr.write(`${JSON.stringify({ room: 'simulators', problem: error.message })}\n`),
  });
}
