/**
 * A run of the spine: stations measure, mishaps happen as planned, the server is started again each
 * time it ends; at last everything comes to rest. Each step moves simulated time a little and lets
 * everything that can happen without time passing happen.
 */
import type { IngestConfig } from '../../../ingest/config.ts';
import { planDiskFault, planJumpMs, type PlannedMishap } from './faults.ts';
import { startLife, type ServerLife } from './life.ts';
import { markerOf } from './message.ts';
import type { Death } from './mortal.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { createStation, type Habits, type Station } from './station.ts';
import type { World } from './world.ts';

export interface RunPlan {
  readonly minutes: number;
  readonly mishaps: readonly PlannedMishap[];
  readonly habits: Habits;
  readonly lostAnswers: number;
  /** Steps of simulated time, ms at most. */
  readonly stepMsMax: number;
  readonly config: IngestConfig;
  readonly lookMsMax: number;
  /** Called after each restart that came to stand, for checks in the middle. */
  readonly onRestart?: (life: ServerLife) => Promise<void>;
}

export interface RunEnd {
  /** The last life, open and at rest. */
  readonly life: ServerLife;
  readonly lives: number;
  /** Mishaps that took effect, disk errors each. */
  readonly faults: number;
  readonly powerCuts: number;
  /** Errors by which the server ended itself. */
  readonly ended: readonly string[];
}

const minuteMs = 60_000;
const restStepsMax = 4_000;
/** A server that ends so often without having come to stand will not come to stand. */
const endsInRowMax = 40;
/** How long a fault may wait for the call to the disk at which it strikes. */
const deathCallsMax = 60;

/** Lets all happen that needs no time to pass. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export async function run(world: World, plan: RunPlan): Promise<RunEnd> {
  const state = createRunState(world, plan);
  const { clock, streams } = world;
  const mishaps = [...plan.mishaps];
  const isGoingOn = (): boolean =>
    clock.monotonicMs() < plan.minutes * minuteMs || mishaps.length > 0 || state.life.life.isDoomed;
  while (isGoingOn()) {
    await step(state, 100 + Math.floor(streams.steps.next() * plan.stepMsMax));
    takeTurns(state);
    // One after the other: what has no life to strike waits for the next one.
    while (mishaps[0] !== undefined && mishaps[0].atMs <= clock.monotonicMs()) {
      if (!isStrikable(state.life)) break;
      befall(state, mishaps.shift()!);
    }
  }
  await comeToRest(state);
  const { life } = state;
  return {
    life,
    lives: life.number,
    faults: state.faults + world.faultyDisk.failures,
    powerCuts: state.powerCuts,
    ended: state.ended,
  };
}

function isStrikable({ status, life }: ServerLife): boolean {
  return status === 'open' && !life.isDoomed;
}

interface RunState {
  readonly world: World;
  readonly plan: RunPlan;
  readonly outbox: Outbox;
  readonly stations: readonly { readonly station: Station; nextMs: number; everyMs: number }[];
  readonly ended: string[];
  life: ServerLife;
  faults: number;
  powerCuts: number;
  /** Deaths while starting that are still to come. */
  recoveryDeaths: number;
  wantsStop: boolean;
  restartAtMs: number;
  /** When the disk has room and the clock is right again. */
  mendAtMs: number;
  markersSent: number;
  greeted: number;
}

function createRunState(world: World, plan: RunPlan): RunState {
  const { streams, network, ledger } = world;
  const { lostAnswers, habits } = plan;
  return {
    world,
    plan,
    outbox: createOutbox({
      random: streams.outbox,
      lostAnswers,
      onSent: (message) => ledger.sent(message),
    }),
    stations: network.stations.map((spec, index) => ({
      station: createStation(spec, streams.stations, { habits, delayMsMax: 15 * minuteMs }),
      nextMs: 6_000 + index * 1_700,
      everyMs: spec.intervalMs,
    })),
    ended: [],
    life: begin(world, plan, { number: 1, death: null }),
    faults: 0,
    powerCuts: 0,
    recoveryDeaths: 0,
    wantsStop: false,
    restartAtMs: Infinity,
    mendAtMs: Infinity,
    markersSent: 0,
    greeted: 0,
  };
}

