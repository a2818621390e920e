/**
 * Which partition a key belongs to: murmur2 over its UTF-8 bytes, as Kafka's own producers choose it
 * (`org.apache.kafka.common.utils.Utils.murmur2`, made positive, modulo the partitions), so that
 * another program that writes with the same key meets the same partition.
 */
const seed = 0x9747b28c;
const multiplier = 0x5bd1e995;

/** From 0 to `partitions` - 1. */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key, 'utf8')) & 0x7fffffff) % partitions;
}

function murmur2(data: Buffer): number {
  const { length } = data;
  let hash = seed ^ length;
  const whole = length - (length % 4);
  for (let at = 0; at < whole; at += 4) {
    hash = Math.imul(hash, multiplier) ^ mix(data.readInt32LE(at));
  }
  let rest = 0;
  for (let at = length - 1; at >= whole; at--) rest = (rest << 8) | data[at]!;
  if (length > whole) hash = Math.imul(hash ^ rest, multiplier);
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return hash ^ (hash >>> 15);
}

function mix(word: number): number {
  const scrambled = Math.imul(word, multiplier);
  return Math.imul(scrambled ^ (scrambled >>> 24), multiplier);
}
