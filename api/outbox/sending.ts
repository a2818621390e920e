/**
 * What is to be at the portal, and bringing it there: one dataset after another. State is kept, not
 * steps: whatever was lost, what is wanted and what is confirmed say what is left to do.
 */
import type { Clock } from '../../devices/clock.ts';
import { CodedError } from '../../devices/coded-error.ts';
import type { Random } from '../../devices/random.ts';
import { describeEach, type Catalogue } from '../catalogue/catalogue.ts';
import type { ApiContext } from '../context.ts';
import { viewerOf } from '../viewer.ts';
import type { OutboxConfig } from './config.ts';
import type { OutboxEvents } from './events.ts';
import type { PortalAdapter, Submitted } from './portal.ts';
import type { OutboxItem, OutboxStore } from './store.ts';

export interface SendingOptions {
  readonly context: Pick<ApiContext, 'networks' | 'registry'>;
  readonly catalogue: Catalogue;
  readonly adapter: PortalAdapter;
  readonly store: OutboxStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: OutboxEvents;
  readonly config: Pick<OutboxConfig, 'retryMsMin' | 'retryMsMax'>;
  readonly base: string;
}

export interface Sending {
  /** Compares what everybody sees with what is wanted at the portal. */
  compare(): Promise<void>;
  /** Tries what is due; false where nothing is. Never rejects for what a portal does. */
  sendNext(): Promise<boolean>;
}

export function createSending(options: SendingOptions): Sending {
  const { store, clock, events } = options;

  async function compare(): Promise<void> {
    const { version } = options.context.networks;
    // A node that has not caught up with its registry yet sees less than there is: nothing is
    // withdrawn for that.
    if (version < store.followed()) return;
    store.want(await describeAll(options), version, clock.now());
    countWaiting();
  }

  function countWaiting(): void {
    events.waiting(store.items().filter(({ state }) => state !== 'done').length);
  }

  return {
    compare,
    async sendNext() {
      const item = store.due(clock.now(), options.config.retryMsMax);
      if (item === undefined) return false;
      try {
        const submit = await prepare(options, item);
        if (submit === undefined) {
          await compare();
          return true;
        }
        store.begin(item);
        const submitted = await submit();
        store.confirm(item, submitted, clock.now());
        events.tried(submitted.action, item.dataset);
      } catch (error) {
        noteFailure(options, item, error);
      }
      countWaiting();
      return true;
    },
  };
}

/** Hashes of everything that is open, by dataset. */
async function describeAll(options: SendingOptions): Promise<ReadonlyMap<string, string>> {
  const { catalogue, adapter, base } = options;
  const view = openView(options);
  await catalogue.follow();
  const items = catalogue.items(view, ['network']);
  const hashes = new Map<string, string>();
  for await (const entry of describeEach(catalogue, view, { items, base })) {
    hashes.set(entry.id, adapter.describe(entry).hash);
  }
  return hashes;
}

function openView({ context }: SendingOptions) {
  return context.networks.viewOf(viewerOf(context.registry, undefined));
}

/** Undefined where what is wanted is not what there is any more: it has to be compared anew. */
async function prepare(
  options: SendingOptions,
  { dataset, wanted }: OutboxItem,
): Promise<(() => Promise<Submitted>) | undefined> {
  const { catalogue, adapter, base } = options;
  if (wanted === null) return () => adapter.withdraw(dataset);
  const view = openView(options);
  const item = catalogue.find(view, dataset);
  if (item === undefined) return undefined;
  await catalogue.follow();
  const description = adapter.describe(await catalogue.describe(view, item, base));
  return description.hash === wanted ? () => adapter.put(description) : undefined;
}

function noteFailure(options: SendingOptions, item: OutboxItem, error: unknown): void {
  const { store, clock, events } = options;
  const at = clock.now();
  const isRefused = error instanceof CodedError && error.code === 'API_PORTAL_REFUSED';
  const told = error instanceof CodedError ? error.fields : {};
  const { reason, answer } = told as { readonly reason?: string; readonly answer?: string };
  const message = error instanceof Error ? error.message : 'It failed.';
  store.fail(item, {
    at,
    error: reason === undefined ? message : `${message} (${reason})`,
    answer: answer ?? reason ?? message,
    nextAt: isRefused ? undefined : at + waitMs(options, item.attempts),
  });
  events.tried(isRefused ? 'refused' : 'failed', item.dataset);
}

/** Doubled with each failure, and somewhere in the upper half of it: not all come back at once. */
function waitMs({ config, random }: SendingOptions, attempts: number): number {
  const wholeMs = Math.min(config.retryMsMax, config.retryMsMin * 2 ** Math.min(attempts, 30));
  return Math.round(wholeMs * (0.5 + random.next() / 2));
}
