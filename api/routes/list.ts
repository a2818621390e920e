/** What all lists have in common: extension routes, paging parameters, format, viewer. */
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import { z } from 'zod';

import { touchSelection } from '../access/meter.ts';
import { baseUrl, readQuestion, type Question } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import { conditionalHeaders, csvwReplies, listReplies } from '../description/replies.ts';
import type { ApiErrorCode } from '../errors.ts';
import { chooseFormat, formats, isPaged, type Format } from '../formats/format.ts';
import { linkField } from '../limits/links.ts';
import type { NetworkView } from '../network.ts';
import { viewerOf, type Viewer } from '../viewer.ts';

export interface ListRequest<Query> {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly query: Query;
  readonly viewer: Viewer;
  readonly view: NetworkView;
  readonly question: Question;
}

export interface ListRoute<Shape extends z.ZodRawShape> {
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly query: Shape;
  /** Of the path, where it has parameters. */
  readonly params?: z.ZodType;
  readonly item: z.ZodType;
  /** One right item, for the API description. */
  readonly example: object;
  /** Refusals of this list, beside those of all. */
  readonly problems?: readonly ApiErrorCode[];
  readonly offered: readonly Format[];
  readonly handle: (
    list: ListRequest<z.infer<z.ZodObject<Shape>> & PagingQuery>,
  ) => Promise<FastifyReply>;
}

function pagingQuery(context: ApiContext) {
  return {
    format: z
      .enum(formats)
      .optional()
      .describe('Overrides Accept; the extension of the path does the same.'),
    limit: z.coerce
      .number()
      .int()
      .min(1)
      .max(context.config.rowsPerPageMax)
      .optional()
      .describe('Items of this page.'),
    page: z.string().min(1).max(1_000).optional().describe('Opaque token, as found in `next`.'),
  };
}

/** Extension of what describes a CSV ("Model for Tabular Data" §5.3). */
const csvw = 'csv-metadata.json' as const;

export interface PagingQuery {
  readonly limit?: number | undefined;
  readonly page?: string | undefined;
}

/** The list at its path, and with each format's extension. */
export function addListRoute<Shape extends z.ZodRawShape>(
  app: FastifyInstance,
  context: ApiContext,
  route: ListRoute<Shape>,
): void {
  const querystring = z.strictObject({ ...route.query, ...pagingQuery(context) });
  const { path, offered } = route;
  const extensions: (Format | typeof csvw | undefined)[] = [
    undefined,
    ...offered,
    ...(offered.includes('csv') ? [csvw] : []),
  ];
  for (const extension of extensions) {
    app.get(
      extension === undefined ? path : `${path}.${extension}`,
      {
        schema: {
          ...describedAs(route, extension),
          ...(route.params === undefined ? {} : { params: route.params }),
          querystring,
          headers: conditionalHeaders,
        },
      },
      async (request, reply) => {
        const viewer = viewerOf(context.registry, request.headers.authorization);
        const query = request.query as z.infer<z.ZodObject<Shape>> &
          PagingQuery & { format?: string };
        const { accept } = request.headers;
        const isAboutCsv = extension === csvw;
        const wish = { extension: isAboutCsv ? 'csv' : extension, format: query.format, accept };
        const format = chooseFormat(wish, offered);
        const question = readQuestion(context, request, { format, viewer, isAboutCsv });
        const view = context.networks.viewOf(viewer);
        if ('datastream' in route.query) touchSelection(request, view, query);
        const base = baseUrl(context, request);
        const others = isAboutCsv ? [] : offered;
        reply.header('link', linkField({ base, url: request.url, format, offered: others }));
        return route.handle({ request, reply, query, viewer, view, question });
      },
    );
  }
}

function describedAs<Shape extends z.ZodRawShape>(
  { path, summary, description, item, example, offered, problems = [] }: ListRoute<Shape>,
  extension: Format | typeof csvw | undefined,
): FastifySchema {
  const list = { description: summary, item, example };
  const tags = ['readings'];
  if (extension === csvw) {
    const response = csvwReplies(problems);
    return { summary: `What the columns of ${path}.csv mean (CSVW).`, response, tags };
  }
  if (extension !== undefined) {
    const response = listReplies({ ...list, problems }, [extension]);
    return { summary: `${summary} As ${extension}.`, description: `As ${path}.`, response, tags };
  }
  const choosing = ['API_FORMAT_UNSUPPORTED', 'API_NOT_ACCEPTABLE'] as const;
  const response = listReplies({ ...list, problems: [...choosing, ...problems] }, offered);
  return { summary, description, response, tags };
}

/** Documents come in pages; lines and Parquet stream to their end unless a limit is asked for. */
export function rowLimit(context: ApiContext, question: Question, query: PagingQuery): number {
  if (query.limit !== undefined) return query.limit;
  return isPaged(question.format) ? context.config.rowsPerPageDefault : Infinity;
}
