/**
 * Readings in quarantine: what an operator sees and decides. A decision is itself a reading, so that
 * it is durable, has its place among the others, and is carried out by the one decider.
 */
import type { Clock } from '../../devices/clock.ts';
import type { QuarantineEntry } from '../../ingest/observations/batch.ts';
import type { StoreReader } from '../../ingest/store/store.ts';
import { apiError } from '../errors.ts';
import type { ApiEvents } from '../events.ts';
import type { AppendReading } from './marker.ts';

export interface QuarantineAdminOptions {
  readonly store: StoreReader;
  readonly clock: Clock;
  readonly events: ApiEvents;
  readonly appendReading: AppendReading;
}

interface QuarantineQuery {
  readonly state?: QuarantineEntry['state'] | undefined;
  readonly device?: string | undefined;
  /** Only readings before this one. */
  readonly beforePosition?: number | undefined;
  readonly limit: number;
}

interface QuarantinePage {
  /** Newest first; all entries of one reading are on one page. */
  readonly entries: readonly QuarantineEntry[];
  /** Goes on before this position; null at the end. */
  readonly nextBeforePosition: number | null;
}

interface QuarantineDecision {
  readonly position: number;
  /** Dismisses only this channel of the reading; null or absent: all. A replay is of all. */
  readonly channel?: string | null | undefined;
  readonly reason?: string | undefined;
  readonly actor: string;
}

export interface QuarantineAdmin {
  list(query: QuarantineQuery): QuarantinePage;
  /** All entries of one reading. Throws API_QUARANTINE_UNKNOWN. */
  detail(position: number): readonly QuarantineEntry[];
  /** Offers the reading again. Returns the place of the decision in `readings`. */
  replay(decision: QuarantineDecision): Promise<number>;
  /** Ends it without observations. */
  dismiss(decision: QuarantineDecision): Promise<number>;
}

export function createQuarantineAdmin(options: QuarantineAdminOptions): QuarantineAdmin {
  const { store, clock, events } = options;

  function detail(position: number): readonly QuarantineEntry[] {
    const entries = entriesOf(store, position);
    if (entries.length === 0) throw apiError('API_QUARANTINE_UNKNOWN', { parameter: 'position' });
    return entries;
  }

  async function decide(
    decision: 'replay' | 'dismiss',
    { position, channel, reason, actor }: QuarantineDecision,
  ): Promise<number> {
    const entries = detail(position).filter(
      (entry) => channel === undefined || channel === null || entry.channel === channel,
    );
    const entry = entries.find(({ state }) => state === 'open');
    if (entries.length === 0) throw apiError('API_QUARANTINE_UNKNOWN', { parameter: 'channel' });
    if (entry === undefined) throw apiError('API_QUARANTINE_SETTLED', { parameter: 'position' });
    const subject = decision === 'replay' ? { position } : { decision, position, channel };
    const text = JSON.stringify({ ...subject, actor, reason });
    const place = await options.appendReading({
      kind: decision === 'replay' ? 'replay' : 'decision',
      door: 'internal',
      receivedAt: clock.now(),
      device: entry.device,
      topic: entry.topic,
      payload: Buffer.from(text),
    });
    events.quarantineDecided(decision, position, actor);
    return place;
  }

  return {
    list: (query) => pageOf(store, query),
    detail,
    replay: (decision) => decide('replay', decision),
    dismiss: (decision) => decide('dismiss', decision),
  };
}

/** The store never parts the entries of one reading: the next page begins before the last one. */
function pageOf(store: StoreReader, query: QuarantineQuery): QuarantinePage {
  const { state, device, beforePosition, limit } = query;
  const base = {
    ...(state === undefined ? {} : { state }),
    ...(device === undefined ? {} : { device }),
  };
  const entries = store.quarantine({
    ...base,
    limit,
    ...(beforePosition === undefined ? {} : { beforePosition }),
  });
  const last = entries.at(-1);
  if (last === undefined || entries.length < limit) return { entries, nextBeforePosition: null };
  const following = store.quarantine({ ...base, limit: 1, beforePosition: last.position });
  return { entries, nextBeforePosition: following.length === 0 ? null : last.position };
}

function entriesOf(store: StoreReader, position: number): readonly QuarantineEntry[] {
  return store
    .quarantine({ beforePosition: position + 1, limit: 1 })
    .filter((entry) => entry.position === position);
}
