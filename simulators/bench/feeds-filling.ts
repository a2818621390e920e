/**
 * Fills a running server over MQTT, as stations that send what they have kept: arrays of observations,
 * few messages unacknowledged. Whatever is measured afterwards came in as everything comes in.
 */
import { connect } from 'node:net';

import { createSeededRandom } from '../../devices/random.ts';
import type { DeviceSecretOf } from '../device.ts';
import { loadChannels } from '../load/network.ts';
import { connectPacket, createAnswerParser, packetTypes, publishPacket } from '../load/wire.ts';

/** What one device sends: an observation of its channels at each step. */
export interface Record {
  readonly secret: DeviceSecretOf;
  /** Of `loadChannels`, from the first on. */
  readonly channels: number;
  /** Ends of the first and behind the last observation. */
  readonly fromAt: number;
  readonly toAt: number;
  readonly stepMs: number;
}

export interface Door {
  readonly host: string;
  readonly port: number;
}

/** A message has at most 256 measurements. */
const measurementsPerMessage = 256;
const unacknowledgedMax = 8;

/** Resolves to the number of values once every message is acknowledged. */
export async function fill(door: Door, records: readonly Record[], seed: number): Promise<number> {
  let values = 0;
  for (const [index, record] of records.entries()) {
    const payloads = payloadsOf(record, seed + index);
    await send(door, record.secret, payloads);
    values += (record.channels * (record.toAt - record.fromAt)) / record.stepMs;
  }
  return values;
}

function* payloadsOf(record: Record, seed: number): Generator<Buffer> {
  const random = createSeededRandom(seed);
  const { fromAt, toAt, stepMs } = record;
  const channels = loadChannels.slice(0, record.channels);
  const messageMs = Math.floor(measurementsPerMessage / record.channels) * stepMs;
  for (let at = fromAt; at < toAt; at += messageMs) {
    const end = Math.min(toAt, at + messageMs);
    const observations: string[] = [];
    for (let ts = at; ts < end; ts += stepMs) {
      const hour = (ts / 3_600_000) % 24;
      const swing = Math.sin((hour / 24) * 2 * Math.PI);
      const values = channels.map(([name, , decimals]) => {
        const value = 25 + 5 * swing + random.next();
        return `"${name}":${value.toFixed(decimals)}`;
      });
      observations.push(`{"ts":${ts},"values":{${values.join(',')}}}`);
    }
    yield Buffer.from(`[${observations.join(',')}]`);
  }
}

function send(door: Door, secret: DeviceSecretOf, payloads: Generator<Buffer>): Promise<void> {
  const topic = Buffer.from(`env/v1/${secret.deviceId}/obs`);
  return new Promise((resolve, reject) => {
    const socket = connect({ ...door, noDelay: true });
    let packetId = 0;
    let waiting = 0;
    let isDone = false;
    const sendOn = (): void => {
      while (waiting < unacknowledgedMax && !isDone) {
        const { done, value } = payloads.next();
        isDone = done === true;
        if (value === undefined) break;
        packetId = (packetId % 65_535) + 1;
        waiting += 1;
        socket.write(publishPacket(topic, value, packetId, { qos: 1, dup: false }));
      }
      if (isDone && waiting === 0) socket.end();
    };
    const take = createAnswerParser((type) => {
      if (type === packetTypes.puback) waiting -= 1;
      if (type === packetTypes.puback || type === packetTypes.connack) sendOn();
    });
    socket.on('data', take);
    socket.once('connect', () =>
      socket.write(connectPacket({ ...secret, cleanSession: true, keepAliveSeconds: 600 })),
    );
    socket.once('error', reject);
    socket.once('close', () =>
      isDone && waiting === 0
        ? resolve()
        : reject(new Error(`the server closed the connection of ${secret.deviceId}`)),
    );
  });
}
