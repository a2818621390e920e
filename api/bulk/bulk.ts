/** Files of closed months, as the API has them: their records, their making, their routes. */
import type { FastifyReply, FastifyRequest } from 'fastify';

import { CodedError } from '../../devices/coded-error.ts';
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
   * The files and the changes from here on are all rows that are open: it is before the first change
   * that is in none of them, so while a month has not ended, before its first row. Empty where that is longer
   * ago than changes can be followed.
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

  function joinAt(): number {
    const network = openNetworkOf(context);
    const isWhole = records
      .current()
      .every(({ dataset, content }) => network.isOpen(dataset, content));
    if (publisher === undefined || !isWhole) return 0;
    return Math.min(context.feed.position, publisher.firstChangeAt() - 1);
  }

  return {
    isPublishing,
    records,
    fileSystem,
    open,
    async cursor() {
      const { cursor } = await context.places.at(joinAt());
      try {
        await context.places.read(cursor, 'cursor');
        return cursor;
      } catch (error) {
        if (error instanceof CodedError && error.code === 'API_CURSOR_EXPIRED') return '';
        throw error;
      }
    },
    get state() {
      return `${records.generation} ${joinAt()}`;
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

/** Sends the client to the server that has what exists once; undefined where that is this one. */
export function sendToPublisher(
  context: ApiContext,
  { isPublishing }: Pick<Bulk, 'isPublishing'>,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply | undefined {
  return isPublishing ? undefined : sendElsewhere(context, request, reply);
}
