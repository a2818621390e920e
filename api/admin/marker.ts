/**
 * Markers in `readings`: from its place on, a version of the registry is in force. A version without
 * its marker (the log could not be written, or the registry was changed while nobody served) is
 * marked as soon as that is possible; the marker then names the version before as `previous`.
 */
import type { Clock, Scheduled } from '../../devices/clock.ts';
import type { RegistryReader } from '../../devices/registry.ts';
import type { Position } from '../../ingest/log/log.ts';
import type { Reading } from '../../ingest/reading.ts';
import type { ApiEvents } from '../events.ts';

/** Resolves with the reading's place once it is durable. */
export type AppendReading = (reading: Reading) => Promise<Position>;

export interface MarkerOptions {
  readonly registry: Pick<RegistryReader, 'current'>;
  readonly clock: Clock;
  readonly events: ApiEvents;
  readonly appendReading: AppendReading;
}

export interface Marker {
  /** The newest version that has its marker. */
  readonly marked: number;
  /** Marks the newest version unless it is marked; false when that must wait and is tried again. */
  mark(): Promise<boolean>;
  /** The same, when `observations` says that only this version is in force. */
  markFrom(markedVersion: number): Promise<boolean>;
  close(): void;
}

const retryMs = 1_000;

export function createMarker(options: MarkerOptions): Marker {
  const { registry, clock, events } = options;
  let marked = registry.current().version;
  let retrying: Scheduled | null = null;
  let marking: Promise<boolean> = Promise.resolve(true);
  let isClosed = false;

  /** One marker at a time, so that they stand in the log in order of their versions. */
  function mark(): Promise<boolean> {
    marking = marking.then(markNow);
    return marking;
  }

  async function markNow(): Promise<boolean> {
    const { version } = registry.current();
    if (version <= marked) return true;
    try {
      await options.appendReading(registryMarker(version, marked, clock.now()));
      marked = version;
      return true;
    } catch (error) {
      events.registryUnmarked(error, version);
      if (!isClosed) retrying ??= clock.schedule(retryMs, retry);
      return false;
    }
  }

  function retry(): void {
    retrying = null;
    void mark();
  }

  return {
    get marked() {
      return marked;
    },
    mark,
    markFrom(markedVersion) {
      marked = Math.min(marked, markedVersion);
      return mark();
    },
    close() {
      isClosed = true;
      retrying?.cancel();
    },
  };
}

export function registryMarker(version: number, previous: number, receivedAt: number): Reading {
  const content = previous === version - 1 ? { version } : { version, previous };
  return {
    kind: 'registry',
    door: 'internal',
    receivedAt,
    device: '',
    topic: '',
    payload: Buffer.from(JSON.stringify(content)),
  };
}
