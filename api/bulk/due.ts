/** When the files of a month are to be made: once it has ended everywhere, and not at every change. */
import { createLocalTimes, type LocalTime } from '../../ingest/observations/local-time.ts';
import type { NetworkDataset } from '../catalogue/datasets.ts';
import type { ApiContext } from '../context.ts';
import type { MarkedMonth, Marks } from './marks.ts';
import { spanOf, type Month } from './months.ts';
import { openNetworkOf } from './open-series.ts';
import type { BulkRecords } from './records.ts';

const hourMs = 3_600_000;

/** Months to be made now, the newest first. */
export function createDue(
  context: ApiContext,
  records: BulkRecords,
  marks: Pick<Marks, 'all'>,
): () => readonly MarkedMonth[] {
  const { clock, config } = context;
  const closesAt = createClosing();

  function isDue({ dataset, month, since }: MarkedMonth): boolean {
    const network = openNetworkOf(context);
    const found = network.datasets.get(dataset);
    // What is left of a dataset that is no more is taken away at once.
    if (found === undefined) return true;
    const settledAt = closesAt(found, month) + config.bulkSettleHours * hourMs;
    const hasFiles = records
      .ofMonth(dataset, month)
      .some(({ state, content }) => state === 'current' && network.isOpen(dataset, content));
    const nowAt = clock.now();
    // Noted by a clock that was ahead, and has been mended since: it has been long enough.
    const isWaiting = hasFiles && since <= nowAt && nowAt < since + config.bulkDebounceMs;
    return nowAt >= settledAt && !isWaiting;
  }

  return () =>
    marks
      .all()
      .filter(isDue)
      .sort((a, b) => (a.month < b.month ? 1 : -1));
}

/** When the month has ended at all stations of the dataset. */
function createClosing(): (dataset: NetworkDataset, month: Month) => number {
  const timeOf = createLocalTimes();
  const ends = new Map<string, number>();
  const endOf = (month: Month, time: LocalTime): number => {
    const key = `${month} ${time.timeZone}`;
    let end = ends.get(key);
    if (end === undefined) ends.set(key, (end = spanOf(month, time).toAt));
    return end;
  };
  return (dataset, month) => {
    const zones = new Set(dataset.stations.map(({ timeZone }) => timeZone));
    return Math.max(...[...zones].map((zone) => endOf(month, timeOf(zone))));
  };
}
