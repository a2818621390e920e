/** `/files/{dataset}/{month}/{name}`: one file, whole or a range of it. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

import type { ApiContext } from '../context.ts';
import { problemReplies, type EmptyReply, type Header } from '../description/replies.ts';
import { apiError } from '../errors.ts';
import { openDiskStream } from '../limits/disk-stream.ts';
import { createShares, type Shares } from '../limits/shares.ts';
import { viewerOf } from '../viewer.ts';
import { sendToPublisher, type Bulk } from './bulk.ts';
import { fileMedia } from './index-list.ts';
import { currentName } from './make.ts';
import { openNetworkOf } from './open-series.ts';
import { answerRange, type RangeHeaders } from './range.ts';
import type { FileRecord } from './records.ts';

const params = z.strictObject({
  dataset: z.string().min(1).max(140),
  month: z.string().min(1).max(7).describe('YYYY-MM.'),
  name: z
    .string()
    .min(1)
    .max(200)
    .describe('As /files names it; without the version: whatever is current.'),
});

const rangeHeaders = z.looseObject({
  range: z.string().optional().describe('One range of bytes: 206, or 416 where there is none.'),
  'if-range': z.string().optional().describe('ETag or date that the range must be of.'),
  'if-none-match': z.string().optional().describe('ETags: 304 where one is of this file.'),
});

const text = (description: string): Header => ({ type: 'string', description });
const fileHeaders = {
  ETag: text('Strong: the SHA-256 of the file.'),
  'Last-Modified': text('When it was made.'),
  'Accept-Ranges': text('bytes.'),
  'Repr-Digest': text('RFC 9530: SHA-256 of the whole file.'),
  'Content-Disposition': text('Name to keep it under.'),
  'Cache-Control': text(
    'Short, then it is asked again: what is erased or closed is in no cache for long.',
  ),
  'Quantrac-Cursor': text('Change cursor that the file is true at.'),
  Link: text('RFC 8288: license, describedby, and of a version latest-version.'),
} as const;
const notModified: EmptyReply = {
  description: 'The file of this ETag is still this one.',
  headers: fileHeaders,
  properties: z.null(),
};

export function addDownloads(app: FastifyInstance, context: ApiContext, bulk: Bulk): void {
  const { config } = context;
  const code = 'API_TOO_MANY_STREAMS';
  const places = createShares({ ...config, placesMax: config.fileReadsMax, code });
  const body = { schema: z.string().describe('The bytes of the file.') };
  const content = Object.fromEntries(
    Object.values(fileMedia).map((media) => [media.split(';', 1)[0] ?? '', body]),
  );
  app.get(
    '/files/:dataset/:month/:name',
    {
      // Its tag names the bytes as they are, and a range is of these.
      compress: false,
      schema: {
        summary: 'One file, whole or a range of it.',
        params,
        querystring: z.strictObject({}),
        headers: rangeHeaders,
        response: {
          200: { description: 'The whole file.', headers: fileHeaders, content },
          206: {
            description: 'The range.',
            headers: { ...fileHeaders, 'Content-Range': text('Which bytes, of how many.') },
            content,
          },
          304: notModified,
          ...problemReplies([
            'API_FILE_UNKNOWN',
            'API_CONDITION_FAILED',
            'API_RANGE_OUTSIDE',
            'API_ADDRESS_TOO_LONG',
            'API_TOO_MANY_STREAMS',
            'API_PUBLISHED_ELSEWHERE',
          ]),
        },
        tags: ['readings'],
      },
    },
    async (request, reply) => {
      // Files are open to all, yet a wrong token is never taken for none.
      viewerOf(context.registry, request.headers.authorization);
      const elsewhere = sendToPublisher(context, bulk, request, reply);
      if (elsewhere !== undefined) return elsewhere;
      const asked = request.params as z.infer<typeof params>;
      const found = findFile(context, bulk, asked);
      if (found === undefined) throw apiError('API_FILE_UNKNOWN', { parameter: 'name' });
      return sendFile({ context, places }, request, reply, found);
    },
  );
}

export interface FoundFile {
  readonly file: FileRecord;
  /** Asked for by its version: it never changes. */
  readonly isVersion: boolean;
}

