/** The outbox of the node that publishes: it follows the registry and works off what is due. */
import type { Scheduled } from '../../devices/clock.ts';
import type { Random } from '../../devices/random.ts';
import type { Telemetry } from '../../devices/telemetry.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { publisherOf } from '../catalogue/dcat/publisher.ts';
import type { ReadFile } from '../certificate.ts';
import type { ApiContext } from '../context.ts';
import { apiError } from '../errors.ts';
import type { HookPorts } from '../hooks/open.ts';
import { createCkanAdapter } from './ckan-adapter.ts';
import { createCkanCall } from './ckan-call.ts';
import { createOutboxEvents } from './events.ts';
import { createSending } from './sending.ts';
import { createOutboxStore, type OutboxStore } from './store.ts';

export interface OutboxOptions extends HookPorts {
  readonly catalogue: Catalogue;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** Reads the file with the key. */
  readonly readFile: ReadFile;
}

export interface Outbox extends Pick<OutboxStore, 'items' | 'receipts'> {
  readonly portal: string;
  /** Everything that waits or was refused, or one dataset, is tried at once. Answers how many. */
  retry(dataset: string | undefined): number;
  close(): Promise<void>;
}

const roundMs = 1_000;

/** Undefined where no portal is configured. Throws API_OUTBOX_INCOMPLETE. */
export function openOutbox(context: ApiContext, options: OutboxOptions): Outbox | undefined {
  const { clock, kept } = context;
  const config = context.config.outbox;
  if (config === undefined) return undefined;
  const base = context.config.publicUrl?.replace(/\/+$/, '');
  if (base === undefined) throw apiError('API_OUTBOX_INCOMPLETE', { key: 'publicUrl' });
  const events = createOutboxEvents(options.telemetry);
  const store = createOutboxStore(kept, config.url);
  const readKey = async () => (await options.readFile(config.keyFile)).toString('utf8').trim();
  const call = createCkanCall({ ...options, ...config, readKey });
  const place = {
    base,
    publisher: publisherOf(context.config.catalogue, base),
    organization: config.organization,
    namePrefix: config.namePrefix,
  };
  const adapter = createCkanAdapter(call, place);
  const { checkMs } = config;
  const sending = createSending({
    ...options,
    context,
    adapter,
    store,
    clock,
    events,
    config,
    base,
  });
  let compareAtMs = -Infinity;
  let isClosed = false;
  let scheduled: Scheduled = clock.schedule(roundMs, run);
  let running: Promise<void> = Promise.resolve();

  async function work(): Promise<void> {
    const isNewer = context.networks.version > store.followed();
    if (isNewer || clock.monotonicMs() >= compareAtMs) {
      await sending.compare();
      compareAtMs = clock.monotonicMs() + checkMs;
    }
    while (!isClosed && (await sending.sendNext()));
  }

  function run(): void {
    running = work()
      .catch((error: unknown) => events.notCompared(error))
      .finally(() => {
        if (!isClosed) scheduled = clock.schedule(roundMs, run);
      });
  }

  return {
    portal: config.url,
    items: () => store.items(),
    receipts: (dataset, limit) => store.receipts(dataset, limit),
    retry: (dataset) => store.retry(dataset, clock.now()),
    async close() {
      isClosed = true;
      scheduled.cancel();
      await running;
    },
  };
}
