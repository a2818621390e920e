/** What a follower of changes wants, from the filters of its request. */
import { passesDatastream, passesStation, selectDatastreams, type Filter } from '../filter.ts';
import type { Networks, NetworkView } from '../network.ts';
import type { Viewer } from '../viewer.ts';
import type { Interest } from '../../ingest/feed/changes.ts';
import type { GroupView } from '../../ingest/feed/hub.ts';

/** Throws the 404 of an id that the filter names and the viewer does not see. */
export function requireInterest(view: NetworkView, filter: Filter): void {
  selectDatastreams(view, filter);
}

/**
 * The interest at the newest version of the registry, made anew only when that changes. A thing
 * that the filter names and that is gone or hidden by then lets nothing through.
 */
export function followInterest(
  networks: Networks,
  viewer: Viewer,
  filter: Filter,
): () => GroupView {
  let view: NetworkView | undefined;
  let made: GroupView | undefined;
  return () => {
    const current = networks.viewOf(viewer);
    if (made === undefined || view !== current) {
      view = current;
      made = { rows: current.rows, interest: interestOf(current, viewer, filter) };
    }
    return made;
  };
}

function interestOf(view: NetworkView, viewer: Viewer, filter: Filter): Interest {
  const mask = new Uint8Array(view.mask.length);
  for (const datastream of view.datastreams) {
    const station = view.registry.stations.get(datastream.station);
    if (station === undefined || !passesDatastream(filter, datastream)) continue;
    if (passesStation(view, filter, station)) mask[datastream.series] = 1;
  }
  return {
    principal: viewer.principal,
    mask,
    wants(datastream, registry) {
      const station = registry.stations.get(datastream.station);
      return (
        station !== undefined &&
        passesDatastream(filter, datastream) &&
        passesStation(view, filter, station)
      );
    },
  };
}
