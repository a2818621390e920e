/**
 * The live stream: hands each batch to every client that is up to date, and lets the others read the
 * log until they are. A change is made into text once for all clients, and what clients of the same
 * interest get is joined once. A client is attached in the same turn of the event loop in which it
 * was found to be level with the feed, so nothing falls between its reading and the stream.
 */
import type { Clock, Scheduled } from '../../devices/clock.ts';
import type { Datastream } from '../../devices/model.ts';
import type { Position } from '../log/log.ts';
import type { Batch } from '../observations/batch.ts';
import type { PublicRows } from '../observations/public-row.ts';
import type { FeedEvents, ListenerEnd } from './events.ts';
import type { FeedPlace, Passage, FeedPlaces } from './places/places.ts';
import {
  changeText,
  itemsOf,
  rowChange,
  type FeedItem,
  type Interest,
  type RegistryAt,
} from './changes.ts';
import { excuse, isFrozen, openClient, writeTo, type Client, type Sink } from './client.ts';
import type { Chunk, Framing, ToldChange } from './framing.ts';
import type { Feed, LogSource } from './feed.ts';
import { openChangeReader } from './reading.ts';
import { createSlots, type Slots } from './slots.ts';

export type HubEvents = Pick<FeedEvents, 'listenerOpened' | 'listenerClosed' | 'followFailed'>;

/** What each key means is said where an operator sets it. */
export interface HubConfig {
  readonly liveClientsMax: number;
  readonly liveBufferBytesMax: number;
  readonly liveFrozenMs: number;
  readonly liveHeartbeatMs: number;
  readonly liveCatchUpsMax: number;
  readonly changesScanBytesMax: number;
}

export interface HubOptions {
  readonly feed: Feed;
  readonly source: LogSource;
  readonly places: FeedPlaces;
  readonly registryAt: RegistryAt;
  readonly clock: Clock;
  readonly events: HubEvents;
  readonly config: HubConfig;
}

/** What clients of one kind share; asked for again whenever the registry has a new version. */
export interface GroupView {
  readonly interest: Interest;
  /** The same object as long as the version is the same. */
  readonly rows: PublicRows;
}

export interface ConnectOptions<Written extends Chunk> {
  /** Clients with the same text, and the same framing, get the same bytes. */
  readonly group: string;
  readonly framing: Framing<Written>;
  /** The interest at this moment; the same object as long as nothing has changed. */
  readonly view: () => GroupView;
  readonly sink: Sink<Written>;
  readonly from: FeedPlace;
  readonly isAllowed: () => boolean;
}

interface Group<Written extends Chunk> {
  readonly view: () => GroupView;
  readonly framing: Framing<Written>;
  readonly clients: Set<Client<Written>>;
  /** Of the version of the registry by which its clients were last looked at. */
  seen: PublicRows | undefined;
}

const tickMs = 1_000;
/** How often is looked whether the feed has come to where a client from another node was. */
const coverLookMs = 100;

export class Hub<Written extends Chunk = Buffer> {
  readonly #options: HubOptions;
  readonly #groups = new Map<string, Group<Written>>();
  readonly #clients = new Set<Client<Written>>();
  readonly #turns: Slots;
  #stopListening: (() => void) | null = null;
  #ticking: Scheduled | null = null;
  #tickDueMs = 0;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#turns = createSlots(options.config.liveCatchUpsMax);
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** False when `liveClientsMax` are connected. */
  get hasRoom(): boolean {
    return this.#clients.size < this.#options.config.liveClientsMax;
  }

  /** Starts at `from`. Returns what to call when the client has gone. */
  connect(options: ConnectOptions<Written>): () => void {
    const { clock, events, feed } = this.#options;
    const { view, framing, sink, from, isAllowed } = options;
    const nowMs = clock.monotonicMs();
    const name = `${framing.name} ${options.group}`;
    const client = openClient({ group: name, sink, framing, place: from, nowMs, isAllowed });
    const group = this.#groups.get(name) ?? {
      view,
      framing,
      clients: new Set(),
      seen: undefined,
    };
    this.#groups.set(name, group);
    group.clients.add(client);
    this.#clients.add(client);
    this.#stopListening ??= feed.listen((position, batch) => this.#deliver(position, batch));
    this.#ticking ??= this.#nextTick();
    events.listenerOpened(this.#clients.size);
    // Its right may have ended while its place was looked for.
    if (isAllowed()) void this.#catchUp(client);
    else this.#end(client, 'revoked');
    return () => this.#end(client, 'closed');
  }

