import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

import type { Rank, ObservationRow } from '../../ingest/observation.ts';
import { decodeObservationId } from '../../ingest/observations/observation-id.ts';
import type { PublicRows } from '../../ingest/observations/public-row.ts';
import { publicCause } from '../../ingest/observations/withdrawn.ts';
import { countRows, touchSelection } from '../access/meter.ts';
import type { ApiContext } from '../context.ts';
import { examples } from '../description/examples.ts';
import { conditionalHeaders, objectReplies, validatedHeaders } from '../description/replies.ts';
import { detailSchema } from '../description/schemas.ts';
import { apiError } from '../errors.ts';
import { explain } from '../explanation.ts';
import { addLink, licenceLinks } from '../limits/links.ts';
import { answerObject } from '../object-answer.ts';
import { viewerOf } from '../viewer.ts';
import { isUnchanged } from './unchanged.ts';

/** `/observations/{id}`: the row with everything that is known about it. */
export function addObservation(app: FastifyInstance, context: ApiContext): void {
  const params = z.strictObject({ id: z.string().min(1).max(200) });
  app.get(
    '/observations/:id',
    {
      schema: {
        summary: 'One observation: its revisions, raw value, tests and place in the log.',
        params,
        querystring: z.strictObject({}),
        headers: conditionalHeaders,
        response: objectReplies(detailSchema, {
          description: 'The observation.',
          headers: validatedHeaders,
          example: examples.detail,
          problems: ['API_OBSERVATION_UNKNOWN', 'API_ADDRESS_TOO_LONG'],
        }),
        tags: ['readings'],
      },
    },
    async (request, reply) => {
      const viewer = viewerOf(context.registry, request.headers.authorization);
      const view = context.networks.viewOf(viewer);
      const { id } = request.params as z.infer<typeof params>;
      const key = decodeObservationId(id, view.registry);
      const { position } = context.store;
      if (key === undefined || !view.sees(key.series)) {
        throw apiError('API_OBSERVATION_UNKNOWN', { parameter: 'id' });
      }
      // Read in one turn of the event loop with the position.
      const held = context.store.revisions(key);
      const moment = await context.places.at(position);
      const revisions = await context.questions.revisions(key, held, moment);
      const current = revisions.find((row) => row.current) ?? revisions[0];
      if (current === undefined) throw apiError('API_OBSERVATION_UNKNOWN', { parameter: 'id' });
      const { series } = current;
      countRows(request, 1);
      const datastream = view.registry.bySeries[series];
      touchSelection(request, view, { datastream: datastream?.id });
      if (datastream !== undefined) addLink(reply, licenceLinks(view, [datastream]));
      return answerObject(context, request, reply, {
        viewer,
        registryVersion: view.registry.version,
        moment,
        intervalMs: view.rows.context(series)?.datastream.intervalMs,
        unchangedSince: (pins) => isUnchanged(context, series, pins),
        text: (cursor) => JSON.stringify({ ...detailOf(view.rows, current, revisions), cursor }),
      });
    },
  );
}

function detailOf(
  rows: PublicRows,
  current: ObservationRow,
  revisions: readonly ObservationRow[],
): object {
  return {
    ...keptObject(rows, current),
    explanation: explain(current.verdict.tests),
    revisions: revisions.map((row) => ({ ...keptObject(rows, row), isCurrent: row === current })),
  };
}

function keptObject(rows: PublicRows, row: ObservationRow): object {
  const publishedAt = rows.context(row.series)?.time.text(row.publishedAt);
  return {
    ...(JSON.parse(rows.rawText(row) ?? '{}') as object),
    type: row.type,
    cause: publicCause(row.cause),
    publishedAt,
    rules: row.verdict.rules,
    reading: placeOf(row.rank),
  };
}

function placeOf({ node, position }: Rank): object {
  return { node, position };
}
