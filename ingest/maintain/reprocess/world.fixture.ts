import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createSeededRandom, type Random } from '../../../devices/random.ts';
import { sleep, type Clock } from '../../../devices/clock.ts';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { createRecordedTelemetry } from '../../../devices/telemetry-silent.ts';
import { ingestConfigSchema } from '../../config.ts';
import { openNodeFileSystem } from '../../log/file-system-node.ts';
import type { Position } from '../../log/log.ts';
import type { ObservationRow } from '../../observation.ts';
import type { Reading } from '../../reading.ts';
import { openRoom, settled, type Life, type Room } from '../../room.fixture.ts';
import { digestOf } from '../../store/digest.ts';
import type { ReprocessFindings } from './report.ts';
import { reprocess } from './reprocess.ts';
import type { ReprocessOrder, ReprocessParts, ReprocessReport } from './work.ts';

export const dayAt = Date.UTC(2026, 0, 1);
export const minuteMs = 60_000;
const config = ingestConfigSchema.parse({});

/** Deployments of the devices `logger`, `gauge` and `strange` of the room's network. */
export interface Wiring {
  readonly deployments: readonly object[];
  readonly devices?: readonly object[];
  readonly datastreams?: readonly object[];
}

export interface World {
  readonly room: Room;
  readonly life: Life;
  /** Ingest dies as by `kill -9` and starts again. */
  crash(): Promise<void>;
  /** Imports and marks. */
  wire(wiring: Wiring): Promise<Position>;
  /** Appends in order; resolves when all of it is decided. */
  send(readings: readonly Partial<Reading>[]): Promise<void>;
  run(
    order?: Partial<ReprocessOrder>,
    parts?: Partial<ReprocessParts>,
  ): Promise<{
    readonly report: ReprocessReport;
    readonly findings: ReprocessFindings | undefined;
  }>;
  /** A line for each current row of a datastream: what everybody sees. */
  lines(datastream: string): string[];
  all(): Record<string, string[]>;
  digest(): Promise<string>;
  close(): Promise<void>;
}

export const datastreams = ['t', 'rh', 'pm', 'rain', 'spare', 'codec'] as const;

export async function openWorld(clock: Clock = openSystemClock()): Promise<World> {
  const room = await openRoom(clock);
  let life = await room.open();
  const scratches: string[] = [];

  function rowsOf(datastream: string): ObservationRow[] {
    const series = room.registry.current().datastreams.get(datastream)?.series ?? -1;
    const query = { series, fromAt: 0, toAt: 8e15, order: 'asc', limit: 1_000_000 } as const;
    return [...life.store.range(query)];
  }

  return {
    room,
    get life() {
      return life;
    },
    async crash() {
      life.crash();
      // Its note on disk may be half written: in a dead process nothing goes on.
      await sleep(clock, 50);
      life = await room.open();
    },
    async wire({ deployments, devices = [], datastreams: streams = [] }) {
      const file = { format: 'quantrac-registry/1', devices, datastreams: streams, deployments };
      const imported = room.registry.importFile(file, 'test');
      if (!imported.ok) throw new Error(JSON.stringify(imported.problems));
      const position = await room.mark();
      await settled(life, position);
      return position;
    },
    async send(readings) {
      await Promise.all(readings.map((reading) => room.append(reading)));
      await settled(life, room.ends().readings);
    },
    async run(order = {}, parts = {}) {
      let findings: ReprocessFindings | undefined;
      const report = await reprocess(
        { fromAt: null, toAt: null, isDryRun: false, actor: 'test', ...order },
        {
          ...partsOf(room, clock, scratches),
          onFindings: (found) => void (findings = found),
          ...parts,
        },
      ).finally(() => {
        for (const folder of scratches.splice(0)) rmSync(folder, { recursive: true });
      });
      await settled(life, room.ends().readings);
      return { report, findings };
    },
    lines: (datastream) => rowsOf(datastream).map(lineOf),
    all: () => Object.fromEntries(datastreams.map((id) => [id, rowsOf(id).map(lineOf)])),
    async digest() {
      const { digest } = await digestOf({ store: life.store, registry: room.registry.current() });
      return digest;
    },
    async close() {
      await life.close();
      await room.remove();
      await sleep(clock, 0);
    },
  };
}