  close(): void {
    for (const client of this.#clients) this.#end(client, 'closed');
  }

  #deliver(position: Position, batch: Batch): void {
    const passage = this.#options.places.pass(null, position, batch.place);
    const items = itemsOf(batch, this.#options.registryAt);
    const teller = createTold(passage, items);
    for (const group of this.#groups.values()) {
      let told: Told<Written> | null = null;
      const view = this.#viewOf(group);
      for (const client of group.clients) {
        if (client.state !== 'live') continue;
        if (client.place.position < position) {
          // The feed stepped over batches that it could not read: the client looks for itself.
          this.#fallBehind(client);
          continue;
        }
        told ??= joined(group.framing, teller.wantedBy(view));
        this.#deliverTo(client, told, passage.end);
      }
    }
  }

  /** A key that is revoked is a change of the registry: whoever had it gets nothing more by it. */
  #viewOf(group: Group<Written>): GroupView {
    const view = group.view();
    if (view.rows === group.seen) return view;
    group.seen = view.rows;
    for (const client of group.clients) if (!client.isAllowed()) this.#end(client, 'revoked');
    return view;
  }

  #deliverTo(client: Client<Written>, told: Told<Written>, place: FeedPlace): void {
    const { clock, config } = this.#options;
    const { length } = told.chunk;
    // The chunk is shared by its group: one that finds nothing waiting costs no memory of its own.
    const { pendingBytes } = client.sink;
    if (pendingBytes > 0 && pendingBytes + length > config.liveBufferBytesMax) {
      this.#fallBehind(client);
      return;
    }
    client.place = place;
    if (length > 0) writeTo(client, told, clock.monotonicMs());
  }

  #fallBehind(client: Client<Written>): void {
    client.state = 'behind';
    this.#catchUpLater(client);
  }

  #catchUpLater(client: Client<Written>): void {
    if (client.sink.pendingBytes === 0) void this.#catchUp(client);
    else client.sink.onDrain(() => void this.#catchUp(client));
  }

  /** Fills the client's buffer once from the log, or attaches it when it is level with the feed. */
  async #catchUp(client: Client<Written>): Promise<void> {
    if (client.state !== 'behind') return;
    const { places, feed, clock } = this.#options;
    if (!places.isCovered(client.place)) {
      clock.schedule(coverLookMs, () => void this.#catchUp(client));
      return;
    }
    if (client.place.position > feed.position) {
      client.state = 'live';
      await this.#closeReader(client);
      return;
    }
    await this.#turns.take();
    client.isReading = true;
    try {
      await this.#readFor(client);
    } catch (error) {
      this.#options.events.followFailed(error);
      this.#end(client, 'failed');
    } finally {
      client.isReading = false;
      this.#turns.release();
    }
    if (this.#isClosed(client)) await this.#closeReader(client);
    else this.#catchUpLater(client);
  }

  /** Reads about as much as the client's buffer holds. */
  async #readFor(client: Client<Written>): Promise<void> {
    const { feed, source, places, registryAt, clock, config } = this.#options;
    const group = this.#groups.get(client.group);
    if (client.state !== 'behind' || group === undefined) return;
    client.reader ??= await openChangeReader(source, places, client.place);
    const changes: ToldChange[] = [];
    const view = this.#viewOf(group);
    if (this.#isClosed(client)) return;
    let characters = 0;
    const isThere = await client.reader.read({
      ...view,
      registryAt,
      toPosition: feed.position,
      scanBytesMax: config.changesScanBytesMax,
      accept(text, cursor, item) {
        changes.push({ text, cursor, datastream: datastreamOf(item, view) });
        characters += text.length + cursor.length;
        return characters < config.liveBufferBytesMax;
      },
    });
    if (this.#isClosed(client)) return;
    if (!isThere) return this.#end(client, 'expired');
    // Read for other eyes than those of now: it is read again.
    if (this.#viewOf(group).rows !== view.rows) return this.#closeReader(client);
    if (this.#isClosed(client)) return;
    client.place = client.reader.place;
    if (changes.length > 0) writeTo(client, joined(client.framing, changes), clock.monotonicMs());
  }

  /** It may have been while something was awaited. */
  #isClosed(client: Client<Written>): boolean {
    return client.state === 'closed';
  }

  async #closeReader(client: Client<Written>): Promise<void> {
    const { reader } = client;
    client.reader = null;
    await reader?.close();
  }

  #end(client: Client<Written>, reason: ListenerEnd): void {
    if (client.state === 'closed') return;
    client.state = 'closed';
    this.#clients.delete(client);
    const group = this.#groups.get(client.group);
    group?.clients.delete(client);
    if (group?.clients.size === 0) this.#groups.delete(client.group);
    if (this.#clients.size === 0) this.#pause();
    if (reason === 'frozen' || reason === 'failed') client.sink.destroy();
    else client.sink.end(reason);
    this.#options.events.listenerClosed(reason, this.#clients.size);
    if (!client.isReading) void this.#closeReader(client);
  }

  #tick(): void {
    const { clock, config } = this.#options;
    const nowMs = clock.monotonicMs();
    const stoodMs = nowMs - this.#tickDueMs;
    for (const client of this.#clients) {
      if (stoodMs > 0) excuse(client, nowMs, stoodMs);
      if (isFrozen(client, nowMs, config.liveFrozenMs)) this.#end(client, 'frozen');
      else if (!client.isAllowed()) this.#end(client, 'revoked');
      else if (nowMs - client.wroteAtMs >= config.liveHeartbeatMs) this.#beat(client, nowMs);
    }
    this.#ticking = this.#clients.size > 0 ? this.#nextTick() : null;
  }

  #nextTick(): Scheduled {
    const { clock } = this.#options;
    this.#tickDueMs = clock.monotonicMs() + tickMs;
    return clock.schedule(tickMs, () => this.#tick());
  }

  /** The place too, so that a quiet client resumes where it really is. */
  #beat(client: Client<Written>, nowMs: number): void {
    if (client.sink.pendingBytes > 0) return;
    const chunk = client.framing.beat(this.#options.places.cursorOf(client.place));
    writeTo(client, { chunk, changes: 0 }, nowMs);
  }

  #pause(): void {
    this.#stopListening?.();
    this.#stopListening = null;
    this.#ticking?.cancel();
    this.#ticking = null;
  }
}