function begin(
  world: World,
  { config, lookMsMax }: RunPlan,
  { number, death }: { readonly number: number; readonly death: Death | null },
): ServerLife {
  return startLife({ world, number, config, death, lookMsMax });
}

/** Moves time, delivers what is due, and starts the server where it has ended. */
async function step(state: RunState, byMs: number): Promise<void> {
  const { world, outbox } = state;
  const { clock } = world;
  clock.advance(byMs);
  const nowMs = clock.monotonicMs();
  if (nowMs >= state.mendAtMs) mend(state);
  sendMarkers(state, nowMs);
  const { life } = state;
  const isOpen = life.status === 'open';
  outbox.deliver(
    {
      life: life.number,
      receive: isOpen ? (message, onAnswer) => life.receive(message, onAnswer) : null,
    },
    nowMs,
  );
  await settle();
  if (life.status === 'dead' || life.status === 'ended') await restart(state);
  else if (life.status === 'open') await greet(state);
}

async function greet(state: RunState): Promise<void> {
  const { life, plan } = state;
  if (state.greeted < life.number) {
    state.greeted = life.number;
    await plan.onRestart?.(life);
  }
  if (!state.wantsStop) return;
  state.wantsStop = false;
  let isOver = false;
  void life.close().then(() => (isOver = true));
  for (let turn = 0; turn < 100 && !isOver; turn += 1) {
    state.world.clock.advance(50);
    await settle();
  }
}

/** A while after the end, the next life begins. */
async function restart(state: RunState): Promise<void> {
  const { world, plan, life } = state;
  const nowMs = world.clock.monotonicMs();
  if (state.restartAtMs === Infinity) {
    state.restartAtMs = nowMs + 200 + Math.floor(world.streams.faults.next() * 4_000);
    if (life.status === 'ended') state.ended.push(String(life.error));
    if (life.number - state.greeted > endsInRowMax) {
      throw new Error(`seed ${world.seed} does not start any more: ${describe(state)}`);
    }
    return;
  }
  if (nowMs < state.restartAtMs) return;
  state.restartAtMs = Infinity;
  life.bury();
  let death: Death | null = null;
  if (state.recoveryDeaths > 0) {
    state.recoveryDeaths -= 1;
    death = planDeath(state, world.streams.faults.next() < 0.5 ? 'power' : 'kill', 30);
  }
  state.life = begin(world, plan, { number: life.number + 1, death });
  await settle();
}

function planDeath(state: RunState, by: 'power' | 'kill', callsMax = deathCallsMax): Death {
  const { disk, streams, trace } = state.world;
  return {
    calls: 1 + Math.floor(streams.faults.next() ** 2 * callsMax),
    side: streams.faults.next() < 0.5 ? 'before' : 'behind',
    strike() {
      trace.add(by);
      state.faults += 1;
      if (by === 'kill') return disk.kill();
      disk.powerCut(streams.disk);
      state.powerCuts += 1;
      loseView(state);
    },
  };
}

/** The view is not flushed at each commit: a loss of power may set it back, or leave none at all. */
function loseView({ world }: RunState): void {
  const { faults } = world.streams;
  const fate = faults.next();
  if (fate < 0.4) world.view.setBack(Math.floor(faults.next() * 6));
  else if (fate < 0.5) world.view.setBack(Math.floor(faults.next() * world.view.kept));
  else if (fate < 0.6) world.view.remove();
}

function takeTurns(state: RunState): void {
  const { world, outbox } = state;
  const nowMs = world.clock.monotonicMs();
  for (const each of state.stations) {
    while (each.nextMs <= nowMs) {
      outbox.add(each.station.turn(world.trueAt() - nowMs + each.nextMs), nowMs);
      each.nextMs += each.everyMs;
    }
  }
}

