import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

import type { Rank, ObservationRow } from '../../ingest/observation.ts';
import { decodeObservationId } from '../../ingest/observations/observation-id.ts';
import type { PublicRows } from '../../ingest/observations/public-row.ts';
import { publicCause } from '../../ingest/observations/withdrawn.ts';
import { countRows, touchSelection } from '../access/meter.ts';
import { readAsOf } from '../as-of.ts';
import type { ApiContext } from '../context.ts';
import { examples } from '../description/examples.ts';
import { conditionalHeaders, objectReplies, validatedHeaders } from '../description/replies.ts';
import { detailSchema } from '../description/schemas.ts';
import { apiError } from '../errors.ts';
import { explain } from '../explanation.ts';
import { readInstant } from '../instant.ts';
import { addLink, licenceLinks } from '../limits/links.ts';
import { answerObject } from '../object-answer.ts';
import { viewerOf } from '../viewer.ts';
import { timeQuery } from './observations.ts';
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
        querystring: z.strictObject({ asOf: timeQuery.asOf }),
        headers: conditionalHeaders,
        response: objectReplies(detailSchema, {
          description: 'The observation.',
          headers: validatedHeaders,
          example: examples.detail,
          problems: [
            'API_OBSERVATION_UNKNOWN',
            'API_ADDRESS_TOO_LONG',
            'API_AS_OF_FUTURE',
            'API_UNAVAILABLE',
          ],
        }),
        tags: ['readings'],
      },
    },
    async (request, reply) => {
      const viewer = viewerOf(context.registry, request.headers.authorization);
      const view = context.networks.viewOf(viewer);
      const { id } = request.params as z.infer<typeof params>;
      const { asOf } = request.query as { readonly asOf?: string };
      const key = decodeObservationId(id, view.registry);
      if (key === undefined || !view.sees(key.series)) {
        throw apiError('API_OBSERVATION_UNKNOWN', { parameter: 'id' });
      }
      const told = asOf === undefined ? undefined : await readAsOf(context, asOf);
      // Read in one turn of the event loop with the position.
      const { position } = context.store;
      const held = context.store.revisions(key);
      const moment = await context.places.at(position);
      const kept = await context.questions.revisions(key, held, moment);
      const revisions = asOf === undefined ? kept : publishedBy(kept, readInstant(asOf, 'asOf'));
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
        moment: told ?? moment,
        intervalMs: view.rows.context(series)?.datastream.intervalMs,
        unchangedSince: (pins) => isUnchanged(context, series, pins),
        text: (cursor) => JSON.stringify({ ...detailOf(view.rows, current, revisions), cursor }),
      });
    },
  );
}

/** What was published by then; current is the newest revision of it, those that came late are none. */
function publishedBy(kept: readonly ObservationRow[], at: number): readonly ObservationRow[] {
  const published = kept.filter(({ publishedAt }) => publishedAt <= at);
  const newest = Math.max(...published.map(({ revision }) => revision));
  const isCurrent = (row: ObservationRow) => row.revision === newest && newest >= 0;
  return published
    .map((row) => ({ ...row, current: isCurrent(row) }))
    .sort((one, other) => Number(other.current) - Number(one.current));
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
