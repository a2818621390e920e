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
import type { Client } from '../limits/shares.ts';
import type { Viewer } from '../viewer.ts';
import { readFilePath, type Asked, type Caller, type Question, type Refusal } from './ask.ts';
import { readAnswer } from './answer.ts';
import { hashOf, type Admit, type Blobs } from './blobs.ts';
import type { CitationRecord, CitationRecords } from './records.ts';
import type { Room } from './room.ts';
import { subjectOf, subjectOfSeries, type Subject } from './subject.ts';

export interface CiteWish {
  readonly app: FastifyInstance;
  readonly bulk: Bulk;
  readonly url: string;
  /** As the client sees this server. */
  readonly base: string;
  readonly viewer: Viewer;
  readonly caller: Caller;
  /** Whose allowance it takes of; undefined: nobody's. */
  readonly client: string | undefined;
  /** Who holds the place in which it is made. */
  readonly holder: Client;
}

export interface CitationMakingOptions {
  readonly context: ApiContext;
  readonly records: CitationRecords;
  readonly blobs: Blobs;
  readonly room: Room;
}

export interface Made {
  readonly record: CitationRecord;
  /** That it has newly taken of the disk. */
  readonly bytes: number;
}

export type MakeCitation = (wish: CiteWish, question: Question) => Promise<Made | Refusal>;

const idCharacters = 24;
const versionCharacters = 16;

export function createCitationMaking(options: CitationMakingOptions): MakeCitation {
  const { context, blobs } = options;
  const keepOnce = createKeeping(options);

  async function citeAnswer(viewer: Viewer, asked: Asked): Promise<Made> {
    const { networks, config, clock } = context;
    const view = networks.viewOf(viewer);
    const subject = subjectOf(view, asked, config.valuesPerParameterMax);
    // Nobody could tell who may see it.
    if (subject.series.length === 0) throw badParameter('url', 'rows of one series or more');
    const sha256 = hashOf(asked.bytes);
    const keep = (admit: Admit) => blobs.keep(asked.bytes, admit);
    return keepOnce(sha256, keep, () => {
      const madeAt = clock.now();
      return {
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
      };
    });
  }

  async function citeFile(wish: CiteWish, file: FileRecord): Promise<Made> {
    const view = context.networks.viewOf(wish.viewer);
    const series = file.content.map((entry) => {
      const [id, , precisionMetres] = JSON.parse(entry) as readonly [string, string, number | null];
      return { id, precisionMetres };
    });
    // Wider than the month: zones of stations may change, the citation stays.
    const monthAt = Date.parse(`${file.month}-15T00:00:00Z`);
    const span = { fromAt: monthAt - 18 * dayMs, toAt: monthAt + 20 * dayMs };
    const path = `${context.filesFolder}/${file.path}`;
    const keep = (admit: Admit) => blobs.keepFile({ ...file, path }, admit);
    return keepOnce(file.sha256, keep, () => ({
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
    }));
  }

  return async (wish, question) => {
    const asked = readFilePath(question.path);
    if (asked !== undefined) {
      const found = findFile(context, wish.bulk, asked);
      if (found === undefined) throw apiError('API_FILE_UNKNOWN', { parameter: 'url' });
      return citeFile(wish, found.file);
    }
    const read = await readAnswer(context, wish, question);
    return 'status' in read ? read : citeAnswer(read.viewer, read.asked);
  };
}

type NewCitation = Omit<CitationRecord, 'id' | 'erasedAt'>;

/** Keeps bytes that no citation holds yet, then makes the record of this one. */
type KeepOnce = (
  sha256: string,
  keep: (admit: Admit) => Promise<void>,
  recordOf: () => NewCitation,
) => Promise<Made>;

/**
 * Those who cite the same bytes come one after the other, so that these are kept and counted once;
 * where something fails, their room is free again.
 */
function createKeeping(options: CitationMakingOptions): KeepOnce {
  const { records, room } = options;
  const last = new Map<string, Promise<unknown>>();

  async function keepNow(...[sha256, keep, recordOf]: Parameters<KeepOnce>): Promise<Made> {
    const taken = createTaking(room);
    await room.ready();
    room.require(0);
    try {
      if (!records.holds(sha256)) await keep(taken.admit);
      return put(options, taken, recordOf());
    } catch (error) {
      taken.giveBack();
      throw error;
    }
  }

  return async (sha256, keep, recordOf) => {
    const before = last.get(sha256) ?? Promise.resolve();
    const made = before.then(() => keepNow(sha256, keep, recordOf));
    const ended = made.catch(() => undefined);
    last.set(sha256, ended);
    try {
      return await made;
    } finally {
      if (last.get(sha256) === ended) last.delete(sha256);
    }
  };
}

function put({ records, room }: CitationMakingOptions, taken: Taking, made: NewCitation): Made {
  const { url, asOf, sha256 } = made;
  const id = createHash('sha256').update(`${url}\n${asOf}\n${sha256}`).digest('hex');
  const record = { ...made, id: id.slice(0, idCharacters), erasedAt: null };
  const rows = records.add(record);
  room.add(rows);
  return { record: records.find(record.id) ?? record, bytes: taken.bytes + rows };
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

interface Taking {
  readonly admit: Admit;
  readonly bytes: number;
  giveBack(): void;
}

/** Takes the room at once, so that several together do not take what is there for one. */
function createTaking(room: Room): Taking {
  let bytes = 0;
  return {
    admit(wanted) {
      room.require(wanted);
      room.add(wanted);
      bytes += wanted;
    },
    get bytes() {
      return bytes;
    },
    giveBack() {
      room.add(-bytes);
      bytes = 0;
    },
  };
}
