/** What operators see of the network: who is connected, which station is alive, what devices said. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

import { readStationStatuses, stationStates, type StationStatus } from '../admin/stations.ts';
import type { ApiContext } from '../context.ts';
import { apiError } from '../errors.ts';
import type { ReadConnections, ReadHealth } from '../health.ts';
import { described, id, instantText, limit } from './admin-route.ts';
import { adminAnswers } from '../description/admin-schemas.ts';

export interface StateRoutes {
  readonly readHealth: ReadHealth;
  readonly readConnections: ReadConnections;
}

export function addState(app: FastifyInstance, context: ApiContext, admin: StateRoutes): void {
  app.get(
    '/connections',
    {
      schema: described('Who is connected.', {
        querystring: z.strictObject({ limit }),
        answer: adminAnswers.connections,
      }),
    },
    async (request) => {
      const rows = await admin.readConnections((request.query as { limit: number }).limit);
      return {
        items: rows.map(({ connectedAt, heardAt, ...row }) => ({
          ...row,
          connectedAt: instantText(connectedAt),
          heardAt: instantText(heardAt),
        })),
      };
    },
  );
  app.get(
    '/health',
    { schema: described('What each room says of itself.', { answer: adminAnswers.health }) },
    async () => ({
      items: await admin.readHealth(),
    }),
  );
  addStations(app, context);
  addControl(app, context);
}

function addStations(app: FastifyInstance, context: ApiContext): void {
  const stationsQuery = z.strictObject({ state: z.enum(stationStates).optional() });
  app.get(
    '/stations',
    {
      schema: described('Which station is alive, late, silent or wrong.', {
        querystring: stationsQuery,
        answer: adminAnswers.stations,
      }),
    },
    (request) => {
      const { state } = request.query as z.infer<typeof stationsQuery>;
      const all = readStationStatuses(
        context.registry.current(),
        context.store,
        context.clock.now(),
      );
      const counts = Object.fromEntries(
        stationStates.map((name) => [name, all.filter((each) => each.state === name).length]),
      );
      const wanted = all.filter((each) => state === undefined || each.state === state);
      return { counts, items: wanted.map((each) => stationObject(each)) };
    },
  );
}

function stationObject({ newestAt, series, ...status }: StationStatus): object {
  return {
    ...status,
    newestAt: optionalText(newestAt),
    series: series.map((each) => ({ ...each, newestAt: optionalText(each.newestAt) })),
  };
}

function optionalText(at: number | null): string | null {
  return at === null ? null : instantText(at);
}

function addControl(app: FastifyInstance, context: ApiContext): void {
  const deviceParams = z.strictObject({ device: id });
  app.get(
    '/devices/:device/control',
    {
      schema: described('States, births and last wills of a device, newest first.', {
        params: deviceParams,
        querystring: z.strictObject({ limit }),
        answer: adminAnswers.control,
      }),
    },
    (request) => {
      const { device } = request.params as z.infer<typeof deviceParams>;
      const query = request.query as { limit: number };
      if (!context.registry.current().devices.has(device)) {
        throw apiError('API_NOT_FOUND', { parameter: 'device' });
      }
      const entries = context.store.control({ device, limit: query.limit });
      return {
        items: entries.map((each) => ({ ...each, receivedAt: instantText(each.receivedAt) })),
      };
    },
  );
}