/** What anonymous may read now. */
export function findFile(
  context: ApiContext,
  bulk: Pick<Bulk, 'records'>,
  asked: z.infer<typeof params>,
): FoundFile | undefined {
  const { dataset, month, name } = asked;
  const ofMonth = bulk.records.ofMonth(dataset, month);
  const version = ofMonth.find((file) => file.name === name);
  const file =
    version ??
    ofMonth.find(
      ({ state, format }) => state === 'current' && currentName(dataset, month, format) === name,
    );
  if (file === undefined || !openNetworkOf(context).isOpen(dataset, file.content)) return undefined;
  return { file, isVersion: version !== undefined };
}

interface Downloading {
  readonly context: ApiContext;
  /** Of files that are being given out. */
  readonly places: Shares;
}

async function sendFile(
  { context, places }: Downloading,
  request: FastifyRequest,
  reply: FastifyReply,
  { file, isVersion }: FoundFile,
): Promise<FastifyReply> {
  const path = `${context.filesFolder}/${file.path}`;
  await requireThere(path, file);
  const tag = `"${file.sha256}"`;
  const answer = answerRange(request.headers as RangeHeaders, {
    tag,
    modifiedAt: file.madeAt,
    bytes: file.bytes,
  });
  if (answer.status === 412) throw apiError('API_CONDITION_FAILED');
  if (answer.status === 416) {
    reply.header('content-range', `bytes */${file.bytes}`);
    throw apiError('API_RANGE_OUTSIDE', { bytes: file.bytes });
  }
  const isWanted = answer.status !== 304 && request.method !== 'HEAD';
  // Before any header of the file is set: a refusal has none of them.
  const release = isWanted ? places.take(context.gate.clientOf(request)) : undefined;
  reply.headers(headersOf(context, { file, isVersion }));
  if (answer.status === 304) return reply.code(304).removeHeader('content-type').send();
  const { first, last } =
    answer.status === 206 ? answer : { first: 0, last: Math.max(0, file.bytes - 1) };
  if (answer.status === 206) {
    reply.code(206).header('content-range', `bytes ${first}-${last}/${file.bytes}`);
  }
  reply.header('content-length', file.bytes === 0 ? 0 : last - first + 1);
  if (release === undefined) return reply.send(Readable.from([]));
  const source = createReadStream(path, { start: first, end: last });
  return reply.send(openDiskStream(context, source, release));
}

/** A file that is named and is not there whole is one that is being made anew. */
async function requireThere(path: string, { bytes }: FileRecord): Promise<void> {
  try {
    if ((await stat(path)).size === bytes) return;
  } catch (error) {
    if ((error as { readonly code?: string }).code !== 'ENOENT') throw error;
  }
  throw apiError('API_FILE_UNKNOWN', { parameter: 'name' });
}

/** What the columns mean lies beside each version of a CSV. */
function csvwBeside(name: string): string {
  return encodeURIComponent(name.replace(/\.csv\.gz$/, '.csv-metadata.json'));
}

function headersOf(context: ApiContext, { file, isVersion }: FoundFile): Record<string, string> {
  const { dataset, month, format, sha256 } = file;
  const keepName = isVersion ? file.name : currentName(dataset, month, format);
  // An erasure or a closed series ends a version too, so that nobody keeps it without asking again.
  const maxAge = `max-age=${context.config.cacheSecondsMax}, must-revalidate`;
  const links = [
    ...file.licences.map((uri) => `<${uri}>; rel="license"`),
    ...(format === 'datapackage'
      ? []
      : [`<datapackage.${file.version}.json>; rel="describedby"; type="application/json"`]),
    ...(format === 'csv.gz' && isVersion
      ? [`<${csvwBeside(file.name)}>; rel="describedby"; type="application/csvm+json"`]
      : []),
    ...(isVersion
      ? [`<${encodeURIComponent(currentName(dataset, month, format))}>; rel="latest-version"`]
      : []),
  ];
  return {
    'content-type': fileMedia[format],
    'cache-control': `public, ${maxAge}`,
    etag: `"${sha256}"`,
    'last-modified': new Date(file.madeAt).toUTCString(),
    'accept-ranges': 'bytes',
    'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
    'content-disposition': `attachment; filename="${keepName}"`,
    'quantrac-cursor': file.cursor,
    link: links.join(', '),
  };
}
