/**
 * A step of a reprocess as the payload of a decision: keys of one series, most often of one day, with
 * what their readings say under a registry version. It holds values of devices, so an erasure blanks
 * it with the readings (`maintain/erase-readings.ts`).
 *
 *   {"decision": "reprocess", "version": 7, "series": 3, "fromAt": ms, "toAt": ms, "nextAt": ms, "actor": "…",
 *    "devices": ["d"], "channels": [["ta", "degF"]],
 *    "keys": [{"end": ms, "span"?: ms, "height"?: mm,
 *              "withdraw"?: [[class, at, node, position]],
 *              "tell"?: [{"position": 12, "received": ms behind the end, "result": 20.5, "given": 837,
 *                         "sent": "68.9", "time": "…", "device"?: 0, "channel"?: 0, …}]}]}
 *
 * A key without ranks and values is only judged again. With `series` null it is the order: the record
 * of what was asked for, once.
 */
import { z } from 'zod';
import type { KeyRestatement, RetoldValue, SeriesRestatement } from './decide/restating.ts';
import { reasons } from './quality.ts';

/** A number whose minus zero survives JSON. */
const number = z.union([z.number(), z.literal('-0').transform(() => -0)]);
const index = z.int().min(0);
const textMax = 500;

const retold = z.object({
  position: z.int().min(1),
  node: index.default(0),
  received: z.number(),
  result: number.nullable(),
  given: index,
  sent: z.string().nullable(),
  time: z.string().nullable(),
  /** Places in the lists of the step. */
  device: index.default(0),
  channel: index.default(0),
  qualifiers: index.default(0),
  reason: z.enum(reasons).nullable().default(null),
  resultAt: z.number().nullable().default(null),
  hash: z.int().default(-1),
  latitude: number.nullable().default(null),
  longitude: number.nullable().default(null),
});

const restatedKey = z.object({
  end: z.number(),
  span: z.number().default(0),
  height: z.number().nullable().default(null),
  withdraw: z
    .array(z.tuple([z.union([z.literal(0), z.literal(1)]), z.number(), index, z.int()]))
    .default([]),
  tell: z.array(retold).default([]),
});

export const reprocessStep = z.object({
  decision: z.literal('reprocess'),
  /** Only while this version of the registry is in force. */
  version: z.int().min(1),
  series: index.nullable(),
  /** On the end of phenomenon time: from inclusive, to exclusive. */
  fromAt: z.int().nullable(),
  toAt: z.int().nullable(),
  /** Where the next step of the series goes on: what ends then or later is judged by that. */
  nextAt: z.number().nullable().default(null),
  actor: z.string().max(textMax),
  devices: z.array(z.string()).default([]),
  channels: z.array(z.tuple([z.string(), z.string().nullable()])).default([]),
  keys: z.array(restatedKey).default([]),
});
export type ReprocessStep = z.infer<typeof reprocessStep>;
type RetoldText = z.input<typeof retold>;
type KeyText = z.input<typeof restatedKey>;

/** What the decider is asked. */
export function restatementOf(step: ReprocessStep): SeriesRestatement {
  const keys = step.keys.map(({ end, span, height, withdraw, tell }) => ({
    endAt: end,
    startAt: end - span,
    heightMm: height ?? Number.NaN,
    withdraw: withdraw.map(([klass, at, node, position]) => ({ klass, at, node, position })),
    tell: tell.map((value) => valueOf(step, end, value)),
  }));
  return { keys, beforeAt: step.nextAt ?? Number.POSITIVE_INFINITY };
}

function valueOf(step: ReprocessStep, endAt: number, value: z.infer<typeof retold>): RetoldValue {
  const { position, node, result, given, qualifiers, reason } = value;
  const [name = '', unit = null] = step.channels[value.channel] ?? [];
  const receivedAt = endAt + value.received;
  const at = value.resultAt ?? receivedAt;
  const klass = result === null && value.resultAt === null ? 0 : 1;
  return {
    result,
    resultAt: value.resultAt ?? Number.NaN,
    receivedAt,
    rank: { klass, at, node, position },
    device: step.devices[value.device] ?? '',
    raw: { name, value: value.sent, unit, time: value.time },
    payloadHash: value.hash,
    latitude: value.latitude ?? Number.NaN,
    longitude: value.longitude ?? Number.NaN,
    given,
    qualifiers,
    reason,
  };
}

