/**
 * What a batch means to a follower: its items, in an order that depends on the batch alone, so that
 * (position, index) is the same place for everybody.
 *
 *   items = datastreams whose visibility a registry marker of the batch changed, by id
 *         , then the batch's current rows, in order of decision
 *
 * In a copy of partitions, a batch has only the datastreams of its own partition.
 */
import { covers, type GrantInForce } from '../../devices/access.ts';
import type { Datastream } from '../../devices/model.ts';
import type { Registry } from '../../devices/registry.ts';
import { visibilityOf, visible, type Principal } from '../../devices/visible.ts';
import { partitionOf } from '../cluster/partition-of.ts';
import type { Batch } from '../observations/batch.ts';
import type { PublicRows } from '../observations/public-row.ts';
import { publicCause } from '../observations/withdrawn.ts';
import type { ObservationRow } from '../observation.ts';

/** A datastream that one version of the registry shows differently from the one before. */
interface DatastreamChange {
  readonly datastream: Datastream;
  readonly before: Registry;
  readonly after: Registry;
}

export type FeedItem =
  | { readonly kind: 'row'; readonly row: ObservationRow }
  | { readonly kind: 'datastream'; readonly change: DatastreamChange };

/** Whose eyes, and which series: what one follower wants. */
export interface Interest {
  readonly principal: Principal;
  /** By internal number of the series: 1 where the follower sees and wants it. */
  readonly mask: Uint8Array;
  /** Whether the filter lets the datastream through, however visible it is. */
  wants(datastream: Datastream, registry: Registry): boolean;
}

/** Looks up a version of the registry; undefined where it cannot be read. */
export type RegistryAt = (version: number) => Registry | undefined;

export function itemsOf(batch: Batch, registryAt: RegistryAt): readonly FeedItem[] {
  const items: FeedItem[] = [];
  for (const entry of batch.control) {
    if (entry.kind !== 'registry') continue;
    for (const change of markerChanges(entry.text, registryAt)) {
      if (isElsewhere(change.datastream, batch)) continue;
      items.push({ kind: 'datastream', change });
    }
  }
  for (const row of batch.rows) {
    if (row.current) items.push({ kind: 'row', row });
  }
  return items;
}

/** Every partition has the marker: the change stands once, in order with the rows of the datastream. */
function isElsewhere({ station }: Datastream, { place }: Batch): boolean {
  return place !== undefined && partitionOf(station, place.positions.length) !== place.partition;
}

/** The item as JSON, or undefined when it is none of the follower's business. */
export function changeText(
  item: FeedItem,
  cursor: string,
  interest: Interest,
  rows: PublicRows,
): string | undefined {
  if (item.kind === 'row') {
    return interest.mask[item.row.series] === 1 ? rowChange(item.row, cursor, rows) : undefined;
  }
  const { datastream, before, after } = item.change;
  if (!interest.wants(datastream, before)) return undefined;
  const wasVisible = visible(interest.principal, datastream, before);
  const now = after.datastreams.get(datastream.id);
  const isVisible = now !== undefined && visible(interest.principal, now, after);
  if (wasVisible === isVisible) return undefined;
  return JSON.stringify({
    cursor,
    type: 'datastream',
    cause: 'visibility',
    datastream: datastream.id,
    visible: isVisible,
  });
}

export function rowChange(row: ObservationRow, cursor: string, rows: PublicRows): string {
  const observation = rows.text(row) ?? 'null';
  return (
    `{"cursor":"${cursor}","type":"${row.type}","cause":"${publicCause(row.cause)}",` +
    `"observation":${observation}}`
  );
}

/** A marker names its version, and the one before where versions without a marker lie between. */
function markerChanges(text: string, registryAt: RegistryAt): readonly DatastreamChange[] {
  const version = readNumber(text, 'version');
  if (version === undefined) return [];
  const previous = readNumber(text, 'previous') ?? version - 1;
  // Before the first version nothing was shown that could be hidden.
  if (previous < 1) return [];
  const before = registryAt(previous);
  const after = registryAt(version);
  if (before === undefined || after === undefined) return [];
  const grants = changedGrants(before, after);
  return [...before.datastreams.values()]
    .filter(
      (datastream) =>
        isShownDifferently(datastream, before, after) ||
        grants.some((grant) => covers(grant, datastream, ownerOf(after, datastream.station))),
    )
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((datastream) => ({ datastream, before, after }));
}

function isShownDifferently(datastream: Datastream, before: Registry, after: Registry): boolean {
  const now = after.datastreams.get(datastream.id);
  if (now === undefined) return true;
  if (visibilityOf(before, datastream) !== visibilityOf(after, now)) return true;
  return ownerOf(before, datastream.station) !== ownerOf(after, now.station);
}

function ownerOf(registry: Registry, station: string): string | undefined {
  return registry.stations.get(station)?.owner;
}

/** In force in one of the versions only: what they cover some reader sees, and in the other not. */
function changedGrants({ access: before }: Registry, { access: after }: Registry): GrantInForce[] {
  const isIn = ({ inForce }: Registry['access'], recipient: string, { id, text }: GrantInForce) =>
    (inForce.get(recipient) ?? []).some((each) => each.id === id && each.text === text);
  const onlyIn = (one: Registry['access'], other: Registry['access']) =>
    [...one.inForce].flatMap(([recipient, grants]) =>
      grants.filter((grant) => !isIn(other, recipient, grant)),
    );
  return [...onlyIn(before, after), ...onlyIn(after, before)];
}

function readNumber(text: string, name: string): number | undefined {
  const digits = new RegExp(`"${name}":\\s*(\\d{1,15})[,}\\s]`).exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
