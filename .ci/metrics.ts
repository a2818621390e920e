/** Every metric that the product can tell, with its labels, by asking whoever registers them. */
import { tmpdir } from 'node:os';
import { createApiEvents } from '../api/events.ts';
import { createManifestEvents } from '../api/manifests/events.ts';
import { createBulkEvents } from '../api/bulk/events.ts';
import { createOutboxEvents } from '../api/outbox/events.ts';
import { createHookEvents } from '../api/hooks/events.ts';
import { balanceText as balanceOfMachine } from '../api/balance.ts';
import {
  createAccessFileEvents,
  createBrokerEvents,
  createFollowerEvents,
  createReplicationEvents,
} from '../broker/events.ts';
import { createManualClock } from '../devices/clock-manual.ts';
import { createDevicesEvents } from '../devices/events.ts';
import { createRecordedTelemetry } from '../devices/telemetry-silent.ts';
import type { Metrics, Telemetry } from '../devices/telemetry.ts';
import { openClockWatch } from '../ingest/cluster/clock-watch.ts';
import { openCopyEvents } from '../ingest/cluster/copy/events.ts';
import { createForwardEvents } from '../ingest/cluster/forward/events.ts';
import { openPartitionEvents } from '../ingest/cluster/partition-events.ts';
import { createRegistryEvents } from '../ingest/cluster/registry/events.ts';
import { balanceText, loggedText } from '../ingest/cluster/workers-balance.ts';
import type { Workers } from '../ingest/cluster/workers.ts';
import { openIngestEvents } from '../ingest/events.ts';
import { createLogEvents } from '../ingest/log/events.ts';
import { noTotals } from '../ingest/observations/batch.ts';
import { openInfluxEvents } from '../ingest/store/influx/events.ts';
import { openStoreEvents } from '../ingest/store/events.ts';
import { openProcessMetrics } from '../process-metrics.ts';

/** Label names by metric, `le` for a histogram. */
export type KnownMetrics = ReadonlyMap<string, ReadonlySet<string>>;

export async function readKnownMetrics(): Promise<KnownMetrics> {
  const known = new Map<string, Set<string>>();
  const note = (name: string, labels: readonly string[]): void => {
    known.set(name, (known.get(name) ?? new Set()).union(new Set(labels)));
  };
  const telemetry = noting(note);
  for (const log of ['readings', 'observations']) createLogEvents(telemetry, log);
  createBrokerEvents(telemetry, () => 0);
  createApiEvents(telemetry);
  createManifestEvents(telemetry);
  createBulkEvents(telemetry);
  createHookEvents(telemetry);
  createOutboxEvents(telemetry);
  createDevicesEvents(telemetry);
  createForwardEvents(telemetry);
  createRegistryEvents(telemetry);
  createReplicationEvents(telemetry);
  createFollowerEvents(telemetry);
  createAccessFileEvents(telemetry);
  openClockWatch(telemetry, 'link');
  openCopyEvents(telemetry);
  openInfluxEvents(telemetry);
  openIngestEvents(telemetry);
  openPartitionEvents(telemetry);
  openStoreEvents(telemetry);
  for (const text of [processText(), balanceTexts()]) noteSamples(await text, note);
  return known;
}

type Note = (name: string, labels: readonly string[]) => void;

/** Gives what the recording one gives, and notes what it is asked for. */
function noting(note: Note): Telemetry {
  const { logger, metrics } = createRecordedTelemetry();
  const noted: Metrics = {
    counter(name, help, labels = []) {
      note(name, labels);
      return metrics.counter(name, help, labels);
    },
    gauge(name, help, labels = []) {
      note(name, labels);
      return metrics.gauge(name, help, labels);
    },
    histogram(name, help, buckets) {
      note(name, ['le']);
      return metrics.histogram(name, help, buckets);
    },
  };
  return { logger, metrics: noted };
}

async function processText(): Promise<string> {
  const cluster = { node: 1, partitions: 1 } as never;
  const figures = await openProcessMetrics({
    configuration: { logLevel: 'info', role: 'all', cluster },
    clock: createManualClock(0),
    path: tmpdir(),
  });
  return figures.text();
}

async function balanceTexts(): Promise<string> {
  const sources = [{ node: 1, position: 1, sequence: 1 }];
  const stats = { totals: noTotals, sources, readingsInFlight: 0 };
  const workers = { partitions: new Map([[0, { ingest: { stats } }]]) } as unknown as Workers;
  const balance = { readingsLogged: 0, readingsInFlight: 0, totals: noTotals };
  return balanceText(workers) + loggedText(1, 0, 0) + balanceOfMachine(balance);
}

function noteSamples(text: string, note: Note): void {
  for (const [, name = '', labels = ''] of text.matchAll(/^(quantrac_\w+)(?:\{(.*)\})? /gm)) {
    note(
      name,
      [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label),
    );
  }
}

/** Names and labels in PromQL that nothing tells; `recorded` are names of recording rules. */
export function strangersIn(
  expression: string,
  known: KnownMetrics,
  recorded: ReadonlySet<string> = new Set(),
): string[] {
  const strangers: string[] = [];
  for (const [, name = '', matchers = ''] of expression.matchAll(
    /(?<![\w:])(quantrac[\w:]+)(?:\{([^}]*)\})?/g,
  )) {
    if (recorded.has(name)) continue;
    const metric = known.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
    const labels = known.get(metric);
    if (labels === undefined) {
      strangers.push(name);
      continue;
    }
    for (const [, label = ''] of matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) {
      if (label !== 'instance' && !labels.has(label)) strangers.push(`${name}{${label}}`);
    }
  }
  return strangers;
}
