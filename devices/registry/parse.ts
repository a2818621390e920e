import { z } from 'zod';
import { grantSchema, recipientSchema } from '../access-file.ts';
import {
  datastreamSchema,
  deploymentSchema,
  deviceSchema,
  ownerSchema,
  registryFileFormat,
  stationSchema,
} from '../registry-file.ts';
import type { Place, Problems } from './problems.ts';
import { deploymentKey, listOf, recordKinds, type RecordKind, type Records } from './records.ts';

/** One entry of the file, and where it stands. */
export interface At<Entry> {
  readonly place: Place;
  readonly entry: Entry;
}

/** One that has the right form. */
export interface Placed<Entry> extends At<Entry> {
  readonly key: string;
}

type EntryOf<Kind extends RecordKind> =
  Records[Kind] extends ReadonlyMap<string, infer Entry> ? Entry : never;

/** The entries of a file, by kind, and every id it mentions, also those of entries in wrong form. */
export interface ParsedFile {
  readonly entries: { readonly [Kind in RecordKind]: readonly Placed<EntryOf<Kind>>[] };
  /** What is right, member by member, in entries of wrong form: it is judged all the same. */
  readonly spoilt: { readonly [Kind in RecordKind]: readonly At<Partial<EntryOf<Kind>>>[] };
  readonly mentioned: Readonly<Record<RecordKind, ReadonlySet<string>>>;
}

/** The lists alone: each entry is then judged by itself, so that one wrong one hides no other. */
const listsSchema = z.strictObject({
  format: z.literal(registryFileFormat),
  owners: z.array(z.unknown()).optional(),
  stations: z.array(z.unknown()).optional(),
  datastreams: z.array(z.unknown()).optional(),
  devices: z.array(z.unknown()).optional(),
  deployments: z.array(z.unknown()).optional(),
  recipients: z.array(z.unknown()).optional(),
  grants: z.array(z.unknown()).optional(),
});

/** Reads the form of a file. Problems of form are added; what has the right form is returned. */
export function parseFile(content: unknown, entriesMax: number, problems: Problems): ParsedFile {
  const lists = listsSchema.safeParse(content);
  if (!lists.success) addIssues(problems, [], lists.error.issues);
  const count = recordKinds.reduce((sum, kind) => sum + rawList(content, kind).length, 0);
  const tooLarge = count > entriesMax;
  if (tooLarge) {
    problems.add([], 'DEVICES_FILE_TOO_LARGE', `${count} entries; at most ${entriesMax} a file`);
  }
  const mentioned = Object.fromEntries(
    recordKinds.map((kind) => [kind, tooLarge ? new Set<string>() : mentionedIds(content, kind)]),
  ) as Record<RecordKind, Set<string>>;
  const read = <Entry>(
    kind: RecordKind,
    schema: z.ZodType<Entry> & { readonly shape: z.ZodRawShape },
    keyOf: (entry: Entry) => string,
  ): List<Entry> =>
    tooLarge
      ? { placed: [], spoilt: [] }
      : readList(content, kind, { schema, shape: schema.shape, keyOf, problems });
  const owner = read('owner', ownerSchema, idOf);
  const station = read('station', stationSchema, idOf);
  const datastream = read('datastream', datastreamSchema, idOf);
  const device = read('device', deviceSchema, idOf);
  const deployment = read('deployment', deploymentSchema, deploymentKey);
  const recipient = read('recipient', recipientSchema, idOf);
  const grant = read('grant', grantSchema, idOf);
  return {
    mentioned,
    entries: {
      owner: owner.placed,
      station: station.placed,
      datastream: datastream.placed,
      device: device.placed,
      deployment: deployment.placed,
      recipient: recipient.placed,
      grant: grant.placed,
    },
    spoilt: {
      owner: owner.spoilt,
      station: station.spoilt,
      datastream: datastream.spoilt,
      device: device.spoilt,
      deployment: deployment.spoilt,
      recipient: recipient.spoilt,
      grant: grant.spoilt,
    },
  };
}

interface List<Entry> {
  readonly placed: Placed<Entry>[];
  readonly spoilt: At<Partial<Entry>>[];
}

function readList<Entry>(
  content: unknown,
  kind: RecordKind,
  how: {
    readonly schema: z.ZodType<Entry>;
    readonly shape: z.ZodRawShape;
    readonly keyOf: (entry: Entry) => string;
    readonly problems: Problems;
  },
): List<Entry> {
  const placed: Placed<Entry>[] = [];
  const spoilt: At<Partial<Entry>>[] = [];
  const seen = new Map<string, number>();
  for (const [index, raw] of rawList(content, kind).entries()) {
    const place = [listOf[kind], index];
    const parsed = how.schema.safeParse(raw);
    if (!parsed.success) {
      addIssues(how.problems, place, parsed.error.issues);
      spoilt.push({ place, entry: soundMembers(how.shape, raw) as Partial<Entry> });
      continue;
    }
    const key = how.keyOf(parsed.data);
    const first = seen.get(key);
    if (first === undefined) seen.set(key, index);
    else {
      how.problems.add(
        kind === 'deployment' ? place : [...place, 'id'],
        'DEVICES_ID_DUPLICATE',
        `${kind} ${key} stands already at /${listOf[kind]}/${first}`,
      );
      continue;
    }
    placed.push({ place, key, entry: parsed.data });
  }
  return { placed, spoilt };
}

/** The members of an entry that have the right form by themselves. */
function soundMembers(shape: z.ZodRawShape, raw: unknown): Record<string, unknown> {
  const sound: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(shape)) {
    const value = memberOf(raw, key);
    const parsed = value === undefined ? undefined : z.safeParse(schema, value);
    if (parsed?.success === true) sound[key] = parsed.data;
  }
  return sound;
}

function idOf(entry: { readonly id: string }): string {
  return entry.id;
}

function rawList(content: unknown, kind: RecordKind): readonly unknown[] {
  const list = memberOf(content, listOf[kind]);
  return Array.isArray(list) ? list : [];
}

function mentionedIds(content: unknown, kind: RecordKind): Set<string> {
  const ids = new Set<string>();
  for (const entry of rawList(content, kind)) {
    const id = memberOf(entry, 'id');
    if (typeof id === 'string') ids.add(id);
  }
  return ids;
}

function memberOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, key)?.value;
}

/** One problem for each issue, and for each key that does not belong there. */
function addIssues(problems: Problems, place: Place, issues: readonly z.core.$ZodIssue[]): void {
  for (const issue of issues) {
    const at: Place = [
      ...place,
      ...issue.path.map((step) => (typeof step === 'symbol' ? '' : step)),
    ];
    if (issue.code !== 'unrecognized_keys') {
      problems.add(at, 'DEVICES_FILE_SHAPE', issue.message);
      continue;
    }
    for (const key of issue.keys) {
      problems.add([...at, key], 'DEVICES_FILE_SHAPE', 'there is no such key here');
    }
  }
}
