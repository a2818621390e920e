/**
 * The change feed for followers that take messages one by one: each change with its datastream and
 * its cursor, of a station, of a slug or of all. It follows `observations` only while somebody
 * follows it, and holds nothing of the log: a follower that does not keep up is a place in it.
 */
import type { Clock } from '../../devices/clock.ts';
import { CodedError } from '../../devices/coded-error.ts';
import type { Datastream } from '../../devices/model.ts';
import type { Registry, RegistryReader } from '../../devices/registry.ts';
import { visible, type Principal } from '../../devices/visible.ts';
import { openPublicRows, type PublicRows } from '../observations/public-row.ts';
import type { StoreFollower } from '../store/store.ts';
import type { Interest } from './changes.ts';
import { feedError, feedErrors } from './errors.ts';
import type { FeedEvents, ListenerEnd } from './events.ts';
import { openFeed, type Feed, type LogSource } from './feed.ts';
import type { Chunk, Framing } from './framing.ts';
import { Hub, type GroupView, type HubConfig } from './hub.ts';
import type { FeedPlace, FeedPlaces } from './places/places.ts';

export interface ChangeMessage {
  /** Whose change it is; undefined for a message about the stream itself. */
  readonly of: { readonly station: string; readonly slug: string } | undefined;
  /** JSON: a change as `/changes` gives it, or `{"cursor":…,"type":"cursor"}`. */
  readonly payload: Uint8Array;
  /** Behind this message. */
  readonly cursor: string;
  /** No change: where the stream begins, or that it is alive. */
  readonly isAboutStream?: boolean;
}

export interface ChangeChunk extends Chunk {
  readonly messages: readonly ChangeMessage[];
}

/** Where messages go. Bytes are those of the payloads. */
export interface ChangeSink {
  /** The first chunk is one message of type `cursor`: where the stream begins. */
  write(chunk: ChangeChunk): boolean;
  /** Written and not taken yet. */
  readonly pendingBytes: number;
  /** Calls back once nothing is pending. */
  onDrain(run: () => void): void;
  /** The last message, a problem as JSON (RFC 9457) of type `problem`; undefined where the feed closes. */
  end(problem: Uint8Array | undefined): void;
  /** Nothing was taken for too long, or the log cannot be read. */
  destroy(): void;
}

export interface ChangeRequest {
  readonly principal: Principal;
  /** Followers with the same text see the same. */
  readonly viewer: string;
  /** A cursor, `now`, or undefined for the oldest change that can be followed. */
  readonly after: string | undefined;
  readonly station?: string;
  readonly slug?: string;
}

export interface ChangeFeed {
  /** Returns the way to leave. What stands in the way is told to the sink. */
  follow(request: ChangeRequest, sink: ChangeSink): () => void;
  close(): Promise<void>;
}

export interface ChangeFeedOptions {
  readonly registry: Pick<RegistryReader, 'current' | 'at'>;
  readonly clock: Clock;
  readonly source: LogSource;
  /** For those who read the log behind the feed; without it, `source`. */
  readonly catchUpSource?: LogSource;
  /** Opened when the first follower comes, closed behind the last. */
  readonly openStore: () => StoreFollower;
  readonly createPlaces: (parts: {
    readonly feed: Feed;
    readonly store: StoreFollower;
  }) => FeedPlaces | Promise<FeedPlaces>;
  readonly config: HubConfig;
  readonly events: FeedEvents;
  /** Bytes of the log followed in one step. */
  readonly stepBytesMax: number;
}

interface Life {
  readonly feed: Feed;
  readonly places: FeedPlaces;
  readonly hub: Hub<ChangeChunk>;
  /** The same for all followers: what is compiled for a series is compiled once. */
  readonly rowsOf: (registry: Registry) => PublicRows;
  close(): Promise<void>;
}

export function createChangeFeed(options: ChangeFeedOptions): ChangeFeed {
  const lives = new Set<Promise<Life>>();
  let current: Promise<Life> | undefined;
  let followers = 0;

  function enter(): Promise<Life> {
    followers += 1;
    current ??= openLife(options);
    lives.add(current);
    return current;
  }

  function leave(): void {
    followers -= 1;
    if (followers > 0 || current === undefined) return;
    void closeLife(current);
    current = undefined;
  }

  async function closeLife(life: Promise<Life>): Promise<void> {
    try {
      await (await life).close();
    } catch (error) {
      options.events.followFailed(error);
    }
    lives.delete(life);
  }

  return {
    follow(request, sink) {
      const life = enter();
      let isLeft = false;
      let disconnect: (() => void) | undefined;
      connect(options, life, { request, sink, isLeft: () => isLeft }).then(
        (found) => (disconnect = found),
        (error: unknown) => {
          // Behind the last who left, everything is closed: what then fails is nobody's.
          if (!isLeft) refuse(options.events, sink, error);
        },
      );
      return () => {
        if (isLeft) return;
        isLeft = true;
        disconnect?.();
        leave();
      };
    },
    async close() {
      current = undefined;
      await Promise.all([...lives].map(closeLife));
    },
  };
}

