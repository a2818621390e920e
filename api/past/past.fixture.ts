/** A network of which one node holds everything and another begins at a horizon. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRecordedTelemetry } from '../../devices/telemetry-silent.ts';
import type { ObservationKey, ObservationRow } from '../../ingest/observation.ts';
import { decodeBatch, encodeBatch } from '../../ingest/observations/batch-codec.ts';
import { noTotals, type Batch } from '../../ingest/observations/batch.ts';
import { storeConfigSchema } from '../../ingest/store/config.ts';
import { endsOfDay, dayOf } from '../../ingest/store/directory.ts';
import { historyOf, type HistoryReader } from '../../ingest/store/history.ts';
import type { StoreReader } from '../../ingest/store/store.ts';
import { openStoreWriter, type ViewWriter } from '../../ingest/store/writer.ts';
import { createSettableClock } from '../settable-clock.fixture.ts';
import {
  openTestNetwork,
  testPartitions,
  type TestNetwork,
  type TestNetworkOptions,
  type TestNode,
} from '../places/network.fixture.ts';
import { startAt } from '../api.fixture.ts';
import type { PastOptions } from './past.ts';

export const dayMs = 86_400_000;
const minuteMs = 60_000;

/** Everything that ends then or later comes behind the floors. */
export const knownFromAt = endsOfDay(dayOf(startAt + 5 * dayMs)).fromAt;

export interface RowSeed {
  /** Which of `streams`. */
  readonly stream: number;
  /** In steps of 90 minutes from the start. */
  readonly step: number;
  readonly value: number;
  readonly kind: 'value' | 'history' | 'deletion' | 'backfill' | 'fail';
}

export const streams = [
  'garden-temperature',
  'ha-noi-temperature',
  'ha-noi-direction',
  'hue-rain',
  'kathmandu-temperature',
] as const;

const stepMs = 90 * minuteMs;
export const oldSteps = Math.floor((knownFromAt - startAt) / stepMs);

export interface PastScene {
  readonly net: TestNetwork;
  /** Holds everything. */
  readonly whole: TestNode;
  /** Begins at the horizon. */
  readonly late: TestNode;
  readonly tell: (seed: RowSeed) => void;
  /** In the hands of the test. */
  readonly state: { away: Error | undefined; asked: number; notedMax: number };
  close(): Promise<void>;
}

interface Told {
  current: number;
  history: number;
  isGone: boolean;
}

/** Publishes a batch for each seed; rows number their revisions by key. */
function createTeller(net: TestNetwork): (seed: RowSeed) => void {
  const revisions = new Map<string, Told>();
  let at = startAt;
  return (seed) => {
    const datastream = streams[seed.stream % streams.length]!;
    const endAt = startAt + seed.step * stepMs;
    const name = `${datastream} ${endAt}`;
    const known = revisions.get(name) ?? { current: -1, history: -1, isGone: false };
    revisions.set(name, known);
    const isHistory = seed.kind === 'history' && known.current >= 0;
    const isDeletion = seed.kind === 'deletion' && known.current >= 0 && !known.isGone;
    const revision = isHistory ? known.history-- : ++known.current;
    if (!isHistory) known.isGone = isDeletion;
    const change: Partial<ObservationRow> = {
      revision,
      current: !isHistory,
      type: isDeletion ? 'deletion' : revision === 0 ? 'insert' : 'correction',
      result: isDeletion ? null : seed.value,
      rank: {
        klass: 1,
        at: endAt + 1_000 + (isHistory ? revision : known.current),
        node: 1,
        position: 1,
      },
    };
    const row = net.row(datastream, endAt, change);
    const verdict = {
      ...row.verdict,
      ...(seed.kind === 'fail' ? { flag: 4 as const } : {}),
      ...(seed.kind === 'backfill' ? { qualifiers: 4_096 } : {}),
      ...(isDeletion ? { flag: 9 as const, reason: 'ERASED' as const } : {}),
    };
    at += 60_000;
    net.setNow(at);
    net.publish([{ ...row, verdict }]);
  };
}

