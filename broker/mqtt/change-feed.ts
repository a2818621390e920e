/**
 * The change feed as the broker needs it, and the filters that ask for it:
 *
 *   open/v1/_changes/{stationId}/{slug}                   from now on
 *   open/v1/_changes/after/{cursor}/{stationId}/{slug}    from a cursor, `oldest` or `now` on
 *
 * `+` and `#` may stand for the station, the slug or both. An id begins with a letter or a digit, so
 * that `_changes` is no station; and as a leading wildcard does not reach `$…` (MQTT-4.7.2-1), none
 * reaches `_changes`: who subscribes to `open/v1/#` gets the latest rows and nothing twice.
 */
import type { Principal } from '../../devices/visible.ts';

export interface ChangeMessage {
  /** Whose change it is; undefined for a message about the stream itself. */
  readonly of: { readonly station: string; readonly slug: string } | undefined;
  /** JSON, not altered afterwards. */
  readonly payload: Uint8Array;
  /** Behind this message. */
  readonly cursor: string;
  /** No change: where the stream begins, or that it is alive. */
  readonly isAboutStream?: boolean;
}

export interface ChangeChunk {
  /** Bytes of all payloads. */
  readonly length: number;
  readonly messages: readonly ChangeMessage[];
}

export interface ChangeSink {
  /** The first chunk is one message about the stream: where it begins. */
  write(chunk: ChangeChunk): boolean;
  readonly pendingBytes: number;
  /** Calls back once nothing is pending. */
  onDrain(run: () => void): void;
  /** The last message, a problem; undefined where the feed closes. */
  end(problem: Uint8Array | undefined): void;
  /** Nothing was taken for too long, or the feed has failed. */
  destroy(): void;
}

export interface ChangeRequest {
  readonly principal: Principal;
  /** Followers with the same text see the same. */
  readonly viewer: string;
  /** A cursor, `now`, or undefined for the oldest change there is. */
  readonly after: string | undefined;
  readonly station?: string;
  readonly slug?: string;
}

export interface ChangeFeed {
  /** Returns the way to leave. What stands in the way is told to the sink. */
  follow(request: ChangeRequest, sink: ChangeSink): () => void;
  close(): Promise<void>;
}

/** A feed in which nothing ever happens. */
export const emptyChangeFeed: ChangeFeed = {
  follow: () => () => {},
  close: async () => {},
};

/** A feed that `load` makes when somebody first asks for it: devices only publish. */
export function createLateChangeFeed(
  load: () => Promise<ChangeFeed>,
  failed: (error: unknown) => void,
): ChangeFeed {
  let loading: Promise<ChangeFeed> | undefined;
  return {
    follow(request, sink) {
      let isLeft = false;
      let leave: (() => void) | undefined;
      (loading ??= load()).then((feed) => {
        if (!isLeft) leave = feed.follow(request, sink);
      }, failed);
      return () => {
        isLeft = true;
        leave?.();
      };
    },
    async close() {
      // What cannot be loaded was told when it was asked for.
      await loading?.then(
        (feed) => feed.close(),
        () => undefined,
      );
    },
  };
}

export interface ChangeFilter {
  /** What stands before station and slug in the topics of its messages. */
  readonly prefix: string;
  readonly after: string | undefined;
  readonly station?: string;
  readonly slug?: string;
}

const space = '_changes';
const cursorPattern = /^[A-Za-z0-9_-]{1,1000}$/;
/** In the place of a wildcard, in the topic of a message about the stream itself. */
const streamLevel = '_stream';

export function isOfChanges(filter: string): boolean {
  return filter.startsWith(`open/v1/${space}/`);
}

/** What a (valid) filter asks of the change feed: undefined for one of another space. */
export function changeFilterOf(filter: string): ChangeFilter | 'refused' | undefined {
  const levels = filter.split('/');
  if (levels[0] !== 'open' || levels[2] !== space) return undefined;
  if (levels[1] !== 'v1') return 'refused';
  const isResumed = levels[3] === 'after' && levels.length > 5;
  const names = namesOf(levels.slice(isResumed ? 5 : 3));
  if (names === undefined) return 'refused';
  if (!isResumed) return { ...names, prefix: `open/v1/${space}`, after: 'now' };
  const cursor = levels[4] ?? '';
  if (!cursorPattern.test(cursor)) return 'refused';
  const after = cursor === 'oldest' ? undefined : cursor;
  return { ...names, prefix: `open/v1/${space}/after/${cursor}`, after };
}

/** `#` at the station or behind it stands for all that is there; so it does behind the slug. */
function namesOf(
  levels: readonly string[],
): { readonly station?: string; readonly slug?: string } | undefined {
  const [station, slug, rest, ...more] = levels;
  if (station === undefined || more.length > 0 || (rest !== undefined && rest !== '#')) {
    return undefined;
  }
  if (slug === undefined && station !== '#') return undefined;
  const isNamed = (level: string | undefined): level is string =>
    level !== undefined && level !== '+' && level !== '#';
  return { ...(isNamed(station) ? { station } : {}), ...(isNamed(slug) ? { slug } : {}) };
}

/** The topic of a message, which the filter matches. */
export function topicOfChange(filter: ChangeFilter, { of }: ChangeMessage): string {
  const station = of?.station ?? filter.station ?? streamLevel;
  const slug = of?.slug ?? filter.slug ?? streamLevel;
  return `${filter.prefix}/${station}/${slug}`;
}
