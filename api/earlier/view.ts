/**
 * What a viewer is shown of the registry as of an earlier version. The rule, in four sentences:
 *
 * 1. Rights are of today, as for rows asked `asOf`: what the viewer may not see today does not exist
 *    for them, and what was hidden then and is open today is there.
 * 2. An item is there where it existed then; what came later makes nothing visible.
 * 3. Its fields are of then where the viewer was shown it then, else of today: asking for the past
 *    brings out no text, place or term that was never published to them.
 * 4. What may name a person is of today: of citizens as owners the name and attribution, of their
 *    stations and datastreams the same; a place is as coarse as it is today, or as it was then where
 *    that was coarser. A former owner that the viewer may not see today is named nowhere.
 *
 * So where rights have not changed since, it is what was answered then.
 */
import type { Datastream, Deployment, Owner, Station } from '../../devices/model.ts';
import type { Registry } from '../../devices/registry.ts';
import { ownerVisible, visible } from '../../devices/visible.ts';
import { openPublicRows } from '../../ingest/observations/public-row.ts';
import { assembleView, seesEmpty, type NetworkView } from '../network.ts';
import type { Viewer } from '../viewer.ts';

/** Entries between two yields: well below a millisecond of work. */
const entriesPerStep = 200;

interface Sides {
  readonly viewer: Viewer;
  /** What the viewer sees today. */
  readonly today: NetworkView;
  readonly past: Registry;
}

export function* earlierView(sides: Sides): Generator<undefined, NetworkView> {
  const { today, past } = sides;
  const isPerson = createPersons(sides);
  const series = yield* shownDatastreams(sides, isPerson);
  const stations = yield* shownStations(sides, { ...series, isPerson });
  const { owners, known } = shownOwners(sides, stations);
  const deployments = yield* shownDeployments(sides, series);
  const registry: Registry = {
    ...past,
    owners: known,
    stations: new Map(stations.shown.map((each) => [each.id, each])),
    datastreams: series.byId,
    deployments,
    bySeries: series.bySeries,
    // Of what the viewer sees alone; no door of the API asks for devices and channels.
    devices: new Map(),
    channelsOf: () => undefined,
  };
  return assembleView({
    rows: openPublicRows(registry),
    mask: series.mask,
    datastreams: [...series.byId.values()],
    byStation: series.byStation,
    stations: stations.shown,
    owners,
    seesExactly({ id }) {
      const station = today.registry.stations.get(id);
      return station !== undefined && today.seesExactly(station);
    },
  });
}

/** Whether an owner is, or was then, a person. */
type IsPerson = (ownerId: string | undefined) => boolean;

function createPersons({ today, past }: Sides): IsPerson {
  const isCitizen = (registry: Registry, id: string) => registry.owners.get(id)?.kind === 'citizen';
  return (id) => id !== undefined && (isCitizen(past, id) || isCitizen(today.registry, id));
}

interface Shown {
  /** By id, in that order. */
  readonly byId: ReadonlyMap<string, Datastream>;
  readonly byStation: ReadonlyMap<string, readonly Datastream[]>;
  readonly bySeries: readonly (Datastream | undefined)[];
  readonly mask: Uint8Array;
  /** Datastreams that are visible today, and were not to this viewer. */
  readonly unseen: ReadonlySet<string>;
  /** Stations of which the viewer was shown a datastream then. */
  readonly seenStations: ReadonlySet<string>;
}

function* shownDatastreams(sides: Sides, isPerson: IsPerson): Generator<undefined, Shown> {
  const { viewer, today, past } = sides;
  const byId = new Map<string, Datastream>();
  const byStation = new Map<string, Datastream[]>();
  const bySeries: (Datastream | undefined)[] = past.bySeries.map(() => undefined);
  const mask = new Uint8Array(bySeries.length);
  const unseen = new Set<string>();
  const seenStations = new Set<string>();
  let count = 0;
  for (const now of today.datastreams) {
    if ((count += 1) % entriesPerStep === 0) yield;
    const earlier = past.datastreams.get(now.id);
    if (earlier === undefined) continue;
    const wasSeen = visible(viewer.principal, earlier, past);
    if (wasSeen) seenStations.add(now.station);
    else unseen.add(now.id);
    const isPersons = isOfPerson(sides, now.station, isPerson);
    const ofThen = isPersons ? withAttribution(earlier, now) : earlier;
    const shown = wasSeen ? ofThen : now;
    byId.set(shown.id, shown);
    const ofStation = byStation.get(shown.station);
    if (ofStation === undefined) byStation.set(shown.station, [shown]);
    else ofStation.push(shown);
    bySeries[shown.series] = shown;
    mask[shown.series] = 1;
  }
  return { byId, byStation, bySeries, mask, unseen, seenStations };
}

