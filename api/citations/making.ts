/** Makes citations: asks the question or finds the file, keeps the bytes, then their record. */
import { createHash } from 'node:crypto';

import type { FastifyInstance } from 'fastify';

import type { Bulk } from '../bulk/bulk.ts';
import { findFile } from '../bulk/download.ts';
import { fileMedia } from '../bulk/index-list.ts';
import type { FileRecord } from '../bulk/records.ts';
import type { ApiContext } from '../context.ts';
import { apiError, badParameter } from '../errors.ts';
import { readOptionalInstant } from '../instant.ts';
import { anonymousViewer, type Viewer } from '../viewer.ts';
import { ask, readFilePath, type Asked, type Caller, type Question, type Refusal } from './ask.ts';
import { hashOf, type Blobs } from './blobs.ts';
import type { CitationRecord, CitationRecords } from './records.ts';
import { subjectOf, subjectOfSeries, type Subject } from './subject.ts';

export interface CiteWish {
  readonly app: FastifyInstance;
  readonly bulk: Bulk;
  readonly url: string;
  /** As the client sees this server. */
  readonly base: string;
  readonly viewer: Viewer;
  readonly caller: Caller;
}

export interface CitationMakingOptions {
  readonly context: ApiContext;
  readonly records: CitationRecords;
  readonly blobs: Blobs;
}

export type MakeCitation = (
  wish: CiteWish,
  question: Question,
) => Promise<CitationRecord | Refusal>;

const idCharacters = 24;
const versionCharacters = 16;
/** The registry may change while a question is answered. */
const triesMax = 3;

export function createCitationMaking(options: CitationMakingOptions): MakeCitation {
  const { context, records, blobs } = options;
  const room = createRoom(context, blobs, records);

  /**
   * What is all open is cited as everybody sees it, so that it is there for everybody; what nobody
   * in particular is refused, or is not all open, as the viewer sees it.
   */
  async function citeQuestion(
    wish: CiteWish,
    question: Question,
  ): Promise<CitationRecord | Refusal> {
    if (isOpen(context, wish.viewer, question)) {
      const made = await citeAs({ ...wish, viewer: anonymousViewer }, question);
      if (!('status' in made) || made.status === 429 || made.status >= 500) return made;
    }
    return citeAs(wish, question);
  }

  async function citeAs(wish: CiteWish, question: Question): Promise<CitationRecord | Refusal> {
    const { citationBytesMax: bytesMax } = context.config;
    const { app, caller, viewer } = wish;
    for (let tries = 0; tries < triesMax; tries++) {
      const { version } = context.networks;
      const isAnonymous = viewer.principal === 'anonymous';
      const answer = await ask(question, {
        app,
        caller: isAnonymous ? { ...caller, authorization: undefined } : caller,
        now: context.clock.now(),
        bytesMax,
      });
      if ('status' in answer) return answer;
      // Who may see it is told by the network that it was read of.
      if (context.networks.version === version) return citeAnswer(viewer, answer);
    }
    throw apiError('API_UNAVAILABLE');
  }

  async function citeAnswer(viewer: Viewer, asked: Asked): Promise<CitationRecord> {
    const { networks, config, clock } = context;
    const view = networks.viewOf(viewer);
    const subject = subjectOf(view, asked, config.valuesPerParameterMax);
    // Nobody could tell who may see it.
    if (subject.series.length === 0) throw badParameter('url', 'rows of one series or more');
    const sha256 = hashOf(asked.bytes);
    if (!records.holds(sha256)) {
      await room.require(asked.bytes.length);
      await blobs.keep(asked.bytes);
      room.add(asked.bytes.length);
    }
    const madeAt = clock.now();
    return put({
      ...subject,
      url: addressOf(asked),
      version: sha256.slice(0, versionCharacters),
      asOf: readOptionalInstant(asked.query.get('asOf') ?? undefined, 'asOf') ?? madeAt,
      madeAt,
      registryVersion: networks.version,
      sha256,
      bytes: asked.bytes.length,
      mediaType: asked.mediaType,
      fileName: nameOf(asked),
      stored: 'gzip',
      cursor: asked.cursor,
    });
  }

  async function citeFile(wish: CiteWish, file: FileRecord): Promise<CitationRecord> {
    const view = context.networks.viewOf(wish.viewer);
    const series = file.content.map((entry) => {
      const [id, , precisionMetres] = JSON.parse(entry) as readonly [string, string, number | null];
      return { id, precisionMetres };
    });
    // Wider than the month: zones of stations may change, the citation stays.
    const monthAt = Date.parse(`${file.month}-15T00:00:00Z`);
    const span = { fromAt: monthAt - 18 * dayMs, toAt: monthAt + 20 * dayMs };
    await room.ready();
    await blobs.keepFile(`${context.filesFolder}/${file.path}`, file.sha256);
    return put({
      ...monthTitled(subjectOfSeries(view, series, span), file),
      url: `/api/v1/files/${file.dataset}/${file.month}/${file.name}`,
      version: file.version,
      asOf: file.madeAt,
      madeAt: context.clock.now(),
      registryVersion: file.registryVersion,
      sha256: file.sha256,
      bytes: file.bytes,
      mediaType: fileMedia[file.format],
      fileName: file.name,
      stored: 'plain',
      cursor: file.cursor,
    });
  }

  function put(made: Omit<CitationRecord, 'id' | 'erasedAt'>): CitationRecord {
    const { url, asOf, sha256 } = made;
    const id = createHash('sha256').update(`${url}\n${asOf}\n${sha256}`).digest('hex');
    const record = { ...made, id: id.slice(0, idCharacters), erasedAt: null };
    records.add(record);
    return records.find(record.id) ?? record;
  }

  return async (wish, question) => {
    const asked = readFilePath(question.path);
    if (asked !== undefined) {
      const found = findFile(context, wish.bulk, asked);
      if (found === undefined) throw apiError('API_FILE_UNKNOWN', { parameter: 'url' });
      return citeFile(wish, found.file);
    }
    return citeQuestion(wish, question);
  };
}

