/**
 * Makes the change of the registry by which an embargo ends, or a grant or a request, within a second
 * of its moment. On the nodes of a network each looks for itself: the first one makes the change, and
 * for the others, whose copy has it by then, there is nothing left to do.
 */
import type { Clock, Scheduled } from '../../devices/clock.ts';
import type { Random } from '../../devices/random.ts';
import { nextMoment, ruleActor } from '../../devices/registry/time-rule.ts';
import type { Registry, RegistryReader } from '../../devices/registry.ts';
import type { RegistryAdmin } from '../admin/registry.ts';
import type { ApiEvents } from '../events.ts';

export interface TimeRuleOptions {
  readonly registry: Pick<RegistryReader, 'current'>;
  readonly change: RegistryAdmin['change'];
  /** By which moments have come. */
  readonly judgedNow: () => number;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: ApiEvents;
}

export interface TimeRule {
  /** Resolves once every moment up to now has been followed, or it is said why it cannot be. */
  follow(): Promise<void>;
  /** Looks by itself from now on. */
  start(): void;
  close(): void;
}

const lookMs = 250;
/** Nodes wait for a time of their own, so that the first one's change is seen by the others. */
const spreadMsMax = 250;
const retryMs = 5_000;

export function createTimeRule(options: TimeRuleOptions): TimeRule {
  const { registry, clock } = options;
  let known: { readonly registry: Registry; readonly nextAt: number } | undefined;
  let waiting: Scheduled | null = null;
  let isClosed = false;

  function isDue(): boolean {
    const current = registry.current();
    // Asked each time: that is how a jump of the clock is seen.
    const nowAt = options.judgedNow();
    if (known?.registry !== current) known = { registry: current, nextAt: nextMoment(current) };
    return known.nextAt <= nowAt;
  }

  async function follow(): Promise<boolean> {
    if (!isDue()) return true;
    try {
      await options.change(ruleActor, (writer) => writer.followTime(ruleActor));
      return true;
    } catch (error) {
      options.events.timeNotFollowed(error);
      return false;
    }
  }

  function lookAgain(inMs: number, look: () => void): void {
    if (!isClosed) waiting = clock.schedule(inMs, look);
  }

  function look(): void {
    if (!isDue()) return lookAgain(lookMs, look);
    const [spread = 0] = options.random.bytes(1);
    lookAgain((spread / 256) * spreadMsMax, () => {
      void follow().then((isDone) => lookAgain(isDone ? lookMs : retryMs, look));
    });
  }

  return {
    follow: async () => void (await follow()),
    start: look,
    close() {
      isClosed = true;
      waiting?.cancel();
    },
  };
}
