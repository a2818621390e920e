import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

import type { Rank, ObservationRow } from '../../ingest/observation.ts';
import { decodeObservationId } from '../../ingest/observations/observation-id.ts';
import type { PublicRows } from '../../ingest/observations/public-row.ts';
import { publicCause } from '../../ingest/observations/withdrawn.ts';
import { testIds, type TestId } from '../../ingest/quality.ts';
import type { ApiContext } from '../context.ts';
import { apiError } from '../errors.ts';
import { answerObject } from '../object-answer.ts';
import { viewerOf } from '../viewer.ts';
import { isUnchanged } from './observations.ts';
import { detailSchema, objectReplies } from './schemas.ts';

const meanings: Readonly<Record<TestId, string>> = {
  syntax: 'The value has the form that its format demands.',
  location: 'The place that the reading gives is possible.',
  time: "The device's time is plausible beside the time of receipt.",
  duplicate: 'No other value claims the same instant.',
  sensorRange: 'The value is within what the sensor can report.',
  climatology: 'The value is within what the season has seen.',
  spike: 'The value does not leap away from both its neighbours.',
  rateOfChange: 'The value does not change faster than nature does.',
  flatLine: 'The value has moved within the time in which it should.',
  attenuated: 'The values vary as much as they should.',
  gap: 'No gap lies before the value.',
  multivariate: 'The value agrees with the other properties of the station.',
  buddy: 'The value agrees with the neighbouring stations.',
  seasonal: 'The value fits the seasonal course of its series.',
  deviceStatus: 'The device reported no fault of its own.',
  drift: 'The series has not drifted from its reference.',
};

const digits: Readonly<Record<string, string>> = {
  '1': 'passed',
  '2': 'not evaluated',
  '3': 'suspect',
  '4': 'failed',
  '9': 'missing value',
};

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
        response: objectReplies(detailSchema, 'The observation.'),
        tags: ['readings'],
      },
    },
    async (request, reply) => {
      const viewer = viewerOf(context.registry, request.headers.authorization);
      const view = context.networks.viewOf(viewer);
      const { id } = request.params as z.infer<typeof params>;
      const key = decodeObservationId(id, view.registry);
      const revisions =
        key === undefined || !view.sees(key.series) ? [] : context.store.revisions(key);
      const current = revisions.find((row) => row.current) ?? revisions[0];
      if (current === undefined) throw apiError('API_OBSERVATION_UNKNOWN', { parameter: 'id' });
      const { series } = current;
      return answerObject(context, request, reply, {
        viewer,
        intervalMs: view.rows.context(series)?.datastream.intervalMs,
        unchangedSince: (position) => isUnchanged(context, series, position),
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

function explain(tests: string): object[] {
  return testIds.map((test, place) => {
    const digit = tests.charAt(place);
    return {
      test,
      digit: Number(digit),
      meaning: `${meanings[test]} Here: ${digits[digit] ?? 'unknown'}.`,
    };
  });
}
