/** `/stations`, `/datastreams`, `/properties`, `/owners`, `/deployments`: what is measured, where, by whom. */
import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';

import type { ApiContext } from '../context.ts';
import { examples } from '../description/examples.ts';
import {
  datastreamSchema,
  deploymentSchema,
  ownerSchema,
  propertySchema,
  stationSchema,
} from '../description/schemas.ts';
import { filterQuery, readFilter, selectDatastreams, selectStations } from '../filter.ts';
import {
  deploymentSteps,
  deploymentTable,
  deploymentsOf,
  findDeployment,
} from '../formats/deployment-table.ts';
import { listFormats, mapFormats } from '../formats/format.ts';
import {
  datastreamTable,
  ownerTable,
  propertyTable,
  stationTable,
} from '../formats/registry-tables.ts';
import type { NetworkView } from '../network.ts';
import { addKind, asOfQuery, type Named } from './things.ts';

type Query = z.infer<z.ZodObject<typeof filterQuery>>;

/** `asOf`: as `../earlier/view.ts` says. */
const datedQuery = { ...filterQuery, ...asOfQuery } as const;

export function addRegistryLists(app: FastifyInstance, context: ApiContext): void {
  addKind(app, context, {
    path: '/stations',
    summary: 'Stations, by id.',
    query: datedQuery,
    schema: stationSchema,
    example: examples.station,
    offered: mapFormats,
    unknown: 'API_STATION_UNKNOWN',
    table: stationTable,
    select: (view, query, valuesMax) => selectStations(view, readFilter(query, valuesMax)),
    find: (view, id) => (view.seesStation(id) ? view.registry.stations.get(id) : undefined),
  });
  addKind(app, context, {
    path: '/datastreams',
    summary: 'Datastreams, by id.',
    query: datedQuery,
    schema: datastreamSchema,
    example: examples.datastream,
    offered: mapFormats,
    unknown: 'API_DATASTREAM_UNKNOWN',
    table: datastreamTable,
    select: (view, query, valuesMax) => selectDatastreams(view, readFilter(query, valuesMax)),
    find(view, id) {
      const datastream = view.registry.datastreams.get(id);
      return datastream !== undefined && view.sees(datastream.series) ? datastream : undefined;
    },
  });
  addMeasured(app, context);
  addOwners(app, context);
}

/** What is measured, and with what. */
function addMeasured(app: FastifyInstance, context: ApiContext): void {
  addKind(app, context, {
    path: '/properties',
    summary:
      'Observed properties, by id; with a filter, those that it lets datastreams of through.',
    query: datedQuery,
    schema: propertySchema,
    example: examples.property,
    offered: listFormats,
    unknown: 'API_PROPERTY_UNKNOWN',
    table: propertyTable,
    select(view, query, valuesMax) {
      const used = usedBy(view, query, valuesMax, (datastream) => datastream.property);
      return sortedById(view.registry.properties.values()).filter(
        ({ id }) => used?.has(id) ?? true,
      );
    },
    find: (view, id) => view.registry.properties.get(id),
  });
  addKind(app, context, {
    path: '/deployments',
    summary: 'Deployments, by id: since when and until when an instrument has served a datastream.',
    query: datedQuery,
    schema: deploymentSchema,
    example: examples.deployment,
    offered: listFormats,
    unknown: 'API_DEPLOYMENT_UNKNOWN',
    table: deploymentTable,
    select: (view, query, valuesMax) =>
      deploymentsOf(view, selectDatastreams(view, readFilter(query, valuesMax))),
    find: findDeployment,
    prepare: ({ registry }) => deploymentSteps(registry),
  });
}

function addOwners(app: FastifyInstance, context: ApiContext): void {
  addKind(app, context, {
    path: '/owners',
    summary: 'Owners, by id; with a filter, those of the stations that it lets through.',
    query: datedQuery,
    schema: ownerSchema,
    example: examples.owner,
    offered: listFormats,
    unknown: 'API_OWNER_UNKNOWN',
    table: ownerTable,
    select(view, query, valuesMax) {
      if (isUnfiltered(query)) return view.owners;
      const stations = selectStations(view, readFilter(query, valuesMax));
      const used = new Set(stations.map((station) => station.owner));
      return view.owners.filter(({ id }) => used.has(id));
    },
    find: (view, id) => (view.seesOwner(id) ? view.registry.owners.get(id) : undefined),
  });
}

function isUnfiltered(query: Query): boolean {
  return Object.keys(filterQuery).every((name) => query[name as keyof Query] === undefined);
}

function usedBy(
  view: NetworkView,
  query: Query,
  valuesMax: number,
  nameOf: (datastream: { readonly property: string }) => string,
): ReadonlySet<string> | null {
  if (isUnfiltered(query)) return null;
  return new Set(selectDatastreams(view, readFilter(query, valuesMax)).map(nameOf));
}

function sortedById<Item extends Named>(items: Iterable<Item>): Item[] {
  return [...items].sort((a, b) => (a.id < b.id ? -1 : 1));
}
