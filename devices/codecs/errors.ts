import type { ErrorTable } from '../coded-error.ts';

/**
 * Why bytes, or one channel of them, did not become a measurement. A codec never throws them: they
 * are the codes of `DecodeFault`. A code never changes its meaning.
 */
export const codecErrors = {
  CODEC_EMPTY: {
    message: 'The payload is empty.',
    meaning:
      'The device sent no bytes, or nothing but padding. Nothing is lost; look at the device.',
    canRetry: false,
  },
  CODEC_SYNTAX: {
    message: 'The payload does not follow its format.',
    meaning:
      'Byte offset and what was expected there are given. Compare the device\u2019s codec with what it sends; after a correction, replay the quarantined reading.',
    canRetry: false,
  },
  CODEC_COMPRESSION: {
    message: 'The compressed payload could not be unpacked.',
    meaning: 'It begins as gzip, zlib or zstd but is damaged or cut short. Ask for it again.',
    canRetry: false,
  },
  CODEC_TOO_LARGE: {
    message: 'The payload is too large once unpacked.',
    meaning: 'More than decodedBytesMax bytes, or more than expansionRatioMax times what was sent.',
    canRetry: false,
  },
  CODEC_TOO_DEEP: {
    message: 'The payload is nested too deeply.',
    meaning: 'More than depthMax levels of arrays and objects.',
    canRetry: false,
  },
  CODEC_TOO_MANY: {
    message: 'The payload holds too many measurements.',
    meaning: 'More than measurementsMax in one message. Let the device send smaller batches.',
    canRetry: false,
  },
  CODEC_NO_CHANNEL: {
    message: 'The payload holds no channel.',
    meaning: 'It can be read, but holds no value: only reserved keys, base fields or a header.',
    canRetry: false,
  },
  CODEC_TIME: {
    message: 'A time cannot be understood.',
    meaning:
      'Expected is an integer of milliseconds or RFC 3339 with an offset (Z or +07:00), and a start that is not after its end. A time without an offset is refused, never guessed.',
    canRetry: false,
  },
  CODEC_TIME_RELATIVE: {
    message: 'Several values of one channel are timed only relative to the arrival.',
    meaning:
      'Without an absolute time they cannot be told apart. Let the device send the time of its clock.',
    canRetry: false,
  },
  CODEC_FIELD: {
    message: 'A reserved field has the wrong kind of value.',
    meaning: 'For example a text as latitude, or an extension that must be understood and is not.',
    canRetry: false,
  },
  CODEC_FIELD_REPEATED: {
    message: 'A reserved field occurs twice.',
    meaning: 'Which one counts cannot be known (ts and its alias t are one field).',
    canRetry: false,
  },
  CODEC_VERSION: {
    message: 'The payload is of a version of its format that is not supported.',
    meaning: 'SenML: base version 10 or lower, or 26 (RFC 8428, RFC 9100).',
    canRetry: false,
  },
  CODEC_CHANNEL_REPEATED: {
    message: 'One channel has different values for the same time.',
    meaning: 'Which one counts cannot be known, so none is taken; the other channels are.',
    canRetry: false,
  },
  CODEC_VALUE_TEXT: {
    message: 'The value is a text.',
    meaning: 'A number was expected. The other channels of the message are taken.',
    canRetry: false,
  },
  CODEC_VALUE_BOOLEAN: {
    message: 'The value is true or false.',
    meaning: 'A number was expected. The other channels of the message are taken.',
    canRetry: false,
  },
  CODEC_VALUE_KIND: {
    message: 'The value is not a single value.',
    meaning:
      'An array, bytes, an object without the member value, or none at all. The other channels of the message are taken.',
    canRetry: false,
  },
  CODEC_CRASHED: {
    message: 'The codec failed at this payload.',
    meaning: 'A defect of the codec, not of the payload. Report it with the quarantined bytes.',
    canRetry: false,
  },
} as const satisfies ErrorTable;

export type CodecErrorCode = keyof typeof codecErrors;
