/** `/files` and `/datasets/{id}/files`: every file of closed months, with what proves it. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';

import { answerList, baseUrl } from '../answer.ts';
import { datasetsOf } from '../catalogue/datasets.ts';
import type { ApiContext } from '../context.ts';
import { examples } from '../description/examples.ts';
import { fileSchema } from '../description/schemas.ts';
import { apiError, badParameter } from '../errors.ts';
import type { Table } from '../formats/table.ts';
import { stepItemsById } from '../routes/things.ts';
import { addListRoute, type ListRequest, type PagingQuery } from '../routes/list.ts';
import { sendToPublisher, type Bulk } from './bulk.ts';
import { currentName } from './make.ts';
import { isMonth } from './months.ts';
import { fileFormats, type FileFormat, type FileRecord } from './records.ts';

const filesQuery = {
  dataset: z.string().min(1).max(140).optional().describe('Id of a dataset of a network.'),
  month: z.string().min(1).max(7).optional().describe('YYYY-MM.'),
} as const;

interface Query extends PagingQuery {
  readonly month?: string | undefined;
}

export const fileMedia: Readonly<Record<FileFormat, string>> = {
  parquet: 'application/vnd.apache.parquet',
  'csv.gz': 'application/gzip',
  datapackage: 'application/json; charset=utf-8',
  csvw: 'application/csvm+json; charset=utf-8',
};

interface ListedFile {
  readonly id: string;
  readonly file: FileRecord;
}

const columns = [
  'dataset',
  'month',
  'format',
  'name',
  'url',
  'currentUrl',
  'mediaType',
  'bytes',
  'sha256',
  'rows',
  'cursor',
  'version',
  'madeAt',
  'registryVersion',
  'licences',
] as const;

export function addFileLists(app: FastifyInstance, context: ApiContext, bulk: Bulk): void {
  const shown = {
    item: fileSchema,
    example: examples.file,
    offered: ['json', 'csv', 'ndjson'],
    problems: ['API_PUBLISHED_ELSEWHERE'],
  } as const;
  addListRoute(app, context, {
    ...shown,
    path: '/files',
    summary: 'Files of closed months, by dataset, month and format.',
    description:
      'One month of a dataset of a network as Parquet and CSV under gzip, with its Data Package ' +
      'and CSVW. All files and the changes from the cursor of the list on are all rows that are open; ' +
      'a cursor of a file is of the rows of its month alone. The cursor of the list is empty (header ' +
      'Quantrac-Cursor-Missing) where the first row of a month that has not ended came in longer ago ' +
      'than changes can be followed: such rows are to be had from /observations, and the changes ' +
      'behind its cursor.',
    query: filesQuery,
    handle: (list) => answerFiles(context, bulk, { list, dataset: list.query.dataset }),
  });
  addListRoute(app, context, {
    ...shown,
    path: '/datasets/:id/files',
    params: z.strictObject({ id: z.string().min(1).max(140) }),
    summary: 'Files of closed months of one dataset.',
    description: 'As /files. Of a dataset of one series: the files of the network that it is in.',
    query: { month: filesQuery.month },
    problems: ['API_DATASET_UNKNOWN', 'API_PUBLISHED_ELSEWHERE', 'API_ADDRESS_TOO_LONG'],
    handle(list) {
      const { id } = list.request.params as { readonly id: string };
      const dataset = datasetsOf(list.view).find(id);
      if (dataset === undefined) throw apiError('API_DATASET_UNKNOWN', { parameter: 'id' });
      const [first] = dataset.datastreams;
      const network = first === undefined ? undefined : datasetsOf(list.view).networkOf(first);
      return answerFiles(context, bulk, { list, dataset: network?.id ?? id });
    },
  });
}

interface FilesRequest {
  readonly list: ListRequest<Query>;
  readonly dataset: string | undefined;
}

async function answerFiles(
  context: ApiContext,
  bulk: Bulk,
  { list, dataset }: FilesRequest,
): Promise<FastifyReply> {
  const { request, reply, query, question } = list;
  const elsewhere = sendToPublisher(context, bulk, request, reply);
  if (elsewhere !== undefined) return elsewhere;
  const { month } = query;
  if (month !== undefined && !isMonth(month)) throw badParameter('month', 'YYYY-MM');
  const items = bulk
    .open()
    .filter((file) => dataset === undefined || file.dataset === dataset)
    .filter((file) => month === undefined || file.month === month)
    .map((file) => ({ id: idOf(file), file }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const page = query.page === undefined ? undefined : question.tokens.decode(query.page);
  const cursor = await bulk.cursor();
  const moment = await context.places.at(context.store.position);
  return answerList(context, request, reply, {
    // Tags are of the moment and the registry: the files have a state of their own.
    question: { ...question, text: `${question.text}\n${bulk.state} ${cursor === ''}` },
    table: fileTable(`${baseUrl(context, request)}/api/v1`),
    moment,
    joinCursor: cursor,
    intervalMs: undefined,
    madeAtSeconds: 0,
    unchangedSince: () => true,
    steps: stepItemsById(items, { after: page?.place, limit: query.limit ?? Infinity }),
  });
}

function idOf({ dataset, month, format }: FileRecord): string {
  return `${dataset}/${month}/${fileFormats.indexOf(format)}`;
}

type Placed = Pick<FileRecord, 'dataset' | 'month' | 'name'>;

/** Below `base`, which ends with the version of the API; with the version of the file. */
export function fileUrl(base: string, file: Placed): string {
  return `${folderUrl(base, file)}/${encodeURIComponent(file.name)}`;
}

function folderUrl(base: string, { dataset, month }: Placed): string {
  return `${base}/files/${encodeURIComponent(dataset)}/${month}`;
}

function fileTable(base: string): Table<ListedFile> {
  const valuesOf = ({ file }: ListedFile) => {
    const { dataset, month, format, name } = file;
    const folder = folderUrl(base, file);
    return {
      dataset,
      month,
      format,
      name,
      url: fileUrl(base, file),
      currentUrl: `${folder}/${encodeURIComponent(currentName(dataset, month, format))}`,
      mediaType: fileMedia[format].split(';', 1)[0] ?? '',
      bytes: file.bytes,
      sha256: file.sha256,
      rows: file.rows,
      cursor: file.cursor,
      version: file.version,
      madeAt: new Date(file.madeAt).toISOString(),
      registryVersion: file.registryVersion,
      licences: file.licences,
    };
  };
  return {
    columns,
    key: ['dataset', 'month', 'format'],
    json: (item) => JSON.stringify(valuesOf(item)),
    cells(item) {
      const values = valuesOf(item);
      return columns.map((name) =>
        name === 'licences' ? values.licences.join(' ') : values[name],
      );
    },
    id: ({ id }) => id,
    point: () => null,
  };
}
