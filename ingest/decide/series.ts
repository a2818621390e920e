import type { ChannelBinding } from '../../devices/registry.ts';
import type { SeriesRules } from '../checks/check.ts';
import type { ChecksConfig } from '../checks/config.ts';
import { createJudge, type Judge } from '../checks/judge.ts';
import { createRuleBook } from '../checks/rule-book.ts';
import { windowOf } from '../checks/windows.ts';
import type { PointWindow } from './point-window.ts';

/** What the decider knows of a series under the registry version in force. */
export interface SeriesState {
  readonly series: number;
  rules: SeriesRules;
  judge: Judge;
  reach: Reach;
  /** Two codes whose difference is known to make no row, the usual one of a series in order. */
  quietFrom: number;
  quietTo: number;
  /** Promise 3: a measurement without a time of its own is known again for so long. */
  repeatWithinMs: number;
  /** The points without a height of their own. */
  window: PointWindow | undefined;
  /** The points of each own height, of a profile or a platform that rises and dives. */
  readonly windowsByHeight: Map<number, PointWindow>;
}

/** How far from a change at t the decider looks. */
export interface Reach {
  /** Of the flat line, which asks for it only where it needs it (`Sequence.wantsBefore`). */
  readonly lookBackMs: number;
  /** Before t: nothing farther away is compared with a value at t or with the one before it. */
  readonly beforeMs: number;
  /** Behind t: nothing farther away is compared with a value at t, nor it with such a one. */
  readonly afterMs: number;
  /** Behind t: no verdict farther away is touched. */
  readonly behindMs: number;
}

type SharedRules = Pick<SeriesState, 'rules' | 'judge' | 'reach' | 'repeatWithinMs'>;

/** What the registry says of a series. */
export type SeriesBinding = Pick<ChannelBinding, 'datastream' | 'property' | 'station'>;

export interface SeriesStates {
  of(binding: SeriesBinding): SeriesState;
  /** The state of a series that was met before. */
  known(series: number): SeriesState | undefined;
  /** Another registry version is in force: rules are compiled again where they are met. */
  changeRegistry(): void;
}

const repeatWithinMsMax = 60_000;

export function createSeriesStates(config: ChecksConfig): SeriesStates {
  const states: (SeriesState | undefined)[] = [];
  /** Of each series: the registry version (counted here) its rules were compiled under. */
  const compiledUnder: number[] = [];
  const book = createRuleBook(config);
  /** What follows from rules, once for all series that have them. */
  const shared = new Map<SeriesRules, SharedRules>();
  let version = 0;

  function sharedRules({ datastream, property, station }: SeriesBinding): SharedRules {
    const rules = book.of(datastream, property, station);
    const known = shared.get(rules) ?? shareRules(rules);
    shared.set(rules, known);
    return known;
  }

  function compile(binding: SeriesBinding, known: SeriesState | undefined): SeriesState {
    const { series } = binding.datastream;
    const ofRules = sharedRules(binding);
    compiledUnder[series] = version;
    if (known === undefined) {
      const quiet = { quietFrom: -1, quietTo: -1 };
      const windows = { window: undefined, windowsByHeight: new Map<number, PointWindow>() };
      const state: SeriesState = { series, ...ofRules, ...quiet, ...windows };
      states[series] = state;
      return state;
    }
    if (known.rules.hash !== ofRules.rules.hash) changeRules(known, ofRules);
    return known;
  }

  return {
    of(binding) {
      const { series } = binding.datastream;
      const state = states[series];
      if (state !== undefined && compiledUnder[series] === version) return state;
      return compile(binding, state);
    },
    known: (series) => states[series],
    changeRegistry() {
      version++;
      shared.clear();
    },
  };
}

function shareRules(rules: SeriesRules): SharedRules {
  return {
    rules,
    judge: createJudge(rules),
    reach: reachOf(rules),
    repeatWithinMs: repeatWithinMsOf(rules),
  };
}

function changeRules(state: SeriesState, to: SharedRules): void {
  Object.assign(state, to);
  state.quietFrom = -1;
  state.window?.changeRules(state);
  for (const window of state.windowsByHeight.values()) window.changeRules(state);
}

/** What windows hold of the series is no longer what is kept. */
export function dropWindows(state: SeriesState | undefined): void {
  if (state === undefined) return;
  state.window?.drop();
  for (const window of state.windowsByHeight.values()) window.drop();
}

function repeatWithinMsOf(rules: SeriesRules): number {
  return Math.min(repeatWithinMsMax, rules.intervalMs / 2);
}

function reachOf(rules: SeriesRules): Reach {
  const { lookBackMs, lookAheadMs, nearMs } = windowOf(rules);
  return {
    lookBackMs,
    beforeMs: lookAheadMs + nearMs,
    afterMs: Math.max(lookAheadMs, nearMs),
    behindMs: lookBackMs + lookAheadMs,
  };
}
