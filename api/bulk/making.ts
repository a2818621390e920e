/** Has the files of one month made by the thread for it, and says by their records that they exist. */
import type { Position } from '../../ingest/log/log.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import type { RangeQuery } from '../../ingest/store/store.ts';
import type { NetworkDataset } from '../catalogue/datasets.ts';
import type { ApiContext } from '../context.ts';
import type { Moment } from '../../ingest/feed/places/places.ts';
import type { BulkEvents } from './events.ts';
import type { MonthMaker, OpenMaker } from './maker.ts';
import type { MarkedMonth, Marks } from './marks.ts';
import { openNetworkOf, type OpenNetwork } from './open-series.ts';
import type { BulkRecords, NewFile } from './records.ts';
import { taskOf } from './task.ts';

export interface MakingOptions {
  readonly context: ApiContext;
  readonly records: BulkRecords;
  readonly marks: Marks;
  readonly events: BulkEvents;
  /** Null where the view may lack rows, which then are asked of this thread. */
  readonly viewPath: string | null;
  readonly openMaker: OpenMaker;
}

export interface Making {
  /** Makes them, or lets them wait for what the database does not hold yet. */
  makeOne(entry: MarkedMonth): Promise<void>;
  /** Ends the thread, and with it what it is making. */
  end(): Promise<void>;
  /** What is made from now on is not recorded. */
  stop(): void;
}

interface Pinned {
  readonly maker: MonthMaker;
  readonly position: Position;
  readonly moment: Moment;
}

export function openMaking(options: MakingOptions): Making {
  const { context, records, marks } = options;
  const { clock } = context;
  let maker: MonthMaker | undefined;
  let pinned: Pinned | undefined;
  let isStopped = false;

  /** Rows for the thread, where it cannot read them by itself. */
  async function range(query: RangeQuery): Promise<readonly ObservationRow[]> {
    if (pinned === undefined) throw new Error('rows were asked for without a moment');
    const { moment } = pinned;
    return context.questions.range({ ...query, asOf: moment.pinOf(query.series) }, moment);
  }

  /** Undefined while the database does not hold the changes yet: a later look finds them there. */
  async function pin(entry: MarkedMonth): Promise<Pinned | undefined> {
    const { filesFolder } = context;
    maker ??= options.openMaker({ filesFolder, viewPath: options.viewPath, range });
    const position = (await maker.position()) ?? context.store.position;
    entry.wantedUpTo ??= entry.changedUpTo;
    if (position < Math.max(entry.wantedUpTo, entry.leastUpTo)) return undefined;
    await context.feed.waitFor(position);
    pinned = { maker, position, moment: await context.places.at(position) };
    return pinned;
  }

  async function make(
    entry: MarkedMonth,
    network: OpenNetwork,
    dataset: NetworkDataset,
  ): Promise<void> {
    const { month } = entry;
    const at = await pin(entry);
    if (at === undefined) return;
    const beganMs = clock.monotonicMs();
    const files = await at.maker.make(
      taskOf(network, dataset, {
        month,
        cursor: at.moment.cursor,
        madeAt: clock.now(),
        baseUrl: context.config.publicUrl?.replace(/\/+$/, '') ?? null,
      }),
    );
    // An observation was erased meanwhile: these files hold it, and are orphans.
    if (isStopped || entry.leastUpTo > at.position) return;
    if (files.length === 0) records.supersede(dataset.id, month, clock.now());
    else records.replace(files, clock.now());
    const { registryVersion } = network;
    marks.settle(dataset.id, month, { position: at.position, registryVersion });
    tellMade(options.events, { entry, files, seconds: (clock.monotonicMs() - beganMs) / 1_000 });
  }

  return {
    async makeOne(entry) {
      const network = openNetworkOf(context);
      const dataset = network.datasets.get(entry.dataset);
      if (dataset !== undefined) return make(entry, network, dataset);
      const { registryVersion } = network;
      records.supersede(entry.dataset, entry.month, clock.now());
      const { position } = context.feed;
      marks.settle(entry.dataset, entry.month, { position, registryVersion });
    },
    async end() {
      const ending = maker;
      maker = undefined;
      pinned = undefined;
      await ending?.close();
    },
    stop() {
      isStopped = true;
    },
  };
}

function tellMade(
  events: BulkEvents,
  made: {
    readonly entry: MarkedMonth;
    readonly files: readonly NewFile[];
    readonly seconds: number;
  },
): void {
  const { entry, files, seconds } = made;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const { dataset, month } = entry;
  events.made({ dataset, month, rows: files[0]?.rows ?? 0, bytes, seconds });
}