/** One version after the other, each once the one before is kept. */
function sendMarkers(state: RunState, nowMs: number): void {
  const { network } = state.world;
  const dueMs = [0, ...network.versionsAt][state.markersSent];
  if (dueMs === undefined || nowMs < dueMs) return;
  const isKept = [...state.world.ledger.acknowledged.values()].some(({ message }) =>
    message.payload.equals(markerOf(state.markersSent).payload),
  );
  if (state.markersSent > 0 && !isKept) return;
  state.markersSent += 1;
  state.outbox.add([{ message: markerOf(state.markersSent), delayMs: 0 }], nowMs);
}

function befall(state: RunState, { mishap }: PlannedMishap): void {
  const { world, life } = state;
  const { streams, faultyDisk, trace, clock, view } = world;
  trace.add(`mishap ${mishap}`);
  switch (mishap) {
    case 'power':
    case 'kill':
      life.life.plan(planDeath(state, mishap));
      break;
    case 'recovery':
      life.life.plan(planDeath(state, 'kill'));
      state.recoveryDeaths += 1 + Math.floor(streams.faults.next() * 3);
      break;
    case 'view-back':
      endNow(state);
      view.setBack(Math.floor(streams.faults.next() * view.kept));
      state.faults += 1;
      break;
    case 'view-gone':
      endNow(state);
      view.remove();
      state.faults += 1;
      break;
    case 'disk':
      faultyDisk.setFaults([planDiskFault(streams.faults, faultyDisk.calls)]);
      break;
    case 'full':
      world.disk.capacityBytes = usedBytes(world) + Math.floor(streams.faults.next() * 2_000);
      state.mendAtMs = clock.monotonicMs() + 5_000 + streams.faults.next() * 40_000;
      state.faults += 1;
      break;
    case 'clock':
      clock.jumpTo(world.trueAt() + planJumpMs(streams.faults));
      state.mendAtMs = clock.monotonicMs() + 30_000 + streams.faults.next() * 240_000;
      state.faults += 1;
      break;
    case 'network':
      state.outbox.hangUp(clock.monotonicMs());
      state.faults += 1;
      break;
    case 'stop':
      state.wantsStop = true;
      state.faults += 1;
      break;
  }
}

function usedBytes({ disk }: World): number {
  return disk.paths().reduce((sum, path) => sum + disk.contents(path).length, 0);
}

function endNow({ world, life }: RunState): void {
  world.disk.kill();
  life.life.die();
}

function mend(state: RunState): void {
  const { world } = state;
  state.mendAtMs = Infinity;
  world.disk.capacityBytes = Infinity;
  world.clock.jumpTo(world.trueAt());
}

/** Nothing happens any more: everything is delivered, decided and acknowledged. */
async function comeToRest(state: RunState): Promise<void> {
  const { world, outbox } = state;
  mend(state);
  world.faultyDisk.setFaults([]);
  state.recoveryDeaths = 0;
  state.life.life.plan(null);
  for (let steps = 0; steps < restStepsMax; steps += 1) {
    await step(state, 500);
    const { parts, status } = state.life;
    if (status !== 'open' || parts === null || outbox.waiting > 0) continue;
    if (state.markersSent <= world.network.versionsAt.length) continue;
    if (parts.store.consumed === parts.readings.durableEnd.get()) return;
  }
  throw new Error(`seed ${world.seed} never comes to rest: ${describe(state)}`);
}

function describe({ life, outbox, ended }: RunState): string {
  const { parts } = life;
  return JSON.stringify({
    status: life.status,
    error: String(life.error),
    waiting: outbox.waiting,
    consumed: parts?.store.consumed,
    end: parts?.readings.durableEnd.get(),
    ended: ended.slice(-3),
    lines: life.telemetry.lines.slice(-5),
  });
}