export async function openPastScene(
  old: readonly RowSeed[],
  options: TestNetworkOptions = {},
): Promise<PastScene> {
  const net = await openTestNetwork(options);
  const whole = net.nodes[0]!;
  const tell = createTeller(net);
  for (const seed of old) tell({ ...seed, step: seed.step % oldSteps });
  await whole.takeAll();
  const floors = net.batches.map((batches) => batches.length);
  const state = { away: undefined as Error | undefined, asked: 0, notedMax: Infinity };
  const stored = createStored(net);
  const late = await net.join({
    floors,
    begin: {
      position: 0,
      batch: {
        publishedAt: 0,
        consumed: 0,
        registryVersion: 0,
        totals: noTotals,
        sources: undefined,
      },
      horizon: { knownFromAt, floors, knowsLatest: false },
    },
    past: pastOf(net, stored, state),
  });
  return {
    net,
    whole,
    late,
    tell,
    state,
    async close() {
      await net.close();
      stored.close();
    },
  };
}

/** One view a partition, whose positions are numbers of batches. */
function createStored(net: TestNetwork) {
  const root = mkdtempSync(join(tmpdir(), 'quantrac-past-'));
  const views = Array.from({ length: testPartitions }, (_, partition) =>
    openStoreWriter({
      path: join(root, `${partition}.db`),
      config: storeConfigSchema.parse({}),
      clock: createSettableClock(startAt),
      telemetry: createRecordedTelemetry(),
      isCircular: (series) => net.nodes[0]!.series('ha-noi-direction') === series,
      storeId: String(partition),
      logEnd: 0,
    }),
  );
  return {
    /** Whoever stores is as far as there is. */
    of(partition: number): ViewWriter {
      const view = views[partition]!;
      for (const [at, { rows, more }] of net.batches[partition]!.entries()) {
        if (at >= view.position) view.apply(at + 1, batchOf(at + 1, rows, more));
      }
      return view;
    },
    close() {
      for (const view of views) view.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function batchOf(position: number, rows: readonly ObservationRow[], more: Partial<Batch>): Batch {
  const publishedAt = more.publishedAt ?? 0;
  return decodeBatch(
    position,
    encodeBatch({
      publishedAt,
      consumed: position,
      totals: noTotals,
      registryVersion: 1,
      rows: rows.map((row) => ({ ...row, publishedAt })),
      quarantined: [],
      control: [],
    }),
  );
}

function pastOf(
  net: TestNetwork,
  stored: ReturnType<typeof createStored>,
  state: PastScene['state'],
): PastOptions {
  const registry = net.nodes[0]!.registry.current();
  function of(series: number): StoreReader {
    state.asked++;
    if (state.away !== undefined) throw state.away;
    return stored.of(net.partitionOf(registry.bySeries[series]?.id ?? ''));
  }
  const history: HistoryReader = {
    range: async (query) => historyOf(of(query.series)).range(query),
    revisions: async (key: ObservationKey) => historyOf(of(key.series)).revisions(key),
    kept: async (query) => historyOf(of(query.series)).kept(query),
    hours: async (series, fromAt, toAt) => historyOf(of(series)).hours(series, fromAt, toAt),
    series: async () => [],
    async newest(series) {
      const found = new Map<number, ObservationRow>();
      for (const one of series) {
        const row = of(one).latest(one);
        if (row !== undefined) found.set(one, row);
      }
      return found;
    },
  };
  return {
    history,
    noted: async () =>
      new Map(
        net.batches.map((batches, partition) => [
          partition,
          Math.min(state.notedMax, batches.length),
        ]),
      ),
    async publishedBy(at, partition, upTo) {
      if (state.away !== undefined) throw state.away;
      const numbers = net.batches[partition]!.map(({ more }) => more.publishedAt ?? 0);
      return Math.min(upTo, numbers.findLastIndex((publishedAt) => publishedAt <= at) + 1);
    },
  };
}
