/**
 * What must be there in the end, worked out from the readings that the log kept and from what the
 * stations meant by them: rank, repeat and time rules written once more, plainly, without anything of
 * ingest. One reading after the other, in the order of the log.
 */
import type { Position } from '../../../ingest/log/log.ts';
import type { LoggedReading } from '../../../ingest/reading-codec.ts';
import type { Message, Tell } from './message.ts';
import type { SpineNetwork, Wire } from './network.ts';

/** A value of a key. */
export interface ExpectedValue {
  readonly result: number | null;
  readonly resultAt: number;
  readonly device: string;
  /** The last number counts the values taken: of one message the later one is greater. */
  readonly rank: readonly [klass: number, at: number, position: Position, order: number];
  /** Of a value whose time is that of its arrival: device and payload, else null. */
  readonly arrival: { readonly device: string; readonly payload: string } | null;
}

export interface Expected {
  /** Series, end, start, height → every kept value, the greatest rank first. */
  readonly kept: ReadonlyMap<string, readonly ExpectedValue[]>;
  /** What each measurement must have been counted as. */
  readonly counts: { stored: number; duplicate: number; revision: number; quarantined: number };
  /** Readings of which nothing could be understood. */
  readonly readings: { control: number; quarantined: number; settled: number };
}

const futureMaxMs = 600_000;
const plausibleFromAt = Date.UTC(2000, 0, 1);

export function expectedKey(
  series: number,
  endAt: number,
  startAt: number,
  heightMm: number,
): string {
  return `${series} ${endAt} ${startAt} ${heightMm}`;
}

/**
 * `messageOf` knows what was meant by each reading; `isSetAside` names readings that ingest gave up
 * because it died of them.
 */
export function expectedOf(
  readings: Iterable<LoggedReading>,
  network: SpineNetwork,
  messageOf: (reading: LoggedReading) => Message,
  isSetAside: (position: Position) => boolean = () => false,
): Expected {
  const world: World = {
    network,
    kept: new Map(),
    arrivals: new Map(),
    counts: { stored: 0, duplicate: 0, revision: 0, quarantined: 0 },
    // Before the first marker what the registry holds is in force.
    version: network.registry.current().version,
    taken: 0,
  };
  const ended = { control: 0, quarantined: 0, settled: 0 };
  for (const reading of readings) {
    const message = messageOf(reading);
    if (message.kind !== 'message' && message.kind !== 'backfill') {
      ended.control += 1;
      if (message.kind === 'registry') world.version = versionOf(message);
    } else if (
      message.tells === null ||
      !isKnownDevice(world, reading.device) ||
      isSetAside(reading.position)
    ) {
      ended.quarantined += 1;
    } else {
      ended.settled += 1;
      for (const tell of message.tells) take(world, tell, reading);
    }
  }
  for (const values of world.kept.values()) values.sort((a, b) => compareRanks(b.rank, a.rank));
  return { kept: world.kept, counts: world.counts, readings: ended };
}

interface World {
  readonly network: SpineNetwork;
  readonly kept: Map<string, ExpectedValue[]>;
  /** Values whose time is that of their arrival, by series and height. */
  readonly arrivals: Map<string, { readonly endAt: number; readonly value: ExpectedValue }[]>;
  readonly counts: Expected['counts'];
  version: number;
  taken: number;
}

function isKnownDevice({ network, version }: World, device: string): boolean {
  return network.wires.some((wire) => wire.device === device && isInForce(wire, version));
}

function isInForce(wire: Wire, version: number): boolean {
  return wire.sinceVersion <= version && version <= wire.untilVersion;
}

function versionOf(message: Message): number {
  return (JSON.parse(message.payload.toString()) as { version: number }).version;
}

