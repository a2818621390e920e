/**
 * A station of the spine: measures, and does what stations do in the field. What it says is a
 * function of its random stream and of the instants it is asked at.
 */
import type { Random } from '../../../devices/random.ts';
import type { Message } from './message.ts';
import type { ChannelSpec, SpineStation } from './network.ts';
import { noValueCode, plainForm, writeMessage, writeState, type Draft } from './write-message.ts';

/** A message on its way: it reaches the broker so much later. */
export interface Sending {
  readonly message: Message;
  readonly delayMs: number;
}

/** Chances, each for one turn of a station. */
export interface Habits {
  readonly twice: number;
  readonly late: number;
  readonly stuck: number;
  readonly spike: number;
  readonly missing: number;
  readonly sentinel: number;
  readonly garbled: number;
  readonly half: number;
  readonly empty: number;
  readonly backlog: number;
  readonly backfill: number;
  readonly zipped: number;
  readonly correction: number;
  readonly state: number;
  /** A longer or shorter interval that ends with the usual one. */
  readonly otherInterval: number;
  /** A channel is null at first; its value comes later, without a result time. */
  readonly nullFirst: number;
  /** Each of these makes what is kept depend on the order or the hour of arrival. */
  readonly wrongClock: number;
  readonly timeless: number;
  readonly conflict: number;
}

/** All that goes wrong in the field. */
export const fieldHabits: Habits = {
  twice: 0.08,
  late: 0.08,
  stuck: 0.01,
  spike: 0.02,
  missing: 0.02,
  sentinel: 0.02,
  garbled: 0.01,
  half: 0.02,
  empty: 0.01,
  backlog: 0.04,
  backfill: 0.03,
  zipped: 0.04,
  correction: 0.06,
  state: 0.02,
  otherInterval: 0.02,
  nullFirst: 0.02,
  wrongClock: 0.03,
  timeless: 0.03,
  conflict: 0.02,
};

/** What may be delivered in any order and must end the same. */
export const orderFreeHabits: Habits = { ...fieldHabits, wrongClock: 0, timeless: 0, conflict: 0 };

export interface Station {
  /** Measures once and says what it says. */
  turn(at: number): Sending[];
}

type Value = number | null | string;
const draftsKept = 40;
const minuteMs = 60_000;
const dayMs = 86_400_000;

export interface StationOptions {
  readonly habits: Habits;
  /** How long a late message is held back at most. */
  readonly delayMsMax: number;
  /** When what is put right at an instant is dated; by default then. */
  readonly correctedAt?: (at: number) => number;
  /** It says of every value when it was made: at once. Otherwise of what was put right alone. */
  readonly isDated?: boolean;
}