function partsOf(
  room: Room,
  clock: Clock,
  scratches: string[],
): Omit<ReprocessParts, 'onFindings'> {
  const { directory, registry } = room;
  return {
    clock,
    fileSystem: openNodeFileSystem(),
    openTelemetry: createRecordedTelemetry,
    config,
    registry,
    paths: {
      readings: join(directory, 'readings'),
      observations: join(directory, 'observations'),
      view: join(directory, 'view.db'),
    },
    makeScratch() {
      const folder = mkdtempSync(join(directory, 'scratch-'));
      scratches.push(folder);
      return folder;
    },
    ends: async () => room.ends(),
    append: (reading) => room.append(reading),
    onProgress: () => undefined,
  };
}

function lineOf(row: ObservationRow): string {
  const { verdict } = row;
  const minutes = (row.endAt - dayAt) / minuteMs;
  const span = (row.endAt - row.startAt) / minuteMs;
  const judged = `${verdict.flag} ${verdict.tests.replaceAll('2', '1')} ${verdict.qualifiers} ${verdict.reason}`;
  const { device, raw, resultAt } = row;
  return `${minutes}/${span} ${row.result} ${judged} ${resultAt} ${device} ${raw.name} ${raw.value} ${raw.unit}`;
}

/** What a day of three devices sends: late, twice, corrected, missing, without a time. */
export function messagesOf(seed: number, count: number): Partial<Reading>[] {
  const random = createSeededRandom(seed);
  const sent: Partial<Reading>[] = [];
  for (let number = 0; number < count; number++) {
    const receivedAt = dayAt + 3 * 86_400_000 + number * 3_000;
    const old = sent[Math.floor(random.next() * sent.length)];
    if (old !== undefined && random.next() < 0.1) sent.push({ ...old, receivedAt });
    else sent.push({ receivedAt, ...messageOf(random) });
  }
  return sent;
}

function messageOf(random: Random): Partial<Reading> {
  const pick = <Value>(...values: readonly Value[]): Value =>
    values[Math.floor(random.next() * values.length)] as Value;
  const kind = random.next();
  if (kind < 0.15) return of('gauge', { rain: pick(0, 0.2, 0.4, 1) });
  if (kind < 0.25) return of('strange', [{ n: 'x', v: pick(1, 2, 3), t: at(random) / 1_000 }]);
  const values: Record<string, unknown> = { ts: at(random), ta: pick(20, 20.1, 20.2, 35, null) };
  if (random.next() < 0.7) values['rh'] = pick(55, 60, 61, 140);
  if (random.next() < 0.6) values['pm'] = pick(12, 13, 14.5, -9_999, 12);
  if (random.next() < 0.15) values['heightMetres'] = pick(2, 10);
  if (random.next() < 0.15) values['from'] = Number(values['ts']) - pick(20, 60) * minuteMs;
  if (random.next() < 0.4) values['extra'] = pick(0, 0.2, 0.6);
  if (random.next() < 0.15) values['resultTime'] = at(random) + 2 * 86_400_000;
  const backfill = random.next() < 0.1;
  return backfill
    ? { ...of('logger', values), kind: 'backfill', topic: 'env/v1/logger/obs/backfill' }
    : of('logger', values);
}

/** A place of two days in steps of ten minutes. */
function at(random: Random): number {
  return dayAt + Math.floor(random.next() * 288) * 10 * minuteMs;
}

function of(device: string, message: unknown): Partial<Reading> {
  const payload = Buffer.from(JSON.stringify(message));
  return { device, topic: `env/v1/${device}/obs`, payload };
}
