/**
 * A copy that begins at a horizon lacks the newest row of whoever has been silent for longer: these
 * are asked of InfluxDB once, of all series together, so that the list of the latest and what is
 * retained of it for subscribers is whole.
 */
import { sleep, type Clock } from '../../../devices/clock.ts';
import type { RegistryReader } from '../../../devices/registry.ts';
import { ingestError } from '../../errors.ts';
import type { StoreWriter } from '../../store/store.ts';
import { pause } from '../../pause.ts';
import type { CopyEvents } from './events.ts';
import type { Past } from '../past.ts';

export interface SeedingOptions {
  readonly store: Pick<StoreWriter, 'horizon'>;
  readonly past: Past;
  readonly registry: Pick<RegistryReader, 'refresh'>;
  readonly clock: Clock;
  readonly events: Pick<CopyEvents, 'seeded' | 'seedingFailed'>;
}

const retryMs = 5_000;
/** Rows of one transaction: other work has its turn in between. */
const rowsAtOnce = 64;

/** In the background, and again until it is done. */
export function seedLatest(options: SeedingOptions): { close(): Promise<void> } {
  const { store, clock, events } = options;
  const stopping = new AbortController();
  const { signal } = stopping;

  async function run(): Promise<void> {
    while (!signal.aborted && !store.horizon.knowsLatest) {
      try {
        events.seeded(await seed(options, signal));
      } catch (error) {
        events.seedingFailed(error);
        await pause(clock, retryMs, signal);
      }
    }
  }

  const running = run();
  return {
    async close() {
      stopping.abort();
      await running;
    },
  };
}

async function seed(
  { store, past, registry, clock }: SeedingOptions,
  signal: AbortSignal,
): Promise<number> {
  const { horizon } = store;
  const noted = await past.noted();
  for (const [partition, floor] of horizon.floors.entries()) {
    const stored = noted.get(partition) ?? 0;
    if (stored < floor) throw ingestError('INGEST_HISTORY_BEHIND', { partition, stored, floor });
  }
  const series = registry.refresh().bySeries.flatMap((found, number) => (found ? [number] : []));
  const rows = [...(await past.history.newest(series)).values()];
  for (let from = 0; from < rows.length || from === 0; from += rowsAtOnce) {
    if (signal.aborted) break;
    const isLast = from + rowsAtOnce >= rows.length;
    horizon.seed(rows.slice(from, from + rowsAtOnce), isLast);
    await sleep(clock, 0);
  }
  return rows.length;
}
