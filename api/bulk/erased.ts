/**
 * What the law has erased must be in no file that is ever given again: not in one of another dataset
 * that the series was in, nor in one that is not given now since a series of it is not open.
 */
import type { LocalTime } from '../../ingest/observations/local-time.ts';
import type { Position } from '../../ingest/log/log.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import { datasetsOf } from '../catalogue/datasets.ts';
import type { ApiContext } from '../context.ts';
import type { BulkEvents } from './events.ts';
import type { Marks } from './marks.ts';
import { monthOf, type Month } from './months.ts';
import { openNetworkOf, zonesOf } from './open-series.ts';
import type { BulkRecords, FileRecord } from './records.ts';

export interface ErasedOptions {
  readonly context: ApiContext;
  readonly records: BulkRecords;
  readonly events: BulkEvents;
  readonly marks: Marks;
  /** Of a zone. */
  readonly timeOf: (timeZone: string) => LocalTime;
}

interface DatasetMonth {
  readonly dataset: string;
  readonly month: Month;
}

/** Sees what is not open too. */
const operatorView = {
  principal: { kind: 'token', role: 'operator', subject: 'files' },
  key: 'operator:',
  actor: 'files',
} as const;

/**
 * First from the records: from here on nobody is given the files. Their bytes go as orphans; answers
 * whether there are any.
 */
export function forgetErased(
  options: ErasedOptions,
  row: ObservationRow,
  position: Position,
): boolean {
  const { context, records, events, marks } = options;
  const { registryVersion } = openNetworkOf(context);
  const held = filesOf(options, row);
  const months = new Map(
    [...placesOf(context, row), ...held].map(({ dataset, month }) => [
      `${dataset} ${month}`,
      { dataset, month },
    ]),
  );
  for (const { dataset, month } of months.values()) {
    // A file that is being made now may hold it, so that it must not be recorded.
    marks.mark({ dataset, month, changedUpTo: position, leastUpTo: position, registryVersion });
  }
  records.forget(held.map(({ path }) => path));
  for (const { dataset, month } of months.values()) {
    const files = held.filter((each) => each.dataset === dataset && each.month === month).length;
    if (files > 0) events.erased(dataset, month, files);
  }
  return held.length > 0;
}

type ByMonth = Map<Month, FileRecord[]>;

/** Of a list of files, which is another as soon as any of them is. */
const grouped = new WeakMap<readonly FileRecord[], ReadonlyMap<readonly string[], ByMonth>>();

/** Many rows may be erased at once, and few contents are shared by all files. */
function byContent(files: readonly FileRecord[]): ReadonlyMap<readonly string[], ByMonth> {
  const known = grouped.get(files);
  if (known !== undefined) return known;
  const made = new Map<readonly string[], ByMonth>();
  for (const file of files) {
    const months = made.get(file.content) ?? new Map<Month, FileRecord[]>();
    made.set(file.content, months);
    const found = months.get(file.month);
    if (found === undefined) months.set(file.month, [file]);
    else found.push(file);
  }
  grouped.set(files, made);
  return made;
}

/** Files with the series of the month in which the row was when they were made. */
function filesOf(
  { context, records, timeOf }: ErasedOptions,
  { series, endAt }: ObservationRow,
): readonly FileRecord[] {
  const datastream = context.registry.current().bySeries[series]?.id;
  if (datastream === undefined) return [];
  const found: FileRecord[] = [];
  for (const [content, months] of byContent(records.all())) {
    const zone = zonesOf(content).get(datastream);
    if (zone !== undefined) found.push(...(months.get(monthOf(endAt, timeOf(zone)).month) ?? []));
  }
  return found;
}

/** Where its files are, or would be if it were open. */
function placesOf(context: ApiContext, { series, endAt }: ObservationRow): readonly DatasetMonth[] {
  const view = context.networks.viewOf(operatorView);
  const known = view.rows.context(series);
  const dataset = known && datasetsOf(view).networkOf(known.datastream);
  if (known === undefined || dataset === undefined) return [];
  return [{ dataset: dataset.id, month: monthOf(endAt, known.time).month }];
}