function take(world: World, tell: Tell, reading: LoggedReading): void {
  const { counts } = world;
  const inTime = tell.isGarbled ? null : placeOf(world, tell, reading);
  if (inTime === null) {
    counts.quarantined += 1;
    return;
  }
  const { wire, series, endAt, startAt } = inTime;
  const result = tell.value === null ? null : tell.value * wire.scale + wire.shift;
  const resultAt = resultAtOf(tell, reading);
  const hasResultAt = !Number.isNaN(resultAt);
  const value: ExpectedValue = {
    result,
    resultAt,
    device: reading.device,
    rank: [
      result === null && !hasResultAt ? 0 : 1,
      hasResultAt ? resultAt : reading.receivedAt,
      reading.position,
      (world.taken += 1),
    ],
    arrival: inTime.isArrival
      ? { device: reading.device, payload: Buffer.from(reading.payload).toString('latin1') }
      : null,
  };
  const place = `${series} ${tell.heightMm}`;
  if (isKnownArrival(world, place, endAt, { value, wire })) {
    counts.duplicate += 1;
    return;
  }
  const key = expectedKey(series, endAt, startAt, tell.heightMm);
  const values = world.kept.get(key);
  if (values === undefined) {
    counts.stored += 1;
    world.kept.set(key, [value]);
  } else if (values.some((known) => isRepeat(value, known))) {
    counts.duplicate += 1;
    return;
  } else {
    counts.revision += 1;
    values.push(value);
  }
  if (value.arrival !== null) noteArrival(world, place, { endAt, value });
}

interface PlaceInTime {
  readonly wire: Wire;
  readonly series: number;
  readonly endAt: number;
  readonly startAt: number;
  /** The message carried no time that can be. */
  readonly isArrival: boolean;
}

function placeOf(world: World, tell: Tell, reading: LoggedReading): PlaceInTime | null {
  const { network, version } = world;
  const wires = network.wires.filter(
    (wire) =>
      wire.device === reading.device && wire.channel === tell.channel && isInForce(wire, version),
  );
  const fromAt = Math.max(plausibleFromAt, Math.min(...wires.map((wire) => wire.fromAt)));
  const isPlausible = tell.endAt >= fromAt && tell.endAt <= reading.receivedAt + futureMaxMs;
  const endAt = isPlausible ? tell.endAt : reading.receivedAt;
  const wire = wires.find((each) => endAt >= each.fromAt && endAt < each.toAt);
  const series = wire === undefined ? undefined : network.seriesOf.get(wire.datastream);
  if (wire === undefined || series === undefined) return null;
  const isInstant = wire.aggregation === 'instant';
  const spanMs = Number.isNaN(tell.startAt) ? wire.intervalMs : tell.endAt - tell.startAt;
  return {
    wire,
    series,
    endAt,
    startAt: isInstant ? endAt : endAt - spanMs,
    isArrival: !isPlausible,
  };
}

function resultAtOf(tell: Tell, reading: LoggedReading): number {
  const { resultAt } = tell;
  const isPlausible = resultAt >= plausibleFromAt && resultAt <= reading.receivedAt + futureMaxMs;
  return isPlausible ? resultAt : Number.NaN;
}

function isRepeat(value: ExpectedValue, known: ExpectedValue): boolean {
  if (!Number.isNaN(value.resultAt) && value.resultAt !== known.resultAt) return false;
  return isSame(value.result, known.result);
}

export function isSame(left: number | null, right: number | null): boolean {
  if (left === null || right === null) return left === right;
  return Math.abs(left - right) <= 1e-9 * Math.max(Math.abs(left), Math.abs(right));
}

function isKnownArrival(
  world: World,
  place: string,
  endAt: number,
  { value, wire }: { readonly value: ExpectedValue; readonly wire: Wire },
): boolean {
  if (value.arrival === null) return false;
  const withinMs = Math.min(60_000, wire.intervalMs / 2);
  const { device, payload } = value.arrival;
  return (world.arrivals.get(place) ?? []).some(
    (known) =>
      Math.abs(known.endAt - endAt) <= withinMs &&
      known.value.arrival?.device === device &&
      known.value.arrival.payload === payload &&
      isSame(known.value.result, value.result),
  );
}

function noteArrival(
  world: World,
  place: string,
  arrival: { readonly endAt: number; readonly value: ExpectedValue },
): void {
  const known = world.arrivals.get(place);
  if (known === undefined) world.arrivals.set(place, [arrival]);
  else known.push(arrival);
}

function compareRanks(a: ExpectedValue['rank'], b: ExpectedValue['rank']): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || a[3] - b[3];
}
