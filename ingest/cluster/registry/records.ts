/**
 * The topic `registry`: one partition, compacted, kept for ever. All of it is written under one
 * transactional id, so whoever writes has fenced everybody else and read to the end before.
 *
 *   key version/<n>/<part>   what version n wrote: its changeset, deflated and cut into parts, all of
 *                            one transaction. Header `head`, JSON: format, version, tables, previous,
 *                            digest, id, ends (devices/registry/changeset.ts), bytes (undeflated),
 *                            parts, node (who made it). A key of a version is written once.
 *   key identity             {storeId, partitions} of the installation, JSON, written once
 *   key node/<number>        the claim of a node, JSON; the newest counts
 *
 * The last two have the header `head` with the format alone.
 */
import { promisify } from 'node:util';
import { deflate, inflate } from 'node:zlib';
import { z } from 'zod';
import type { RegistryChangeset } from '../../../devices/registry/changeset.ts';
import type { KafkaRecord, OutgoingRecord } from '../../log/kafka/kafka.ts';
import { clusterRegistryError } from './errors.ts';

export const identityKey = 'identity';

/** Grows when a record means something that an older version would misunderstand. */
const recordFormat = 1;

/** Of a record's value: far below what topics take, so that a large version is many small records. */
export const partBytesMax = 524_288;

/** Of one version, undeflated: what a node makes room for because a record says so. */
const changesetBytesMax = 2_147_483_648;
const partsMax = 4_096;

const deflateAll = promisify(deflate);
const inflateAll = promisify(inflate);

const count = z.int().min(-1);
const headSchema = z.object({
  version: z.int().min(1),
  tables: z.int().min(1),
  previous: z.string(),
  digest: z.string(),
  id: z.string(),
  ends: z.object({ history: count, series: count, credential: count }),
  bytes: z.int().min(1).max(changesetBytesMax),
  parts: z.int().min(1).max(partsMax),
});

export type VersionHead = z.infer<typeof headSchema>;

/** What one record says. */
export type RegistryRecord =
  | { readonly kind: 'note'; readonly key: string; readonly value: string }
  | {
      readonly kind: 'part';
      readonly head: VersionHead;
      readonly part: number;
      readonly bytes: Buffer;
    };

export async function changesetRecords(
  changeset: RegistryChangeset,
  { topic, node }: { readonly topic: string; readonly node: number },
): Promise<OutgoingRecord[]> {
  const { bytes, ...chain } = changeset;
  const deflated = await deflateAll(bytes);
  const parts = Math.ceil(deflated.length / partBytesMax);
  const head = { format: recordFormat, ...chain, bytes: bytes.length, parts, node };
  return Array.from({ length: parts }, (_none, part) => ({
    topic,
    partition: 0,
    key: `version/${changeset.version}/${part}`,
    value: deflated.subarray(part * partBytesMax, (part + 1) * partBytesMax),
    headers: { head: JSON.stringify(head) },
  }));
}

export function noteRecord(topic: string, key: string, value: object): OutgoingRecord {
  const head = JSON.stringify({ format: recordFormat });
  return { topic, partition: 0, key, value: Buffer.from(JSON.stringify(value)), headers: { head } };
}

/** Throws CLUSTER_REGISTRY_NEWER or …_BROKEN with the offset. */
export function readRecord(record: KafkaRecord): RegistryRecord {
  const broken = (reason: string, cause?: unknown) =>
    clusterRegistryError('CLUSTER_REGISTRY_BROKEN', { offset: record.offset, reason }, cause);
  const { key, value } = record;
  if (key === null || value === null) throw broken('a record without key or value');
  const head = readHead(record, broken);
  if (head.format > recordFormat) {
    const fields = { offset: record.offset, format: head.format, newest: recordFormat };
    throw clusterRegistryError('CLUSTER_REGISTRY_NEWER', fields);
  }
  const [kind, version, part] = key.toString('utf8').split('/');
  if (kind !== 'version')
    return { kind: 'note', key: key.toString('utf8'), value: value.toString('utf8') };
  const parsed = headSchema.safeParse(head);
  if (!parsed.success) throw broken('a head that is none', parsed.error);
  if (String(parsed.data.version) !== version) throw broken('a key of another version');
  return { kind: 'part', head: parsed.data, part: Number(part), bytes: value };
}

function readHead(
  { headers }: KafkaRecord,
  broken: (reason: string, cause?: unknown) => Error,
): { readonly format: number } {
  const text = headers['head'];
  if (!Buffer.isBuffer(text)) throw broken('a record without head');
  try {
    return z.looseObject({ format: z.int().min(1) }).parse(JSON.parse(text.toString('utf8')));
  } catch (error) {
    throw broken('a head that is none', error);
  }
}

/** The whole of a version from its parts, in order. Rejects where they do not make one. */
export async function joinParts(
  head: VersionHead,
  parts: readonly Buffer[],
): Promise<RegistryChangeset> {
  const { bytes: size, parts: _parts, ...chain } = head;
  try {
    const bytes = await inflateAll(Buffer.concat(parts), { maxOutputLength: size });
    return { ...chain, bytes };
  } catch (error) {
    const fields = { version: head.version, reason: 'parts that make no whole' };
    throw clusterRegistryError('CLUSTER_REGISTRY_BROKEN', fields, error);
  }
}
