/** A simulated device: one MQTT.js client that publishes as real ones do, QoS 1, with a last will. */
import { connectAsync, type MqttClient } from 'mqtt';
import { simulatorsError } from './errors.ts';
import type { Draft } from './faults.ts';
import type { SimulatedChannel } from './sensing.ts';
import type { Trust } from './trust.ts';

export interface DeviceSecretOf {
  readonly deviceId: string;
  readonly clientId: string;
  readonly username: string;
  /** Empty: publishes without a secret, where the server allows it (`--demo`). */
  readonly password: string;
}

export interface ConnectedDevice {
  /** Resolves when the server has acknowledged: the reading is kept. */
  publish(draft: Draft, half: boolean): Promise<void>;
  publishText(topic: string, text: string | Buffer): Promise<void>;
  /** Drops the connection without a word and comes back, as in a storm of reconnects. */
  reconnect(): void;
  close(): Promise<void>;
}

export interface DeviceOptions {
  /** For example `mqtt://127.0.0.1:1883`, or `mqtts://…` with a trust. */
  readonly url: string;
  readonly trust?: Trust | undefined;
  readonly reconnectMs: number;
  readonly secret: DeviceSecretOf;
  readonly channels: readonly SimulatedChannel[];
  readonly onError: (error: Error) => void;
}

/** Throws SIMULATORS_CONNECT_FAILED when the first connection is refused or does not come about. */
export async function connectDevice(options: DeviceOptions): Promise<ConnectedDevice> {
  const base = `env/v1/${options.secret.deviceId}`;
  const client = await openClient(options, base);
  // A server that hears DISCONNECT may reset the connection: the end of a device is no trouble of it.
  client.on('error', (error) => {
    if (!client.disconnecting) options.onError(error);
  });
  await client.publishAsync(`${base}/state`, '{"status":"online"}', { qos: 1, retain: true });
  return {
    async publish(draft, half) {
      const text = messageOf(draft, options.channels);
      await client.publishAsync(`${base}/obs`, half ? text.slice(0, text.length >> 1) : text, {
        qos: 1,
      });
    },
    async publishText(topic, text) {
      await client.publishAsync(topic, text, { qos: 1 });
    },
    reconnect: () => {
      client.stream.destroy();
    },
    close: () => endOf(client),
  };
}

async function openClient(options: DeviceOptions, base: string): Promise<MqttClient> {
  const { url, secret, trust, reconnectMs } = options;
  try {
    return await connectAsync(url, {
      ...trust,
      clientId: secret.clientId,
      ...(secret.password === '' ? {} : { username: secret.username, password: secret.password }),
      clean: false,
      reconnectPeriod: reconnectMs,
      will: {
        topic: `${base}/state`,
        payload: Buffer.from('{"status":"offline"}'),
        qos: 1,
        retain: true,
      },
    });
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    const { deviceId } = secret;
    throw simulatorsError('SIMULATORS_CONNECT_FAILED', { deviceId, url, problem }, error);
  }
}

/** A client without connection, or one that loses it now, would wait for its acknowledgements for ever. */
function endOf(client: MqttClient): Promise<void> {
  return new Promise((resolve) => {
    client.once('close', resolve);
    client.end(!client.connected, {}, () => resolve());
  });
}

/** The own JSON of the product: `{"ts":…,"values":{…}}`, each number with its sensor's decimals. */
export function messageOf(draft: Draft, channels: readonly SimulatedChannel[]): string {
  const members: string[] = [];
  for (const { channel, decimals } of channels) {
    const value = draft.values[channel];
    if (value !== undefined) members.push(`"${channel}":${value.toFixed(decimals)}`);
  }
  return `{"ts":${draft.at},"values":{${members.join(',')}}}`;
}
