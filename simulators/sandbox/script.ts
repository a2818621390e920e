/**
 * What the sandbox's devices send at each step, as a function of the step alone: whoever runs it
 * again sees the same story. Values are plain curves; what matters is what happens to them.
 */
import {
  correctedIntervals,
  erasedIntervals,
  heldIntervals,
  visibilityIntervals,
} from './series.ts';

/** One message of a device. */
export interface SandboxMessage {
  readonly device: string;
  /** Behind `env/v1/{device}/`. */
  readonly topic: 'obs' | 'obs/backfill';
  readonly text: string;
}

export interface SandboxStep {
  readonly messages: readonly SandboxMessage[];
  /** Whether the series `hidden` is closed from now on; undefined: as it was. */
  readonly isHidden?: boolean;
  /** What the device `sandbox-deleted` sent in [fromAt, toAt) is to be erased. */
  readonly erase?: { readonly fromAt: number; readonly toAt: number };
}

/** When the steps are, UTC ms. */
export interface SandboxTime {
  /** Of step 0. */
  readonly startAt: number;
  readonly intervalMs: number;
}

function atOf(step: number, { startAt, intervalMs }: SandboxTime): number {
  return startAt + step * intervalMs;
}

export function sandboxStep(step: number, time: SandboxTime): SandboxStep {
  const at = atOf(step, time);
  const messages = [
    message('sandbox', at, ordinary(step)),
    // The same bytes again, as after an acknowledgement that was lost.
    ...twice(message('sandbox', at, { repeated: wave(step, 18, 2) })),
    ...correction(step, time),
    ...heldBack(step, time),
    message('sandbox-deleted', at, { deleted: step % 5 === 0 ? 0.2 : 0 }),
  ];
  return {
    messages,
    ...(step % visibilityIntervals === 0 && step > 0
      ? { isHidden: (step / visibilityIntervals) % 2 === 1 }
      : {}),
    ...(step % erasedIntervals === 0 && step > 0
      ? { erase: { fromAt: atOf(step - erasedIntervals, time), toAt: at } }
      : {}),
  };
}

/** Around `middle`, never the same twice in a row. */
function wave(step: number, middle: number, reach: number): number {
  return Number((middle + reach * Math.sin(step / 7) + (step % 2) * 0.1).toFixed(2));
}

function ordinary(step: number): Record<string, number | null> {
  return {
    steady: wave(step, 27, 3),
    corrected: wave(step, 70, 10),
    missing: step % 3 === 2 ? null : Math.abs(wave(step, 4, 3)),
    // No barometer of a weather station reports 3000 hPa.
    failed: step % 4 === 3 ? 3_000 : wave(step, 1_008, 3),
    hidden: wave(step, 25, 5),
  };
}

/** A value of some steps ago, otherwise than it was told, with the time of this result. */
function correction(step: number, time: SandboxTime): SandboxMessage[] {
  const of = step - correctedIntervals;
  if (of < 0) return [];
  const ts = atOf(of, time);
  const resultTime = atOf(step, time);
  const values = { corrected: Number((wave(of, 70, 10) - 1.5).toFixed(2)) };
  return [{ device: 'sandbox', topic: 'obs', text: JSON.stringify({ ts, resultTime, values }) }];
}

/** Every so often what was held back since the last time, newest first. */
function heldBack(step: number, time: SandboxTime): SandboxMessage[] {
  if (step % heldIntervals !== heldIntervals - 1) return [];
  const steps = Array.from({ length: heldIntervals }, (_, back) => step - back);
  return steps.map((one) => {
    const text = { ts: atOf(one, time), values: { late: wave(one, 2, 0.5) } };
    return {
      device: 'sandbox',
      topic: one === step ? 'obs' : 'obs/backfill',
      text: JSON.stringify(text),
    };
  });
}

function message(device: string, ts: number, values: object): SandboxMessage {
  return { device, topic: 'obs', text: JSON.stringify({ ts, values }) };
}

function twice(one: SandboxMessage): SandboxMessage[] {
  return [one, one];
}
