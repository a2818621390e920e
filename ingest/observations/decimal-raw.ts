import type { Raw } from '../observation.ts';
import { fixedText } from './decimal-text.ts';

/**
 * A raw value whose text follows from its number and decimals and is made when asked for. A class,
 * against the habit of plain objects, so that millions of rows share one getter; `value` is on the
 * prototype: copy the four fields by name, never by spreading.
 */
export class DecimalRaw implements Raw {
  readonly name: string;
  readonly unit: string | null;
  readonly time: string | null;
  readonly sentNumber: number;
  readonly sentDecimals: number;

  constructor(sent: Omit<Raw, 'value'>, sentNumber: number, sentDecimals: number) {
    this.name = sent.name;
    this.unit = sent.unit;
    this.time = sent.time;
    this.sentNumber = sentNumber;
    this.sentDecimals = sentDecimals;
  }

  get value(): string {
    return fixedText(this.sentNumber, this.sentDecimals);
  }
}
