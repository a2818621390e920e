/**
 * A network with hidden and granted things of every kind, each marked by canaries: texts and numbers
 * that occur nowhere else, in every field that could get out. Whoever adds a way to hide something
 * adds a thing here.
 */
import { createSeededRandom } from '../../devices/random.ts';

const random = createSeededRandom(41);

/** A text that no answer has by chance; a right id too. */
export function canaryText(): string {
  return `Canary${Buffer.from(random.bytes(12)).toString('hex')}`;
}

export const principals = [
  'anonymous',
  'reader',
  'recipient',
  'other recipient',
  'owner',
  'operator',
] as const;
export type PrincipalName = (typeof principals)[number];

export interface Thing {
  readonly what: string;
  readonly seenBy: ReadonlySet<PrincipalName>;
  /** Texts, and numbers as answers write them, that none but these may get. */
  readonly canaries: readonly string[];
  /** Ids by which somebody could ask for it; the observation's is added once it is published. */
  readonly ids: Ids;
}

interface Ids {
  readonly owner?: string;
  readonly station?: string;
  readonly datastream?: string;
  readonly dataset?: string;
  readonly grant?: string;
  readonly recipient?: string;
}

const all = new Set(principals);
const operators = new Set<PrincipalName>(['operator']);
const ofOwner = new Set<PrincipalName>(['owner', 'operator']);
const granted = new Set<PrincipalName>(['recipient', 'operator']);
const grantedOfOwner = new Set<PrincipalName>(['recipient', 'owner', 'operator']);

const owners: object[] = [];
const stations: object[] = [];
const datastreams: object[] = [];
const recipients: object[] = [];
const things: Thing[] = [];
/** The one row of a datastream: its result, and what its device sent. */
const results = new Map<string, { readonly result: number; readonly sent: string }>();
let count = 0;

function names() {
  return { vi: canaryText(), en: canaryText() };
}

function addOwner(what: string, seenBy: Thing['seenBy'], more: object = {}): string {
  const id = canaryText();
  const name = names();
  const [code, licence, attribution] = [canaryText(), canaryText(), canaryText()];
  owners.push({ id, name, kind: 'enterprise', code, licence, attribution, ...more });
  const canaries = [id, name.vi, name.en, code];
  // Terms are shown with every datastream that has none of its own.
  // Of the network: seen by whoever sees one of its datastreams, so by no others than see the owner.
  things.push({ what, seenBy, canaries, ids: { owner: id, dataset: `${id}~weather` } });
  return id;
}

function addStation(
  what: string,
  seenBy: Thing['seenBy'],
  owner: string,
  more: object = {},
): string {
  const id = canaryText();
  const name = names();
  const latitude = Number((10.135_791_3 + (count += 1) / 1_000).toFixed(7));
  const longitude = Number((105.864_297_5 + count / 1_000).toFixed(7));
  const place = { latitude, longitude, timeZone: 'Asia/Ho_Chi_Minh' };
  stations.push({ id, name, owner, ...place, class: 'enterprise', ...more });
  const canaries = [id, name.vi, name.en, String(latitude), String(longitude)];
  things.push({ what, seenBy, canaries, ids: { station: id } });
  return id;
}

function addDatastream(
  what: string,
  seenBy: Thing['seenBy'],
  station: string,
  more: { readonly property?: string; readonly visibility?: string } = {},
): string {
  const id = canaryText();
  const [slug, licence, attribution, sent] = [
    canaryText(),
    canaryText(),
    canaryText(),
    canaryText(),
  ];
  const form = { property: 'air-temperature', aggregation: 'instant', intervalMs: 600_000 };
  const { property } = { ...form, ...more };
  datastreams.push({ id, station, slug, licence, attribution, ...form, ...more });
  const result = 81_234_500.25 + (count += 1);
  results.set(id, { result, sent });
  const canaries = [id, slug, licence, attribution, sent, String(result)];
  things.push({
    what,
    seenBy,
    canaries,
    ids: { datastream: id, station, dataset: `${station}~${property}` },
  });
  return id;
}

function addRecipient(what: string): string {
  const id = canaryText();
  const name = names();
  const contact = canaryText();
  recipients.push({ id, name, kind: 'ministry', contact });
  const canaries = [id, name.vi, name.en, contact];
  things.push({ what, seenBy: operators, canaries, ids: { recipient: id } });
  return id;
}

/** A station with one datastream, all seen by the same. */
function addBoth(what: string, seenBy: Thing['seenBy'], owner: string, more: object = {}) {
  const station = addStation(`${what}: station`, seenBy, owner, more);
  return { station, datastream: addDatastream(`${what}: datastream`, seenBy, station) };
}