async function openLife(options: ChangeFeedOptions): Promise<Life> {
  const { clock, events, source, registry, config } = options;
  const store = options.openStore();
  const feed = openFeed({
    source,
    store,
    clock,
    events,
    stepBytesMax: options.stepBytesMax,
    registryVersion: () => registry.current().version,
  });
  const close = async (): Promise<void> => {
    await feed.close();
    store.close();
  };
  try {
    const places = await options.createPlaces({ feed, store });
    const registryAt = (version: number) => registryOr(registry, version);
    const hub = new Hub<ChangeChunk>({
      feed,
      source: options.catchUpSource ?? source,
      places,
      registryAt,
      clock,
      events,
      config,
    });
    return {
      feed,
      places,
      hub,
      rowsOf: keepRows(),
      async close() {
        hub.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function registryOr({ at }: Pick<RegistryReader, 'at'>, version: number): Registry | undefined {
  try {
    return at(version);
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}

interface Joining {
  readonly request: ChangeRequest;
  readonly sink: ChangeSink;
  readonly isLeft: () => boolean;
}

/** Resolves to the way to disconnect; undefined for one who has left meanwhile. */
async function connect(
  options: ChangeFeedOptions,
  life: Promise<Life>,
  { request, sink, isLeft }: Joining,
): Promise<(() => void) | undefined> {
  const { feed, places, hub, rowsOf } = await life;
  const from = await startOf(options, { feed, places, after: request.after });
  if (isLeft()) return undefined;
  sink.write(messageFraming.beat(places.cursorOf(from)));
  const { viewer, station, slug } = request;
  return hub.connect({
    group: JSON.stringify([viewer, station, slug]),
    framing: messageFraming,
    view: followView(options.registry, rowsOf, request),
    sink: {
      write: (chunk) => sink.write(chunk),
      get pendingBytes() {
        return sink.pendingBytes;
      },
      onDrain: (run) => sink.onDrain(run),
      end: (reason) => sink.end(problemOfEnd(reason)),
      destroy: () => sink.destroy(),
    },
    from,
    isAllowed: () => true,
  });
}

/** The end is that of the log now, which the feed may not have come to: it begins at what is flushed. */
async function startOf(
  { source }: ChangeFeedOptions,
  parts: { readonly feed: Feed; readonly places: FeedPlaces; readonly after: string | undefined },
): Promise<FeedPlace> {
  const { feed, places, after } = parts;
  if (after === 'now') await feed.waitFor(source.durableEnd.get());
  return places.read(after, 'after');
}

function refuse(events: FeedEvents, sink: ChangeSink, error: unknown): void {
  if (error instanceof CodedError && Object.hasOwn(feedErrors, error.code)) {
    return sink.end(problemOf(error));
  }
  events.followFailed(error);
  sink.destroy();
}

function problemOfEnd(reason: ListenerEnd): Uint8Array | undefined {
  return reason === 'expired'
    ? problemOf(feedError('API_CURSOR_EXPIRED', { parameter: 'after' }))
    : undefined;
}

function problemOf(error: CodedError): Uint8Array {
  const { status, meaning } = feedErrors[error.code as keyof typeof feedErrors];
  const { code, message: title, canRetry, fields } = error;
  const body = { type: 'problem', title, status, code, detail: meaning, canRetry, ...fields };
  return Buffer.from(JSON.stringify(body));
}

const messageFraming: Framing<ChangeChunk> = {
  name: 'messages',
  join: (changes) =>
    chunkOf(
      changes.map(({ text, cursor, datastream }) => ({
        of: datastream && { station: datastream.station, slug: datastream.slug },
        payload: Buffer.from(text),
        cursor,
      })),
    ),
  beat: (cursor) =>
    chunkOf([
      {
        of: undefined,
        payload: Buffer.from(JSON.stringify({ cursor, type: 'cursor' })),
        cursor,
        isAboutStream: true,
      },
    ]),
};

function chunkOf(messages: readonly ChangeMessage[]): ChangeChunk {
  return { messages, length: messages.reduce((sum, { payload }) => sum + payload.length, 0) };
}

/** The view at the newest version of the registry, made anew only when that changes. */
function followView(
  reader: Pick<RegistryReader, 'current'>,
  rowsOf: Life['rowsOf'],
  request: ChangeRequest,
): () => GroupView {
  let made: { readonly registry: Registry; readonly view: GroupView } | undefined;
  return () => {
    const registry = reader.current();
    if (made?.registry !== registry) {
      made = {
        registry,
        view: { rows: rowsOf(registry), interest: interestOf(registry, request) },
      };
    }
    return made.view;
  };
}

function interestOf(registry: Registry, request: ChangeRequest): Interest {
  const { principal, station, slug } = request;
  const wants = (datastream: Datastream): boolean =>
    (station === undefined || datastream.station === station) &&
    (slug === undefined || datastream.slug === slug);
  const mask = new Uint8Array(registry.bySeries.length);
  for (const datastream of registry.datastreams.values()) {
    if (wants(datastream) && visible(principal, datastream, registry)) mask[datastream.series] = 1;
  }
  return { principal, mask, wants };
}

function keepRows(): Life['rowsOf'] {
  let rows: PublicRows | undefined;
  return (registry) => {
    if (rows?.registry !== registry) rows = openPublicRows(registry);
    return rows;
  };
}
