/** Plays the sandbox's script against a server, one step each interval, until it is closed. */
import type { Clock, Scheduled } from '../../devices/clock.ts';
import { connectDevice, type ConnectedDevice } from '../device.ts';
import { sandboxStep } from './script.ts';
import { sandboxSeries } from './series.ts';

export interface SandboxOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly reconnectMs: number;
  /** Closes or opens the series that is closed now and then. */
  readonly setHidden: (isHidden: boolean) => Promise<void>;
  /** Erases what the device has sent of [fromAt, toAt), by the time of its values. */
  readonly erase: (device: string, fromAt: number, toAt: number) => Promise<void>;
  readonly onError: (error: Error) => void;
}

export interface Sandbox {
  /** Steps played so far. */
  readonly steps: number;
  close(): Promise<void>;
}

export async function playSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { clock, intervalMs, onError } = options;
  const devices = new Map<string, ConnectedDevice>();
  for (const device of new Set(sandboxSeries.map((each) => each.device))) {
    devices.set(device, await connect(options, device));
  }
  const startAt = Math.floor(clock.now() / intervalMs) * intervalMs;
  let steps = 0;
  let timer: Scheduled | undefined;
  let isClosing = false;

  async function play(step: number): Promise<void> {
    const { messages, isHidden, erase } = sandboxStep(step, { startAt, intervalMs });
    for (const { device, topic, text } of messages) {
      await devices.get(device)?.publishText(`env/v1/${device}/${topic}`, text);
    }
    if (isHidden !== undefined) await options.setHidden(isHidden);
    if (erase !== undefined) await options.erase('sandbox-deleted', erase.fromAt, erase.toAt);
    steps = step + 1;
  }

  function tick(): void {
    // A step that was held up is played late rather than left out: the story stays whole.
    void play(steps)
      .then(
        () => startAt + steps * intervalMs - clock.now(),
        (error: unknown) => {
          if (!isClosing) onError(error instanceof Error ? error : new Error(String(error)));
          return intervalMs;
        },
      )
      .then((waitMs) => {
        if (!isClosing) timer = clock.schedule(Math.max(0, waitMs), tick);
      });
  }

  tick();
  return {
    get steps() {
      return steps;
    },
    async close() {
      isClosing = true;
      timer?.cancel();
      await Promise.all([...devices.values()].map((device) => device.close()));
    },
  };
}

function connect({ url, reconnectMs, onError }: SandboxOptions, deviceId: string) {
  const secret = { deviceId, clientId: `sandbox-${deviceId}`, username: '', password: '' };
  return connectDevice({ url, reconnectMs, secret, channels: [], onError });
}
