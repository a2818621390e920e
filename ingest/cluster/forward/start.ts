/**
 * Before a node sends anything: its own log must reach as far as Kafka knows it. A folder that was put
 * back from an older copy ends before; its next readings would take positions that are known, and be
 * dropped as repeats after they were acknowledged.
 */
import { sleep } from '../../../devices/clock.ts';
import type { Position } from '../../log/log.ts';
import { untilDone, type PatienceOptions } from '../connect.ts';
import { forwardError } from './errors.ts';
import type { ForwardEvents } from './events.ts';
import { greatestKnown, type KnownOptions } from './known.ts';
import { readStart, removeStart, writeStart, type StartNoteOptions } from './start-note.ts';

export interface StartOptions
  extends PatienceOptions, StartNoteOptions, Omit<KnownOptions, 'events'> {
  readonly events: Pick<ForwardEvents, 'decidedUnread' | 'startUnnoted' | 'startProven'>;
}

export interface Start {
  /** Asks until Kafka answers; call it once the node's number is this process's. */
  prove(): Promise<Position | undefined>;
}

const retryMs = 1_000;

/**
 * Notes where the own log ends at this start: call it before anything is added, or with the end of
 * that moment. Rejects FORWARD_STATE_DAMAGED, or the disk's error where the note cannot be read.
 *
 * `prove` resolves with the end that Kafka was held against, undefined where the signal aborts before;
 * it rejects FORWARD_LOG_SHORTENED, and what no later try can mend.
 */
export async function beginStart(options: StartOptions, endNow: Position): Promise<Start> {
  const { clock, events, node, signal } = options;
  const noted = await readStart(options);
  const end = Math.min(noted ?? endNow, endNow);
  if (end !== noted) {
    // On a disk that takes no note readings are taken all the same: this life remembers the end.
    await writeStart(options, end).catch((error: unknown) => events.startUnnoted(error));
  }

  /** It must be gone before anything is sent, else the next start is held against it. */
  async function remove(): Promise<boolean> {
    while (!signal.aborted) {
      try {
        await removeStart(options);
        return true;
      } catch (error) {
        events.startUnnoted(error);
        await sleep(clock, retryMs);
      }
    }
    return false;
  }

  return {
    async prove() {
      const beganMs = clock.monotonicMs();
      const known = await untilDone(options, () => greatestKnown(options));
      if (known === undefined || signal.aborted) return undefined;
      const { position, records } = known;
      if (position > end) {
        throw forwardError('FORWARD_LOG_SHORTENED', { node, end, sent: position });
      }
      if (!(await remove())) return undefined;
      events.startProven({ position, end, records, tookMs: clock.monotonicMs() - beganMs });
      return end;
    },
  };
}
