/**
 * A codec turns the bytes of a message into measurements. It knows nothing of stations or units of
 * the registry, reads no clock and keeps no state: the same bytes give the same answer, always.
 * Its work is bounded: see `DecodeLimits`.
 */
export interface Codec {
  /** As the registry names it, for example `senml-json`. */
  readonly id: string;
  /** Grows when the same bytes would decode differently; kept with each observation's raw value. */
  readonly version: number;
  /** Never throws for bad input: what cannot be decoded comes back in `faults`. */
  decode(message: CodecInput, limits: DecodeLimits): Decoded;
}

export interface CodecInput {
  readonly topic: string;
  readonly payload: Uint8Array;
}

export interface DecodeLimits {
  /** Bytes after decompression; more is a fault `CODEC_TOO_LARGE`. */
  readonly decodedBytesMax: number;
  /** Decoded bytes ÷ received bytes; more is a fault `CODEC_TOO_LARGE`. */
  readonly expansionRatioMax: number;
  /** Nesting of JSON and CBOR; more is a fault `CODEC_TOO_DEEP`. */
  readonly depthMax: number;
  /** Measurements of one message; more is a fault `CODEC_TOO_MANY`. */
  readonly measurementsMax: number;
}

export interface Decoded {
  readonly measurements: readonly DecodedMeasurement[];
  /** A fault without `channel` is about the whole message: then there are no measurements. */
  readonly faults: readonly DecodeFault[];
}

export interface DecodeFault {
  /** Of the closed table in `devices/codecs/errors.ts`, prefix `CODEC_`. */
  readonly code: string;
  /** Byte offset in the (decompressed) payload where it was noticed, or -1. */
  readonly offset: number;
  /** Only this channel is affected. */
  readonly channel?: string;
  /** What was expected, in a few words. */
  readonly detail: string;
}

/** One value as the device sent it. */
export interface DecodedMeasurement {
  /** The device's own name of the value. */
  readonly channel: string;
  /** A finite number; null for a missing one (null, NaN, Infinity, empty). */
  readonly value: number | null;
  /**
   * The value's own text. When `value` is a number and the text is `value.toFixed(decimals)`, that
   * text is not carried: `decimals` ≥ 0 stands for it. Otherwise `decimals` is -1 and `text` is the
   * exact text as sent.
   */
  readonly decimals: number;
  readonly text: string | null;
  /** As sent, inside the message; null where the message names none. */
  readonly unit: string | null;
  /** Native quality as sent, or null. */
  readonly quality: string | null;
  /** End of the interval or the instant; integer ms UTC; NaN where the message carries no time. */
  readonly endAt: number;
  /** Start of the interval, NaN where the message names none. */
  readonly startAt: number;
  /** The end's own text as sent (`"2020-01-01T00:00:00Z"`, `1700000000000`); null where none. */
  readonly timeText: string | null;
  /** The device's own result time, NaN where none. */
  readonly resultAt: number;
  /** Of a moving platform or a profile: NaN where none. */
  readonly latitude: number;
  readonly longitude: number;
  readonly heightMetres: number;
  /** The device's own sequence number, NaN where none. */
  readonly seq: number;
}
