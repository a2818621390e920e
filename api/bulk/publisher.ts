/**
 * Keeps the files of closed months as the rows are: looks after every step what is to be made, has
 * one month made at a time, and removes what has served its time. Whatever fails is told and tried
 * again; readers meanwhile get what is still true.
 */
import type { Scheduled } from '../../devices/clock.ts';
import type { FileSystem } from '../../ingest/log/file-system.ts';
import type { Position } from '../../ingest/log/log.ts';
import { createLocalTimes } from '../../ingest/observations/local-time.ts';
import type { Erasures } from '../citations/erasures.ts';
import type { ApiContext } from '../context.ts';
import { createDue } from './due.ts';
import type { BulkEvents } from './events.ts';
import { openBulkFollowing } from './follow.ts';
import { forgetErased } from './erased.ts';
import { openHousekeeping } from './housekeeping.ts';
import type { OpenMaker } from './maker.ts';
import { openMaking } from './making.ts';
import { createMarks } from './marks.ts';
import type { BulkRecords } from './records.ts';

export interface Publisher {
  /** Position of the first change that is in no file; Infinity where there is none. */
  firstChangeAt(): Position;
  close(): Promise<void>;
}

export interface PublisherOptions {
  readonly context: ApiContext;
  readonly records: BulkRecords;
  readonly events: BulkEvents;
  readonly fileSystem: FileSystem;
  /** Null where the view may lack rows, which then are asked of this thread. */
  readonly viewPath: string | null;
  readonly openMaker: OpenMaker;
  /** Told of every erased observation; nothing is kept as followed before it has settled. */
  readonly erasures: Erasures;
}

const lookMs = 1_000;

export function openPublisher(options: PublisherOptions): Publisher {
  const { context, records, events } = options;
  const { clock, config } = context;
  const marks = createMarks(() => clock.now());
  const housekeeping = openHousekeeping({ ...options, marks });
  const making = openMaking({ ...options, marks });
  const erasing = { context, records, events, marks, timeOf: createLocalTimes() };
  const due = createDue(context, records, marks);
  const following = openBulkFollowing({
    context,
    records,
    marks,
    settled: () => options.erasures.settled(),
    onGap: () => options.erasures.lookAtRows(),
    onDamage: (first, last) => events.damaged(first, last),
    onErased(row, position) {
      options.erasures.note(row);
      if (forgetErased(erasing, row, position)) housekeeping.lookAgain();
    },
  });
  let retryAtMs = -Infinity;
  let isClosed = false;

  async function makeDue(): Promise<void> {
    const entries = due();
    events.waiting(entries.length);
    for (const entry of entries) {
      if (isClosed) return;
      await making.makeOne(entry);
      await following.save();
    }
    if (due().length === 0) await making.end();
  }

  async function look(): Promise<void> {
    if (clock.monotonicMs() < retryAtMs) return;
    try {
      await following.catchUp();
      options.erasures.begin();
      await options.erasures.settled();
      await housekeeping.tidy();
      await makeDue();
      if (!isClosed) await following.save();
      events.recovered();
    } catch (error) {
      if (isClosed) return;
      retryAtMs = clock.monotonicMs() + config.bulkRetryMs;
      housekeeping.lookAgain();
      events.failed(error);
      await making.end();
    }
  }

  const looking = repeat(context, look);
  return {
    firstChangeAt() {
      if (!following.isWhole) return 1;
      return marks
        .all()
        .reduce((first, { firstAt }) => Math.min(first, firstAt), following.openingsFrom);
    },
    async close() {
      isClosed = true;
      making.stop();
      following.close();
      // Work under way ends with its thread; what it has written is removed at the next start.
      const ended = looking.end();
      await making.end();
      await ended;
      await making.end();
    },
  };
}

/** Runs it again and again, always so long after it has ended. */
function repeat({ clock }: ApiContext, run: () => Promise<void>): { end(): Promise<void> } {
  let scheduled: Scheduled | undefined;
  let isEnded = false;
  let running = Promise.resolve();
  const again = (): void => {
    running = run().then(() => {
      if (!isEnded) scheduled = clock.schedule(lookMs, again);
    });
  };
  again();
  return {
    end() {
      isEnded = true;
      scheduled?.cancel();
      return running;
    },
  };
}