/** A chunk with how many changes are in it. */
interface Told<Written extends Chunk> {
  readonly chunk: Written;
  readonly changes: number;
}

function joined<Written extends Chunk>(
  framing: Framing<Written>,
  changes: readonly ToldChange[],
): Told<Written> {
  return { chunk: framing.join(changes), changes: changes.length };
}

function datastreamOf(item: FeedItem, { rows }: GroupView): Datastream | undefined {
  if (item.kind === 'datastream') return item.change.datastream;
  return rows.registry.bySeries[item.row.series];
}

/** The changes of one batch: each row is made into text once, when the first client wants it. */
function createTold(passage: Passage, items: readonly FeedItem[]) {
  const rows: (ToldChange | undefined)[] = [];

  function tell(index: number, item: FeedItem, view: GroupView): ToldChange | undefined {
    const cursor = passage.cursorBehind(index, items.length);
    const text =
      item.kind === 'row'
        ? rowChange(item.row, cursor, view.rows)
        : changeText(item, cursor, view.interest, view.rows);
    return text === undefined ? undefined : { text, cursor, datastream: datastreamOf(item, view) };
  }

  return {
    wantedBy(view: GroupView): ToldChange[] {
      const { mask } = view.interest;
      const wanted: ToldChange[] = [];
      for (let index = 0; index < items.length; index++) {
        const item = items[index];
        if (item === undefined || (item.kind === 'row' && mask[item.row.series] !== 1)) continue;
        const told =
          item.kind === 'row' ? (rows[index] ??= tell(index, item, view)) : tell(index, item, view);
        if (told !== undefined) wanted.push(told);
      }
      return wanted;
    },
  };
}
