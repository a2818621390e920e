import type { Codec, CodecInput, Decoded, DecodeLimits } from './codec.ts';
import { faulty } from './decoding.ts';
import { decompress } from './decompress.ts';

/**
 * Everything between the bytes of a reading and its measurements: unpacks, decodes, and turns a
 * defect of a codec into a fault of this one message, so that it is set aside and the next one read.
 */
export function decodeMessage(codec: Codec, input: CodecInput, limits: DecodeLimits): Decoded {
  const { payload, fault } = decompress(input.payload, limits);
  if (fault !== undefined) return faulty(fault);
  const message = payload === input.payload ? input : { topic: input.topic, payload };
  try {
    return codec.decode(message, limits);
  } catch (error) {
    const detail = `${codec.id}@${codec.version}: ${String(error)}`;
    return faulty({ code: 'CODEC_CRASHED', offset: -1, detail });
  }
}