export interface StepFrame {
  readonly version: number;
  readonly series: number | null;
  readonly fromAt: number | null;
  readonly toAt: number | null;
  readonly actor: string;
}

/** The record of what was asked for. */
export function orderText(frame: Omit<StepFrame, 'series'>): string {
  return JSON.stringify({ decision: 'reprocess', ...frame, series: null });
}

/** Keys and values that one record may hold: some milliseconds of deciding, 64 KiB. */
const keysMax = 256;
const stepBytesMax = 65_536;

/** Gathers keys of one series into steps of bounded size. */
export interface StepWriter {
  add(key: KeyRestatement): void;
  /** Ends the step that was begun; `nextAt`: where another of the series goes on, null where none does. */
  end(nextAt: number | null): void;
}

export function createStepWriter(frame: StepFrame, onStep: (text: string) => void): StepWriter {
  let devices: string[] = [];
  let channels: [string, string | null][] = [];
  let keys: string[] = [];
  let bytes = 0;
  let lastAt = Number.NEGATIVE_INFINITY;

  function end(nextAt: number | null): void {
    if (keys.length === 0) return;
    const head = JSON.stringify({ decision: 'reprocess', ...frame, nextAt, devices, channels });
    onStep(`${head.slice(0, -1)},"keys":[${keys.join(',')}]}`);
    devices = [];
    channels = [];
    keys = [];
    bytes = 0;
  }

  function placeOf(value: RetoldValue): { readonly device: number; readonly channel: number } {
    const { name, unit } = value.raw;
    let device = devices.indexOf(value.device);
    if (device < 0) device = devices.push(value.device) - 1;
    let channel = channels.findIndex((one) => one[0] === name && one[1] === unit);
    if (channel < 0) channel = channels.push([name, unit]) - 1;
    return { device, channel };
  }

  return {
    add(key) {
      // Keys that end together are judged together.
      const isFull = keys.length >= keysMax || bytes >= stepBytesMax;
      if (isFull && key.endAt > lastAt) end(key.endAt);
      const text = JSON.stringify(keyText(key, placeOf));
      keys.push(text);
      bytes += text.length;
      lastAt = key.endAt;
    },
    end,
  };
}

function keyText(
  { endAt, startAt, heightMm, withdraw, tell }: KeyRestatement,
  placeOf: (value: RetoldValue) => { readonly device: number; readonly channel: number },
): KeyText {
  return {
    end: endAt,
    ...(startAt === endAt ? {} : { span: endAt - startAt }),
    ...(Number.isNaN(heightMm) ? {} : { height: heightMm }),
    ...(withdraw.length === 0
      ? {}
      : { withdraw: withdraw.map(({ klass, at, node, position }) => [klass, at, node, position]) }),
    ...(tell.length === 0
      ? {}
      : { tell: tell.map((value) => retoldText(value, endAt, placeOf(value))) }),
  };
}

function retoldText(
  value: RetoldValue,
  endAt: number,
  { device, channel }: { readonly device: number; readonly channel: number },
): RetoldText {
  const { rank, receivedAt, result, given, raw, qualifiers, reason, resultAt, payloadHash } = value;
  return {
    position: rank.position,
    ...(rank.node === 0 ? {} : { node: rank.node }),
    received: receivedAt - endAt,
    result: signed(result),
    given,
    sent: raw.value,
    time: raw.time,
    ...(device === 0 ? {} : { device }),
    ...(channel === 0 ? {} : { channel }),
    ...(qualifiers === 0 ? {} : { qualifiers }),
    ...(reason === null ? {} : { reason }),
    ...(Number.isNaN(resultAt) ? {} : { resultAt }),
    ...(payloadHash === -1 ? {} : { hash: payloadHash }),
    ...(Number.isNaN(value.latitude) ? {} : { latitude: signed(value.latitude) }),
    ...(Number.isNaN(value.longitude) ? {} : { longitude: signed(value.longitude) }),
  };
}

function signed<Value extends number | null>(value: Value): Value | '-0' {
  return Object.is(value, -0) ? '-0' : value;
}
