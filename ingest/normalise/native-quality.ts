import type { Digit } from '../checks/check.ts';
import { maskOf } from '../quality.ts';

/** What a device's own status means here. */
export interface NativeQuality {
  /** Of the test `deviceStatus`. */
  readonly digit: Digit;
  /** Qualifier mask. */
  readonly qualifiers: number;
  /** The number beside it measures nothing of the environment: the result is null. */
  readonly isNoMeasurement: boolean;
}

const unknownQuality: NativeQuality = { digit: 2, qualifiers: 0, isNoMeasurement: false };

function quality(digit: Digit, qualifiers = 0, isNoMeasurement = false): NativeQuality {
  return { digit, qualifiers, isNoMeasurement };
}

const good = quality(1);
const doubtful = quality(3);
const bad = quality(4);
const calibrating = quality(4, maskOf(['CALIB']), true);
const maintained = quality(4, maskOf(['MAINT']), true);
const faulty = quality(4, maskOf(['FAULT']), true);

/**
 * Words of the field, and two families of numbers told apart by their length: one digit is a QARTOD
 * flag, two digits are the device status of Circular 10/2021/TT-BTNMT (measuring, calibrating,
 * fault). Anything else is not evaluated, and stays in the reading.
 */
const byText = new Map<string, NativeQuality>([
  ['1', good],
  ['3', doubtful],
  ['4', bad],
  ['00', good],
  ['01', calibrating],
  ['02', faulty],
  ['good', good],
  ['ok', good],
  ['valid', good],
  ['measuring', good],
  ['suspect', doubtful],
  ['doubtful', doubtful],
  ['questionable', doubtful],
  ['uncertain', doubtful],
  ['bad', bad],
  ['fail', bad],
  ['failed', bad],
  ['invalid', bad],
  ['calib', calibrating],
  ['calibrating', calibrating],
  ['calibration', calibrating],
  ['maint', maintained],
  ['maintenance', maintained],
  ['fault', faulty],
  ['faulty', faulty],
  ['error', faulty],
  ['estimated', quality(2, maskOf(['EST']))],
  ['below-detection', quality(2, maskOf(['BDL']))],
  ['bdl', quality(2, maskOf(['BDL']))],
]);

export function nativeQualityOf(text: string | null): NativeQuality {
  if (text === null) return unknownQuality;
  return byText.get(text.trim().toLowerCase()) ?? unknownQuality;
}
