/**
 * What goes wrong in the field, as a filter on the messages of one device: each fault is on for a
 * while and off again, chosen by a seeded random stream, so that a run with faults is repeatable.
 */
import type { Random } from '../devices/random.ts';

export const faultNames = [
  /** The same message two or three times, as after a lost acknowledgement. */
  'duplicate',
  /** Messages held back and sent later, in order. */
  'late',
  /** Messages held back and sent later in another order. */
  'shuffled',
  /** A channel repeats its last value. */
  'stuck',
  /** One value far away from its neighbours. */
  'spike',
  /** A channel creeps away. */
  'drift',
  /** The device's clock stands in 1970, or an hour or a day ahead. */
  'clock',
  /** Half of a message, as after a full buffer. */
  'half',
  /** The channel reports its code for "no value". */
  'sentinel',
] as const;
export type FaultName = (typeof faultNames)[number];

/** What befalls many devices, or the registry, rather than one message. */
export const fleetFaultNames = [
  /** Every connection drops at once, and the devices come back together. */
  'storm',
  /** A station gets another device, from that moment on, slightly otherwise calibrated. */
  'replaced',
] as const;
export type FleetFaultName = (typeof fleetFaultNames)[number];

/** A message before it is written as bytes. */
export interface Draft {
  /** Instant of the values, ms UTC. */
  readonly at: number;
  readonly values: Readonly<Record<string, number>>;
}

/** What is to be published now: drafts as they are, or bytes that are no longer a message. */
export interface Emission {
  readonly drafts: readonly Draft[];
  /** The first draft is to be cut in half. */
  readonly half: boolean;
}

export interface FaultOptions {
  readonly names: readonly FaultName[];
  /** Chance that a fault begins with a message, 0 to 1. */
  readonly rate: number;
  /** Drafts that a device holds back at most. */
  readonly heldMessagesMax: number;
}

export function createFaults(random: Random, options: FaultOptions): (draft: Draft) => Emission {
  let active: FaultName | undefined;
  let remaining = 0;
  let held: Draft[] = [];
  let last: Draft | undefined;
  let drifted = 0;

  function choose(): void {
    if (remaining > 0) {
      remaining -= 1;
      return;
    }
    active = undefined;
    drifted = 0;
    if (options.names.length === 0 || random.next() >= options.rate) return;
    active = options.names[Math.floor(random.next() * options.names.length)];
    remaining = Math.floor(random.next() * 12);
  }

  function release(): readonly Draft[] {
    const freed = held;
    held = [];
    return freed;
  }

  return (draft) => {
    choose();
    const before = last;
    last = draft;
    if (active === 'late' || active === 'shuffled') {
      held.push(draft);
      if (remaining > 0 && held.length < options.heldMessagesMax)
        return { drafts: [], half: false };
      const freed = release();
      return { drafts: active === 'late' ? freed : shuffle(freed, random), half: false };
    }
    const waiting = release();
    if (active === 'duplicate')
      return {
        drafts: [...waiting, draft, draft, ...(random.next() < 0.5 ? [draft] : [])],
        half: false,
      };
    if (active === 'half') return { drafts: [draft, ...waiting], half: true };
    if (active === 'drift') drifted += 1;
    return { drafts: [...waiting, alter(draft, before, active, { random, drifted })], half: false };
  };
}

interface Altering {
  readonly random: Random;
  readonly drifted: number;
}

function alter(
  draft: Draft,
  before: Draft | undefined,
  fault: FaultName | undefined,
  how: Altering,
): Draft {
  if (fault === undefined) return draft;
  if (fault === 'clock') return { ...draft, at: wrongClock(draft.at, how.random) };
  const names = Object.keys(draft.values);
  const name = names[Math.floor(how.random.next() * names.length)];
  const value = name === undefined ? undefined : draft.values[name];
  if (name === undefined || value === undefined) return draft;
  const changed: Record<string, number> = { ...draft.values };
  if (fault === 'spike') changed[name] = value * 4 + 60;
  if (fault === 'sentinel') changed[name] = -9999;
  if (fault === 'drift')
    changed[names[0] ?? name] =
      (draft.values[names[0] ?? name] ?? value) * (1 + 0.01 * how.drifted);
  if (fault === 'stuck' && before !== undefined) return { ...draft, values: before.values };
  return { ...draft, values: changed };
}

function wrongClock(at: number, random: Random): number {
  const kind = random.next();
  if (kind < 0.34) return at % 86_400_000;
  return kind < 0.67 ? at + 3_600_000 : at + 86_400_000;
}

export function shuffle<Item>(list: readonly Item[], random: Random): Item[] {
  const shuffled = [...list];
  for (let index = shuffled.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random.next() * (index + 1));
    const kept = shuffled[index] as Item;
    shuffled[index] = shuffled[other] as Item;
    shuffled[other] = kept;
  }
  return shuffled;
}
