/** A platform whose view and registry are at hand: a data folder, a backup. */
import type { Registry } from '../../devices/registry.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import { maskOf } from '../../ingest/quality.ts';
import { keptPages, keysOf } from '../../ingest/store/digest.ts';
import type { StoreReader } from '../../ingest/store/store.ts';
import { createWindowTable } from '../formats/window-table.ts';
import { plainFunctions } from '../windows/functions.ts';
import type { NetworkView } from '../network.ts';
import { readSpan } from '../routes/observations.ts';
import { askView } from '../questions.ts';
import { stepWindows } from '../windows/steps.ts';
import { windowText } from './window-text.ts';
import type { ComparedDatastream, Platform } from './platform.ts';

export interface HeldPlatformOptions {
  readonly name: string;
  readonly store: StoreReader;
  /** What may be compared of it. */
  readonly view: NetworkView;
}

export function heldPlatform({ name, store, view }: HeldPlatformOptions): Platform {
  const { registry, rows } = view;
  const seriesOf = ({ id }: ComparedDatastream): number => registry.datastreams.get(id)!.series;
  const idOf = (row: ObservationRow): string => rows.context(row.series)!.id(row);
  return {
    name,
    datastreams: async () =>
      view.datastreams.map(({ id, property }) => ({ id, unit: unitOf(registry, property) })),
    async *keys(datastream) {
      const asOf = store.position;
      for (const page of keptPages(store, seriesOf(datastream), asOf)) {
        for (const kept of keysOf(page)) {
          const [newest] = kept;
          if (newest === undefined || !newest.current || newest.type === 'deletion') continue;
          const { startAt, endAt, heightMm, verdict } = newest;
          const isTimed = (verdict.qualifiers & clockMask) === 0;
          yield { id: idOf(newest), startAt, endAt, heightMm, rows: kept, isTimed };
        }
      }
    },
    async *windows({ id }, window) {
      const table = createWindowTable(view, window, plainFunctions);
      const steps = stepWindows({
        questions: askView(store),
        view,
        datastreams: [registry.datastreams.get(id)!],
        window,
        ...readSpan({}),
        order: 'asc',
        flags: null,
        functions: plainFunctions,
        after: undefined,
        limit: Number.POSITIVE_INFINITY,
        rowsPerReadMax,
        valuesMax: 0,
        moment: { pinOf: () => store.position },
        hasChanged: () => false,
      });
      for await (const windows of steps) {
        for (const shown of windows) {
          const { startAt, endAt } = shown.window;
          const text = windowText(JSON.parse(table.json(shown)) as Record<string, unknown>);
          yield { startAt, endAt, text };
        }
      }
    },
    async latest() {
      const newest = new Map<string, string>();
      for (const { id, series } of view.datastreams) {
        const row = store.latest(series);
        if (row !== undefined) newest.set(id, idOf(row));
      }
      return newest;
    },
    position: async () => String(store.position),
  };
}

const clockMask = maskOf(['CLOCK']);
const rowsPerReadMax = 1_000;

function unitOf(registry: Registry, property: string): string {
  return registry.properties.get(property)?.unit ?? '';
}
