import type {
  FileDatastream,
  FileDeployment,
  FileDevice,
  FileOwner,
  FileStation,
  RegistryFile,
} from '../registry-file.ts';
import type { FileGrant, FileRecipient } from '../access-file.ts';
import { parseInstant } from '../instant.ts';

/**
 * The entries of the registry as the file wrote them, by kind and key. They are what the history
 * holds and what an export gives back; `compile.ts` makes the model of them.
 */
export interface Records {
  readonly owner: ReadonlyMap<string, FileOwner>;
  readonly station: ReadonlyMap<string, FileStation>;
  readonly datastream: ReadonlyMap<string, FileDatastream>;
  readonly device: ReadonlyMap<string, FileDevice>;
  readonly deployment: ReadonlyMap<string, FileDeployment>;
  readonly recipient: ReadonlyMap<string, FileRecipient>;
  readonly grant: ReadonlyMap<string, FileGrant>;
  /** How far the rules of time were followed, ms UTC; no entry of the file. */
  readonly ruledAt: number;
}

export type RecordKind = (typeof recordKinds)[number];

/** In the order of the file, which is also the order in which one may refer to another. */
export const recordKinds = [
  'owner',
  'station',
  'datastream',
  'device',
  'deployment',
  'recipient',
  'grant',
] as const;

/** Kind and id of the one row of history that says how far the rules of time were followed. */
export const timeKind = 'time';
export const timeId = 'ruled';

/** The member of the file that holds the entries of a kind. */
export const listOf = {
  owner: 'owners',
  station: 'stations',
  datastream: 'datastreams',
  device: 'devices',
  deployment: 'deployments',
  recipient: 'recipients',
  grant: 'grants',
} as const satisfies Record<RecordKind, keyof RegistryFile>;

export const emptyRecords: Records = {
  owner: new Map(),
  station: new Map(),
  datastream: new Map(),
  device: new Map(),
  deployment: new Map(),
  recipient: new Map(),
  grant: new Map(),
  ruledAt: 0,
};

/**
 * What a deployment is: device, channel, datastream and beginning. The beginning counts as an
 * instant, however it is written; a date counts as that date.
 */
export function deploymentKey(deployment: FileDeployment): string {
  const from = parseInstant(deployment.from) ?? deployment.from;
  return `${deployment.device}/${deployment.datastream}@${from}/${deployment.channel}`;
}

/** One text for one value, whatever the order of its keys. */
export function stableText(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(
      Object.entries(member).toSorted(([left], [right]) => (left < right ? -1 : 1)),
    );
  });
}

/** What the first version of the format had; older readers know no other list. */
type WholeFile = Required<Omit<RegistryFile, 'recipients' | 'grants'>> & RegistryFile;

/** The registry file of these entries, each list sorted by key. */
export function fileOf(records: Records): WholeFile {
  return {
    format: 'quantrac-registry/1',
    owners: sorted(records.owner),
    stations: sorted(records.station),
    datastreams: sorted(records.datastream),
    devices: sorted(records.device),
    deployments: sorted(records.deployment),
    ...(records.recipient.size === 0 ? {} : { recipients: sorted(records.recipient) }),
    ...(records.grant.size === 0 ? {} : { grants: sorted(records.grant) }),
  };
}

function sorted<Entry>(entries: ReadonlyMap<string, Entry>): Entry[] {
  return [...entries]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([, entry]) => entry);
}
