/** The axis of values: where its ticks are, and how numbers are written on it. */
import type { Language } from '../page-words.ts';

export interface Scale {
  readonly min: number;
  readonly max: number;
  /** Ascending, within min and max. */
  readonly ticks: readonly number[];
  /** Of the ticks. */
  readonly decimals: number;
}

const niceSteps = [1, 2, 2.5, 5, 10];
const ticksMax = 50;

/** A scale from tick to tick around all values, with about so many ticks. */
export function niceScale(low: number, high: number, ticksWanted: number): Scale {
  const { min, max } = widened(low, high);
  const raw = (max - min) / Math.max(1, ticksWanted);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = (niceSteps.find((each) => each * power >= raw * (1 - 1e-9)) ?? 10) * power;
  const first = Math.floor(min / step + 1e-9);
  const last = Math.ceil(max / step - 1e-9);
  const count = Math.min(ticksMax, last - first + 1);
  const decimals = decimalsOf(step);
  const ticks = Array.from({ length: count }, (_, index) => roundTo((first + index) * step, step));
  return { min: first * step, max: last * step, ticks, decimals };
}

/** Equal values still need a scale that has a height. */
function widened(low: number, high: number): { readonly min: number; readonly max: number } {
  const least = Math.max(Math.abs(low), Math.abs(high), 1) * 1e-9;
  if (high - low > least) return { min: low, max: high };
  const around = Math.max(Math.abs(low) * 0.05, 0.5);
  return { min: low - around, max: high + around };
}

function decimalsOf(step: number): number {
  const exponent = Math.floor(Math.log10(step) + 1e-9);
  const isHalf = Math.abs(step / 10 ** exponent - 2.5) < 1e-6;
  return Math.min(20, Math.max(0, -exponent + (isHalf ? 1 : 0)));
}

/** Without the dust of binary fractions. */
function roundTo(value: number, step: number): number {
  const decimals = decimalsOf(step);
  return decimals === 0 ? Math.round(value / step) * step : Number(value.toFixed(decimals));
}

/** Fixed decimals, as the language writes them; far from one by powers of ten. */
export function numberText(value: number, decimals: number, language: Language): string {
  const size = Math.abs(value);
  if (size >= 1e7 || decimals > 6) return localised(value.toExponential(2), language);
  return localised(value.toFixed(decimals), language);
}

/** At most so many decimals as tell something: four digits, and all before the point. */
export function plainNumber(value: number, language: Language): string {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-4)) return numberText(value, 20, language);
  return localised(
    String(Number(value.toPrecision(Math.max(4, Math.ceil(Math.log10(size + 1)))))),
    language,
  );
}

function localised(text: string, language: Language): string {
  const signed = text.replaceAll('-', '−');
  return language === 'vi' ? signed.replace('.', ',') : signed;
}
