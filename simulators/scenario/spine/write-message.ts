import { gzipSync } from 'node:zlib';
import type { Message, Tell } from './message.ts';

/** One object of a message in the own JSON. */
export interface Draft {
  readonly device: string;
  /** End of the values' time as the device believes it; NaN: the message names none. */
  readonly at: number;
  /** NaN: the message names no start. */
  readonly fromAt: number;
  /** NaN: none. */
  readonly resultAt: number;
  readonly heightMetres: number;
  readonly isBackfill: boolean;
  /** A number; null for none; a text where the device garbles it. */
  readonly values: ReadonlyMap<string, number | null | string>;
}

export interface Form {
  readonly isZipped: boolean;
  /** Bytes that arrive of it, 0 to 1. */
  readonly share: number;
}

export const plainForm: Form = { isZipped: false, share: 1 };

/** Code of the devices for "no value", outside what any of their channels can measure. */
export const noValueCode = -9_999;

/** The drafts as one message, which goes the way of the first one. */
export function writeMessage(drafts: readonly [Draft, ...Draft[]], form: Form): Message {
  const [{ device, isBackfill }] = drafts;
  const objects = drafts.map(objectOf);
  const text = JSON.stringify(objects.length === 1 ? objects[0] : objects);
  const whole = form.isZipped ? gzipSync(text) : Buffer.from(text);
  const isCut = form.share < 1;
  return {
    kind: isBackfill ? 'backfill' : 'message',
    device,
    topic: `env/v1/${device}/obs${isBackfill ? '/backfill' : ''}`,
    payload: isCut ? whole.subarray(0, Math.floor(whole.length * form.share)) : whole,
    tells: isCut ? null : drafts.flatMap(tellsOf),
  };
}

export function writeState(device: string, status: 'online' | 'offline'): Message {
  return {
    kind: 'control',
    device,
    topic: `env/v1/${device}/state`,
    payload: Buffer.from(JSON.stringify({ status })),
    tells: null,
  };
}

/** Times are told in one of two spellings, by the instant itself. */
function instantOf(at: number): number | string {
  return at % 7 === 0 ? new Date(at).toISOString() : at;
}

function objectOf(draft: Draft): Record<string, unknown> {
  const { at, fromAt, resultAt, heightMetres, values } = draft;
  return {
    ...(Number.isNaN(at) ? {} : { ts: instantOf(at) }),
    ...(Number.isNaN(fromAt) ? {} : { from: fromAt }),
    ...(Number.isNaN(resultAt) ? {} : { resultTime: instantOf(resultAt) }),
    ...(Number.isNaN(heightMetres) ? {} : { heightMetres }),
    values: Object.fromEntries(values),
  };
}

function tellsOf(draft: Draft): Tell[] {
  const { at, fromAt, resultAt, heightMetres } = draft;
  return [...draft.values].map(([channel, value]) => ({
    channel,
    value: typeof value === 'string' || value === noValueCode ? null : value,
    endAt: at,
    startAt: fromAt,
    resultAt,
    heightMm: Math.round(heightMetres * 1_000),
    isGarbled: typeof value === 'string',
  }));
}
