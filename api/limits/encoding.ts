/** Which coding of a body a client takes (RFC 9110 §12.5.3): the one it weighs most, then our order. */
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

import { createSlots } from '../../ingest/feed/slots.ts';

export const encodings = ['br', 'gzip'] as const;
export type Encoding = (typeof encodings)[number];

const entriesMax = 32;
/**
 * Half a second less than the best quality for 4 MB. The window is small because V8 counts what an
 * encoder takes as of the heap: with Brotli's own window of 4 MB, each 25 lists of 170 KB had the
 * thread look through all its objects, with this one none did, and lists are as small within 3 %
 * (2.7 MB: 251 and 259 KB; 172 KB: 17.6 KB both).
 */
export const brotliParameters = {
  [constants.BROTLI_PARAM_QUALITY]: 4,
  [constants.BROTLI_PARAM_LGWIN]: 17,
};

/** Undefined: as it is. */
export function chooseEncoding(acceptEncoding: string | undefined): Encoding | undefined {
  if (acceptEncoding === undefined) return undefined;
  const weights = weightsOf(acceptEncoding);
  let best: Encoding | undefined;
  let bestWeight = weights.get('identity') ?? 0;
  for (const encoding of encodings) {
    const weight = weights.get(encoding) ?? weights.get('*') ?? 0;
    const isBetter = best === undefined ? weight >= bestWeight : weight > bestWeight;
    if (weight > 0 && isBetter) {
      best = encoding;
      bestWeight = weight;
    }
  }
  return best;
}

function weightsOf(acceptEncoding: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const entry of acceptEncoding.split(',', entriesMax)) {
    const [name = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    const weight = Number(parameters.find((each) => each.startsWith('q='))?.slice(2) ?? 1);
    weights.set(name === 'x-gzip' ? 'gzip' : name, weight >= 0 && weight <= 1 ? weight : 0);
  }
  return weights;
}

const compressBrotli = promisify(brotliCompress);
const compressGzip = promisify(gzip);

export interface Encoder {
  encode(body: Buffer, encoding: Encoding): Promise<Buffer>;
}

/**
 * One body after the other, in a thread of the process's pool. The log's writes and syncs are done by
 * the same few threads: devices wait for their acknowledgements behind whatever else is there.
 */
export function createEncoder(): Encoder {
  const slots = createSlots(1);
  return {
    async encode(body, encoding) {
      await slots.take();
      try {
        return await (encoding === 'gzip'
          ? compressGzip(body)
          : compressBrotli(body, { params: brotliParameters }));
      } finally {
        slots.release();
      }
    },
  };
}
