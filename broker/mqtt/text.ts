/** UTF-8 strings of the wire (§1.5.3), judged on the bytes before anything decodes them. */
import { isUtf8 } from 'node:buffer';
import { brokerError } from '../errors.ts';

/**
 * Throws BROKER_PROTOCOL_VIOLATED for a rule of MQTT 3.1.1 (its clause, or a sentence where the
 * standard leaves the choice to the server). Whoever reads the connection closes it.
 */
export function violated(rule: string): never {
  throw brokerError('BROKER_PROTOCOL_VIOLATED', { rule });
}

/** C0 and C1 controls, and code points that are not characters; U+FFFD is the mark of lost text. */
// eslint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffd]|\p{Noncharacter_Code_Point}/u;

/** The text of `buffer` from `at` to `endAt`; throws for what §1.5.3 forbids. */
export function readText(buffer: Buffer, at: number, endAt: number): string {
  if (isPrintableAscii(buffer, at, endAt)) return buffer.toString('latin1', at, endAt);
  const bytes = buffer.subarray(at, endAt);
  if (bytes.includes(0)) violated('MQTT-1.5.3-2');
  if (!isUtf8(bytes)) violated('MQTT-1.5.3-1');
  const text = bytes.toString('utf8');
  if (forbidden.test(text)) violated('§1.5.3: control characters');
  return text;
}

function isPrintableAscii(buffer: Buffer, at: number, endAt: number): boolean {
  for (let index = at; index < endAt; index += 1) {
    const byte = buffer[index]!;
    if (byte < 0x20 || byte > 0x7e) return false;
  }
  return true;
}