const closed = { visibility: 'recipients' };
const inTenYears = '2034-01-01T00:00:00Z';

const firm = addOwner('an owner that all see', all);
const ministry = addOwner('a hidden owner', operators, { visibility: 'internal' });
const bureau = addOwner('an owner with a hidden parent', all, { parent: ministry });
const bare = addOwner('an owner without stations, granted', granted, closed);
addOwner('an owner under embargo, without stations', operators, { embargoUntil: inTenYears });

const open = addBoth('open', all, firm);
const mixed = addStation('a station that all see, partly hidden', all, bureau);
addDatastream('open beside what is hidden', all, mixed);
addDatastream('internal in an open station', operators, mixed, { visibility: 'internal' });
addBoth('of a hidden owner', operators, ministry);
const internal = addBoth('internal', ofOwner, firm, { visibility: 'internal' });
addBoth('for recipients, granted to nobody', ofOwner, firm, closed);
addBoth('under embargo', operators, bureau, { embargoUntil: inTenYears });
const embargoed = addBoth('under embargo, granted', granted, bureau, { embargoUntil: inTenYears });
const byStation = addBoth('granted by station', grantedOfOwner, firm, closed);
const partly = addStation('granted by one datastream: station', grantedOfOwner, firm, closed);
const byDatastream = addDatastream('granted by datastream', grantedOfOwner, partly);
addDatastream('sibling of a granted one', ofOwner, partly);
const mill = addOwner('an owner granted by property', granted, closed);
const millStation = addStation('granted by property: station', granted, mill);
addDatastream('granted by property', granted, millStation, { property: 'pm2.5' });
addDatastream('of another property', operators, millStation, { property: 'co' });
const past = addBoth('with a grant withdrawn', ofOwner, firm, closed);
const future = addBoth('with a grant to come', ofOwner, firm, closed);
const asked = addBoth('asked for', ofOwner, firm, closed);

const reading = addRecipient('the recipient');
const other = addRecipient('the other recipient');

export interface WantedGrant {
  readonly to: string;
  readonly scope: object;
  readonly end: 'granted' | 'withdrawn' | 'requested' | 'to come';
}

const openly = ({ visibility: _hidden, embargoUntil: _until, ...entry }: Record<string, unknown>) =>
  entry;

/** Texts of a station and its datastream of when they were hidden; today all see both. */
const earlier: Thing[] = [];

function hiddenEarlier(entry: object): object {
  const [name, attribution, licence] = [names(), canaryText(), canaryText()];
  const canaries = [name.vi, name.en, attribution, licence];
  earlier.push({ what: 'what it was called while hidden', seenBy: ofOwner, canaries, ids: {} });
  const isStation = 'latitude' in entry;
  const texts = { attribution, licence, ...(isStation ? { name } : {}) };
  return { ...openly(entry as Record<string, unknown>), ...texts, visibility: 'internal' };
}

/** As it was before: what is hidden now was open, and what is open was hidden under other names. */
function networkBefore() {
  const before = (entries: readonly object[]) =>
    entries.map((entry) => {
      const { id, station } = entry as { readonly id: string; readonly station?: string };
      const isOpen = id === open.station || station === open.station;
      return isOpen ? hiddenEarlier(entry) : openly(entry as Record<string, unknown>);
    });
  return {
    format: 'quantrac-registry/1',
    owners: before(owners),
    stations: before(stations),
    datastreams: before(datastreams),
  };
}

/** All of the canaries: `recipients` and grants are made by the caller. */
export const canaries = {
  networkBefore: networkBefore(),
  network: { format: 'quantrac-registry/1', owners, stations, datastreams, recipients },
  things: things as readonly Thing[],
  /** Shown by questions as of the network before alone. */
  earlier: earlier as readonly Thing[],
  results: results as ReadonlyMap<string, { readonly result: number; readonly sent: string }>,
  firm,
  reading,
  other,
  grants: [
    { to: reading, scope: { owners: [bare] }, end: 'granted' },
    { to: reading, scope: { stations: [embargoed.station] }, end: 'granted' },
    { to: reading, scope: { stations: [byStation.station] }, end: 'granted' },
    { to: reading, scope: { datastreams: [byDatastream] }, end: 'granted' },
    { to: reading, scope: { owners: [mill], properties: ['pm2.5'] }, end: 'granted' },
    { to: reading, scope: { stations: [internal.station] }, end: 'granted' },
    { to: reading, scope: { stations: [past.station] }, end: 'withdrawn' },
    { to: reading, scope: { stations: [future.station] }, end: 'to come' },
    { to: other, scope: { stations: [asked.station] }, end: 'requested' },
  ] as readonly WantedGrant[],
} as const;
