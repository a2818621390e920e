/** `--sandbox`: the network on which developers try their clients, beside the server. */
import { askControl } from './control.ts';
import { pathsOf } from './data-folder.ts';
import { openSystemClock } from './devices/clock-system.ts';
import type { Configuration } from './configuration.ts';
import { startError } from './errors.ts';
import { inUrl, reachableHost } from './server-doors.ts';
import { playSandbox, type Sandbox } from './simulators/sandbox/play.ts';
import { sandboxRegistry } from './simulators/sandbox/series.ts';
import type { ProvisionOutcome } from './commands-registry.ts';
import type { EraseWish } from './erase-order.ts';
import type { Server } from './server.ts';

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