/** A datastream keeps its station for ever; the station may have gone to another owner. */
function isOfPerson({ today, past }: Sides, stationId: string, isPerson: IsPerson): boolean {
  return (
    isPerson(past.stations.get(stationId)?.owner) ||
    isPerson(today.registry.stations.get(stationId)?.owner)
  );
}

/** The earlier entry with the attribution of today, also where there is none. */
function withAttribution<Entry extends { readonly attribution?: string }>(
  earlier: Entry,
  { attribution }: Entry,
): Entry {
  return Object.assign({}, earlier, { attribution });
}

function withTexts<Entry extends Owner | Station>(earlier: Entry, now: Entry): Entry {
  return { ...withAttribution(earlier, now), name: now.name };
}

function* shownStations(
  sides: Sides,
  { byStation, seenStations, isPerson }: Shown & { readonly isPerson: IsPerson },
): Generator<
  undefined,
  { readonly shown: readonly Station[]; readonly seen: ReadonlySet<string> }
> {
  const { viewer, today, past } = sides;
  const shown: Station[] = [];
  const seen = new Set<string>();
  let count = 0;
  for (const now of today.stations) {
    if ((count += 1) % entriesPerStep === 0) yield;
    const earlier = past.stations.get(now.id);
    if (earlier === undefined) continue;
    const isShown = byStation.has(now.id) || seesEmpty(viewer, now.id, today.registry);
    if (!isShown) continue;
    const wasSeen = seenStations.has(now.id) || seesEmpty(viewer, now.id, past);
    if (wasSeen) seen.add(now.id);
    const isOfThen = wasSeen && today.seesOwner(earlier.owner);
    shown.push(isOfThen ? coarser(personal(sides, earlier, now, isPerson), now) : now);
  }
  return { shown, seen };
}

function personal(sides: Sides, earlier: Station, now: Station, isPerson: IsPerson): Station {
  const isPersons = isOfPerson(sides, now.id, isPerson);
  return isPersons ? withTexts(earlier, now) : earlier;
}

function coarser(earlier: Station, { publicPrecisionMetres = 0 }: Station): Station {
  if (publicPrecisionMetres <= (earlier.publicPrecisionMetres ?? 0)) return earlier;
  return { ...earlier, publicPrecisionMetres };
}

/** `known` has the owners of shown stations too that came later: their terms are looked up there. */
function shownOwners(
  { viewer, today, past }: Sides,
  stations: { readonly shown: readonly Station[]; readonly seen: ReadonlySet<string> },
): { readonly owners: readonly Owner[]; readonly known: ReadonlyMap<string, Owner> } {
  const withStation = new Set(stations.shown.map(({ owner }) => owner));
  const withSeen = new Set([...stations.seen].flatMap((id) => past.stations.get(id)?.owner ?? []));
  const owners: Owner[] = [];
  const known = new Map<string, Owner>();
  for (const now of today.owners) {
    const earlier = past.owners.get(now.id);
    const isShown = withStation.has(now.id) || ownerVisible(viewer.principal, now, today.registry);
    if (!isShown) continue;
    const wasSeen =
      earlier !== undefined &&
      (withSeen.has(now.id) || ownerVisible(viewer.principal, earlier, past));
    const isPerson = now.kind === 'citizen' || earlier?.kind === 'citizen';
    const ofThen = isPerson && earlier !== undefined ? withTexts(earlier, now) : earlier;
    const shown = wasSeen && ofThen !== undefined ? ofThen : now;
    known.set(shown.id, shown);
    if (earlier !== undefined) owners.push(shown);
  }
  return { owners, known };
}

/** Of datastreams that were hidden then, as they are today: those that are found there again. */
function* shownDeployments(
  { today, past }: Sides,
  { byId, unseen }: Shown,
): Generator<undefined, readonly Deployment[]> {
  const shown: Deployment[] = [];
  const hidden: Deployment[] = [];
  let count = 0;
  for (const deployment of past.deployments) {
    if ((count += 1) % entriesPerStep === 0) yield;
    if (unseen.has(deployment.datastream)) hidden.push(deployment);
    else if (byId.has(deployment.datastream)) shown.push(deployment);
  }
  if (hidden.length === 0) return shown;
  const keys = new Set(hidden.map(deploymentKey));
  for (const deployment of today.registry.deployments) {
    if ((count += 1) % entriesPerStep === 0) yield;
    if (unseen.has(deployment.datastream) && keys.has(deploymentKey(deployment))) {
      shown.push(deployment);
    }
  }
  return shown;
}

function deploymentKey({ device, datastream, channel, fromAt }: Deployment): string {
  return JSON.stringify([device, datastream, channel, fromAt]);
}
