/** `/qualities` and `/terms`: what flags, tests, qualifiers, reasons and columns mean. */
import type { FastifyInstance } from 'fastify';

import type { ApiContext } from '../context.ts';
import { examples } from '../description/examples.ts';
import { qualitySchema, termSchema } from '../description/schemas.ts';
import { listFormats } from '../formats/format.ts';
import { listQualities, listTerms, qualityTable, termTable } from '../formats/word-tables.ts';
import { addKind } from './things.ts';

export function addWordLists(app: FastifyInstance, context: ApiContext): void {
  const qualities = listQualities();
  const terms = listTerms();
  addKind(app, context, {
    path: '/qualities',
    summary:
      'What is said of quality: flags, tests by the place of their digit, qualifiers, reasons.',
    query: {},
    schema: qualitySchema,
    example: examples.quality,
    offered: listFormats,
    unknown: 'API_QUALITY_UNKNOWN',
    table: (_view, base) => qualityTable(base),
    select: () => qualities,
    find: (_view, id) => qualities.find((each) => each.id === id),
  });
  addKind(app, context, {
    path: '/terms',
    summary: 'What the columns of all lists mean, by name.',
    query: {},
    schema: termSchema,
    example: examples.term,
    offered: listFormats,
    unknown: 'API_TERM_UNKNOWN',
    table: (_view, base) => termTable(base),
    select: () => terms,
    find: (_view, id) => terms.find((each) => each.id === id),
  });
}
