/** Files of closed months, as the API has them: their records, their making, their routes. */
import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Telemetry } from '../../devices/telemetry.ts';
import type { FileSystem } from '../../ingest/log/file-system.ts';
import type { Erasures } from '../citations/erasures.ts';
import type { ApiContext } from '../context.ts';
import { sendElsewhere } from '../elsewhere.ts';
import { createBulkEvents } from './events.ts';
import type { OpenMaker } from './maker.ts';
import { openNetworkOf } from './open-series.ts';
import { openPublisher, type Publisher } from './publisher.ts';
import { openBulkRecords, type BulkRecords, type FileRecord } from './records.ts';

export interface BulkOptions {
  readonly context: ApiContext;
  readonly telemetry: Telemetry;
  readonly fileSystem: FileSystem;
  /** Null where the view may lack rows of the past. */
  readonly viewPath: string | null;
  readonly openMaker: OpenMaker;
  readonly isPublishing: boolean;
  /** Told of every erased observation; nothing is kept as followed before it has settled. */
  readonly erasures: Erasures;
}

export interface Bulk {
  readonly isPublishing: boolean;
  readonly records: BulkRecords;
  readonly fileSystem: FileSystem;
  /** Current files that anonymous may read now, by dataset, month and format. */
  open(): readonly FileRecord[];
  /**
   * A cursor from which changes go on behind all files of `open`: of the newest moment where nothing
   * of them has changed, else of one before the first change.
   */
  cursor(): Promise<string>;
  /** What `open` and `cursor` depend on, beside the registry and the moment. */
  readonly state: string;
  /** Begins to make files, where this server publishes. */
  start(): void;
  close(): Promise<void>;
}

export function openBulk(options: BulkOptions): Bulk {
  const { context, isPublishing, fileSystem } = options;
  const records = openBulkRecords(context.kept);
  let publisher: Publisher | undefined;

  function open(): readonly FileRecord[] {
    const network = openNetworkOf(context);
    return records.current().filter(({ dataset, content }) => network.isOpen(dataset, content));
  }

  /** Of months that have files: positions of the first changes that are not in them. */
  function firstChanges(): readonly (number | undefined)[] {
    const held = new Set(records.current().map(({ dataset, month }) => `${dataset} ${month}`));
    const waiting = publisher?.waiting() ?? [];
    return waiting
      .filter(({ dataset, month }) => held.has(`${dataset} ${month}`))
      .map(({ firstAt }) => firstAt);
  }

  return {
    isPublishing,
    records,
    fileSystem,
    open,
    async cursor() {
      const changes = firstChanges();
      if (publisher === undefined || changes.includes(undefined)) return oldestCursor(open());
      const position = Math.min(context.feed.position, ...changes.map((at) => Number(at) - 1));
      return (await context.places.at(position)).cursor;
    },
    get state() {
      return `${records.generation} ${firstChanges().join(',')}`;
    },
    start() {
      if (!isPublishing) return;
      publisher = openPublisher({
        ...options,
        records,
        events: createBulkEvents(options.telemetry),
      });
    },
    close: async () => publisher?.close(),
  };
}

function oldestCursor(files: readonly FileRecord[]): string {
  const [first, ...others] = files;
  if (first === undefined) return '';
  return others.reduce((oldest, file) => (file.madeAt < oldest.madeAt ? file : oldest), first)
    .cursor;
}

/** Sends the client to the server that has what exists once; undefined where that is this one. */
export function sendToPublisher(
  context: ApiContext,
  { isPublishing }: Pick<Bulk, 'isPublishing'>,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply | undefined {
  return isPublishing ? undefined : sendElsewhere(context, request, reply);
}