function isOpen(context: ApiContext, viewer: Viewer, question: Question): boolean {
  const { networks, config } = context;
  const open = networks.viewOf(anonymousViewer);
  const { series } = subjectOf(networks.viewOf(viewer), question, config.valuesPerParameterMax);
  return series.every(({ id }) => {
    const datastream = open.registry.datastreams.get(id);
    return datastream !== undefined && open.sees(datastream.series);
  });
}

const dayMs = 86_400_000;

function monthTitled(subject: Subject, { month }: FileRecord): Subject {
  const { vi, en } = subject.title;
  return { ...subject, title: { vi: `${vi}, ${month}`, en: `${en}, ${month}` } };
}

function addressOf({ path, query }: Question): string {
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

function nameOf({ path, mediaType }: Asked): string {
  const name = path.split('/').at(-1) ?? 'answer';
  if (name.includes('.') && !path.includes('/observations/')) return name;
  const extension = /geo\+json/.test(mediaType)
    ? 'geojson'
    : /ndjson/.test(mediaType)
      ? 'ndjson'
      : /json/.test(mediaType)
        ? 'json'
        : (mediaType.split(';', 1)[0]?.split('/')[1] ?? 'bin');
  return `${name}.${extension}`;
}

interface Room {
  /** What is on the disk is known, and nothing of it is removed any more. */
  ready(): Promise<unknown>;
  /** Throws API_CITATIONS_FULL where so many bytes would be too many. */
  require(bytes: number): Promise<void>;
  add(bytes: number): void;
}

/** Counted once from the disk, where what no citation holds is removed; then as it grows. */
function createRoom(context: ApiContext, blobs: Blobs, records: CitationRecords): Room {
  let used: Promise<number> | undefined;
  let added = 0;
  const ready = (): Promise<number> => (used ??= blobs.sweep((sha256) => records.holds(sha256)));
  return {
    ready,
    async require(bytes) {
      const { citationsBytesMax } = context.config;
      if ((await ready()) + added + bytes > citationsBytesMax) {
        throw apiError('API_CITATIONS_FULL', { bytesMax: citationsBytesMax });
      }
    },
    add(bytes) {
      added += bytes;
    },
  };
}
