/** The access log and the sums of it, for operators to take elsewhere: NDJSON, or CSV. */
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

import { dateTime } from '../../devices/file-fields.ts';
import { isDate, parseInstant } from '../../devices/instant.ts';
import { problemReplies } from '../description/replies.ts';
import { badParameter } from '../errors.ts';
import { chooseFormat, mediaTypes, type Format } from '../formats/format.ts';
import { id, instantText } from '../routes/admin-route.ts';
import type { LoggedRequest, MeteredDay } from './log-store.ts';
import type { AccessLog } from './log.ts';

const offered = ['ndjson', 'csv'] as const satisfies readonly Format[];
const format = z.enum(offered).optional().describe('Overrides Accept; without both, ndjson.');
const key = id.optional().describe('Id of a token: only what was done with it.');
const day = z.string().refine(isDate, 'must be a date, YYYY-MM-DD').optional();

const requestColumns = [
  'at',
  'key',
  'path',
  'status',
  'rows',
  'bytes',
  'door',
  'requests',
] as const;
const dayColumns = ['day', 'key', 'kind', 'resource', 'requests', 'rows', 'bytes'] as const;

export function addAccessLog(app: FastifyInstance, log: AccessLog): void {
  const requestQuery = z.strictObject({
    from: dateTime.optional(),
    to: dateTime.optional().describe('Exclusive.'),
    key,
    format,
  });
  app.get(
    '/access-log',
    {
      compress: false,
      schema: describedExport('Each request made with a key.', requestQuery, rowsTold),
    },
    async (request, reply) => {
      const { from, to, key: of } = request.query as z.infer<typeof requestQuery>;
      const fromAt = from === undefined ? 0 : (parseInstant(from) ?? 0);
      const toAt = to === undefined ? Number.MAX_SAFE_INTEGER : (parseInstant(to) ?? 0);
      if (toAt <= fromAt) throw badParameter('to', 'an instant after `from`');
      await log.gather();
      const pages = log.requests({ fromAt, toAt, key: of });
      return sendPages(request, reply, {
        columns: requestColumns,
        pages,
        rowOf: (row: LoggedRequest) => ({ ...row, at: instantText(row.at) }),
      });
    },
  );
  const dayQuery = z.strictObject({ from: day, to: day.describe('Inclusive.'), key, format });
  app.get(
    '/metering',
    { compress: false, schema: describedExport('Sums of each key, day and resource.', dayQuery) },
    async (request, reply) => {
      const {
        from: fromDay = '',
        to: toDay = '9999-12-31',
        key: of,
      } = request.query as z.infer<typeof dayQuery>;
      if (toDay < fromDay) throw badParameter('to', 'a day that is not before `from`');
      await log.gather();
      const pages = log.metering({ fromDay, toDay, key: of });
      return sendPages(request, reply, {
        columns: dayColumns,
        pages,
        rowOf: (row: MeteredDay) => row,
      });
    },
  );
}

const rowsTold =
  '`door` is http, sse, websocket, mqtt or webhook. A stream has a row for what it was given in each ' +
  '`accessLogEveryMs`, and a last one; `at` is when that began. `requests` is 0 in a row that goes ' +
  'on with what an earlier one of the same UTC day began, else 1, over MQTT also more. Over MQTT ' +
  '`path` is the shape of the topic filter, and rows are messages, packets with their headers. ' +
  'A delivery to a webhook of a key has the path `webhook`, the status with which its receiver ' +
  'answered (0: not at all) and, as bytes, those of its body. ';

function describedExport(summary: string, querystring: z.ZodType, more = '') {
  const text = z.string();
  return {
    summary,
    description:
      more +
      'Of this node. NDJSON ends with {"complete":true}, CSV with the trailer Quantrac-Complete.',
    tags: ['operators'],
    security: [{ bearer: [] }],
    querystring,
    response: {
      200: {
        description: summary,
        content: { 'application/x-ndjson': { schema: text }, 'text/csv': { schema: text } },
      },
      ...problemReplies([
        'API_TOKEN_MISSING',
        'API_FORBIDDEN',
        'API_FORMAT_UNSUPPORTED',
        'API_NOT_ACCEPTABLE',
      ]),
    },
  };
}

interface Export<Row> {
  readonly columns: readonly string[];
  readonly pages: Iterable<readonly Row[]>;
  readonly rowOf: (row: Row) => object;
}

function sendPages<Row>(
  request: FastifyRequest,
  reply: FastifyReply,
  exported: Export<Row>,
): FastifyReply {
  const { format: wanted } = request.query as { readonly format?: string };
  const choice = { extension: undefined, format: wanted, accept: request.headers.accept };
  const chosen = chooseFormat(choice, offered);
  reply.header('content-type', mediaTypes[chosen]).header('vary', 'accept, authorization');
  const hasTrailer = chosen === 'csv' && request.raw.httpVersion !== '1.0';
  if (hasTrailer) reply.header('trailer', completeTrailer);
  const atEnd = () => {
    if (hasTrailer) reply.raw.addTrailers({ [completeTrailer]: 'true' });
  };
  return reply.send(Readable.from(textsOf(exported, chosen, atEnd), { objectMode: false }));
}

const completeTrailer = 'Quantrac-Complete';

/** A page at a time, with other requests answered between; a stream that was cut has no end. */
async function* textsOf<Row>(
  { columns, pages, rowOf }: Export<Row>,
  chosen: Format,
  atEnd: () => void,
): AsyncGenerator<string> {
  const isCsv = chosen === 'csv';
  if (isCsv) yield `${columns.join(',')}\r\n`;
  for (const page of pages) {
    yield page.map((row) => lineOf(rowOf(row) as Cells, columns, isCsv)).join('');
    await setImmediate();
  }
  atEnd();
  yield isCsv ? '' : '{"complete":true}\n';
}

type Cells = Readonly<Record<string, string | number>>;

function lineOf(row: Cells, columns: readonly string[], isCsv: boolean): string {
  // Ids, paths and numbers: none of them has a comma or a quote.
  if (isCsv) return `${columns.map((column) => row[column]).join(',')}\r\n`;
  return `${JSON.stringify(Object.fromEntries(columns.map((column) => [column, row[column]])))}\n`;
}