export function createStation(
  spec: SpineStation,
  random: Random,
  options: StationOptions,
): Station {
  const { habits, delayMsMax, correctedAt = (at) => at + random.next() * 1_000 } = options;
  const nature = spec.channels.map((channel) => createNature(channel, random, habits));
  const told: Draft[] = [];
  const happens = (chance: number): boolean => random.next() < chance;
  const lateMs = (): number => 1_000 + Math.floor(random.next() * delayMsMax);

  function measure(at: number): Draft {
    const values = new Map<string, Value>();
    for (const each of nature) values.set(each.channel, each.next());
    if (happens(habits.garbled)) values.set(spec.channels[0]?.channel ?? '', 'ERR');
    if (spec.id === 'st1' && happens(0.2)) values.set('bat', 12.5 + Math.floor(random.next() * 5));
    const heightMetres = spec.isBuoy ? -[1, 5, 10][Math.floor(random.next() * 3)]! : Number.NaN;
    const isBackfill = happens(habits.backfill);
    const unsaid = { fromAt: Number.NaN, resultAt: options.isDated === true ? at : Number.NaN };
    const device = spec.deviceAt(at);
    const draft = { ...unsaid, device, at, heightMetres, isBackfill, values };
    told.push(draft);
    if (told.length > draftsKept) told.shift();
    return draft;
  }

  /** An earlier message put right, with the time at which that was done; sometimes put back again. */
  function corrections(at: number): Draft[] {
    const original = told[Math.floor(random.next() * told.length)];
    if (original === undefined || original.at >= at) return [];
    const resultAt = Math.floor(correctedAt(at));
    const values = new Map(
      [...original.values].map(([channel, value]): [string, Value] => [channel, shifted(value)]),
    );
    const corrected = { ...original, resultAt, values };
    if (!happens(0.3)) return [corrected];
    return [corrected, { ...original, resultAt: resultAt + 1_000 }];
  }

  function write(...drafts: [Draft, ...Draft[]]): Sending[] {
    const message = writeMessage(drafts, {
      isZipped: happens(habits.zipped),
      share: happens(habits.half) ? 0.2 + 0.7 * random.next() : 1,
    });
    const delayMs = happens(habits.late) ? lateMs() : Math.floor(random.next() * 2_000);
    const sendings = [{ message, delayMs }];
    // What arrives in halves was cut on its way: the device still has all of it.
    if (message.tells === null) {
      sendings.push({ message: writeMessage(drafts, plainForm), delayMs: lateMs() });
    }
    while (happens(habits.twice)) sendings.push({ message, delayMs: lateMs() });
    return sendings;
  }

  /** The same instants again, one channel being told later than the others. */
  function withNullFirst(draft: Draft): Sending[] {
    const [first] = draft.values;
    // A missing value and a code for none are both null: which reason stands, the first one says.
    const isValue = typeof first?.[1] === 'number' && first[1] !== noValueCode;
    if (first === undefined || !isValue) return write(draft);
    const without = new Map(draft.values).set(first[0], null);
    return [...write({ ...draft, values: without }), ...write(draft)];
  }

  function turn(at: number): Sending[] {
    const draft = measure(at);
    const sendings: Sending[] = [];
    if (happens(habits.wrongClock)) sendings.push(...write(withWrongClock(draft, random)));
    else if (happens(habits.timeless)) sendings.push(...write({ ...draft, at: Number.NaN }));
    else if (happens(habits.nullFirst)) sendings.push(...withNullFirst(draft));
    else if (happens(habits.backlog)) {
      const recent = told.slice(-5, -1).filter((each) => isOneWay(each, draft));
      sendings.push(...write(draft, ...recent));
    } else sendings.push(...write(draft));
    if (happens(habits.otherInterval)) {
      sendings.push(...write({ ...draft, fromAt: at - spec.intervalMs / 2 }));
    }
    if (happens(habits.correction)) {
      for (const corrected of corrections(at)) sendings.push(...write(corrected));
    }
    if (happens(habits.conflict)) {
      const values = new Map(
        [...draft.values].map(([channel, value]): [string, Value] => [channel, shifted(value)]),
      );
      sendings.push(...write({ ...draft, values }));
    }
    const { device } = draft;
    if (happens(habits.empty)) sendings.push({ message: emptyMessage(draft), delayMs: 0 });
    if (happens(habits.state)) {
      const status = happens(0.5) ? 'online' : 'offline';
      sendings.push({ message: writeState(device, status), delayMs: 0 });
    }
    return sendings;
  }

  return { turn };
}

interface Nature {
  readonly channel: string;
  next(): Value;
}

function createNature(spec: ChannelSpec, random: Random, habits: Habits): Nature {
  let level = spec.base;
  let stuckLeft = 0;
  return {
    channel: spec.channel,
    next() {
      if (stuckLeft > 0) stuckLeft -= 1;
      else level += (random.next() - 0.5) * 2 * spec.step + (spec.base - level) * 0.02;
      if (random.next() < habits.stuck) stuckLeft = 10 + Math.floor(random.next() * 30);
      const value = Number(Math.max(0, level).toFixed(spec.decimals));
      const fate = random.next();
      if (fate < habits.spike) return value * 4 + 60;
      if (fate < habits.spike + habits.missing) return null;
      if (fate < habits.spike + habits.missing + habits.sentinel) return noValueCode;
      return value;
    },
  };
}

function shifted(value: Value): Value {
  return typeof value === 'number' && value !== noValueCode
    ? Number((value + 0.7).toFixed(3))
    : value;
}

/** In 1970, an hour ahead, a day ahead, or a year behind. */
function withWrongClock(draft: Draft, random: Random): Draft {
  const kinds = [
    draft.at % dayMs,
    draft.at + 60 * minuteMs,
    draft.at + dayMs,
    draft.at - 366 * dayMs,
  ];
  const at = kinds[Math.floor(random.next() * kinds.length)] ?? draft.at;
  return { ...draft, at };
}

/** A message without a channel. */
function emptyMessage(draft: Draft): Message {
  return { ...writeMessage([{ ...draft, values: new Map() }], plainForm), tells: null };
}

/** One message has one device and one topic. */
function isOneWay(left: Draft, right: Draft): boolean {
  return left.device === right.device && left.isBackfill === right.isBackfill;
}
