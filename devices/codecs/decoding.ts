import type { Codec, CodecInput, Decoded, DecodeFault, DecodeLimits } from './codec.ts';
import type { CodecErrorCode } from './errors.ts';

/**
 * Ends the decoding of a message: the fault is about the whole of it. Thrown and caught inside this
 * folder only, so that the scanners need not carry an error through every return value.
 */
export class DecodeStop extends Error {
  readonly fault: DecodeFault;

  constructor(code: CodecErrorCode, offset: number, detail: string) {
    super(code);
    this.fault = { code, offset, detail };
  }
}

export function stop(code: CodecErrorCode, offset: number, detail: string): never {
  throw new DecodeStop(code, offset, detail);
}

/** A fault of one channel alone. */
export function channelFault(
  code: CodecErrorCode,
  offset: number,
  channel: string,
  detail: string,
): DecodeFault {
  return { code, offset, channel, detail };
}

/** The whole message is faulty. */
export function faulty(fault: DecodeFault): Decoded {
  return { measurements: [], faults: [fault] };
}

/** What all codecs have in common: the bound of the bytes, the empty payload, and the way out. */
export function codecOf(
  id: string,
  version: number,
  read: (message: CodecInput, limits: DecodeLimits) => Decoded,
): Codec {
  return {
    id,
    version,
    decode(message, limits) {
      const { length } = message.payload;
      if (length > limits.decodedBytesMax) return faulty(tooLarge(limits.decodedBytesMax));
      if (length === 0) return faulty({ code: 'CODEC_EMPTY', offset: 0, detail: 'a payload' });
      try {
        const decoded = read(message, limits);
        if (decoded.measurements.length > 0 || decoded.faults.length > 0) return decoded;
        return faulty({ code: 'CODEC_NO_CHANNEL', offset: length, detail: 'at least one channel' });
      } catch (error) {
        if (error instanceof DecodeStop) return faulty(error.fault);
        throw error;
      }
    },
  };
}

export function tooLarge(bytesMax: number): DecodeFault {
  return { code: 'CODEC_TOO_LARGE', offset: -1, detail: `at most ${bytesMax} bytes` };
}

/** Counts one more measurement or fault of a channel against the bound. */
export function assertNotTooMany(count: number, limits: DecodeLimits, offset: number): void {
  if (count <= limits.measurementsMax) return;
  stop('CODEC_TOO_MANY', offset, `at most ${limits.measurementsMax} measurements`);
}
