/**
 * A room's worker thread: says when it is ready, answers calls, and closes when it is told to. A
 * room that fails to open, or dies, takes the process down with a reason (`main.ts` watches).
 */
import { flushCompileCache } from 'node:module';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { Clock } from './devices/clock.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { CodedError } from './devices/coded-error.ts';
import { giveWay } from './devices/give-way.ts';
import { openSystemRandom, type Random } from './devices/random.ts';
import { openProcessTelemetry, type ProcessTelemetry } from './devices/telemetry-pino.ts';
import { createCaller, serveCalls, type Handlers } from './thread-call.ts';

/** What every room is given by `main.ts`. */
export interface RoomData {
  readonly room: 'broker' | 'ingest' | 'api' | 'link' | 'decide';
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
  /** Ports to the other rooms. */
  readonly ports: Readonly<Record<string, MessagePort>>;
  /** How far its thread stands behind the others. */
  readonly nice?: number;
}

export interface RoomSurroundings<Data extends RoomData> {
  readonly data: Data;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: ProcessTelemetry;
  /** Calls another room. */
  call(room: string, name: string, argument?: unknown): Promise<unknown>;
  /** Calls `main.ts`. */
  main(name: string, argument?: unknown): Promise<unknown>;
  /** Ends the process with a reason: what this thread promised cannot be kept. */
  readonly fail: (error: unknown) => void;
}

export interface OpenRoom {
  /** Told to `main.ts`, for example addresses. */
  readonly ready: unknown;
  /** Calls of `main.ts`. */
  readonly calls?: Handlers;
  /** Calls of other rooms, by the room's name. */
  readonly rooms?: Readonly<Record<string, Handlers>>;
  close(): Promise<void>;
}

export type RoomMessage =
  | { readonly type: 'ready'; readonly ready: unknown }
  | {
      readonly type: 'failed';
      readonly code: string | null;
      readonly message: string;
      readonly fields: unknown;
      readonly stack: string | null;
    };

/** Opens the room; never rejects: a failure is told to `main.ts`. */
export async function runRoom<Data extends RoomData>(
  open: (room: RoomSurroundings<Data>) => Promise<OpenRoom>,
): Promise<void> {
  const parent = parentPort;
  if (parent === null) throw new Error('a room runs in a worker thread');
  const data = workerData as Data;
  if (data.nice !== undefined && data.nice > 0) giveWay(data.nice);
  const tell = (message: RoomMessage): void => parent.postMessage(message);
  const callers = new Map(
    Object.entries(data.ports).map(([name, port]) => [name, createCaller(port)]),
  );
  const telemetry = openProcessTelemetry({
    room: data.room,
    level: data.logLevel,
  });
  const main = createCaller(parent);
  const surroundings: RoomSurroundings<Data> = {
    main,
    data,
    clock: openSystemClock(),
    random: openSystemRandom(),
    telemetry,
    call(room, name, argument) {
      const caller = callers.get(room);
      if (caller === undefined) throw new Error(`${data.room} has no port to ${room}`);
      return caller(name, argument);
    },
    fail: (error) => tell(failureOf(error)),
  };
  const opening = open(surroundings);
  for (const [name, port] of Object.entries(data.ports)) {
    const metrics = () => telemetry.text();
    const handlers = opening.then(({ rooms }) => ({ metrics, ...rooms?.[name] }));
    // A room that does not open answers nobody: the process ends for it.
    handlers.catch(() => undefined);
    serveCalls(port, handlers);
  }
  try {
    const room = await opening;
    serveCalls(parent, {
      metrics: () => telemetry.text(),
      ...room.calls,
      close: async () => {
        await room.close();
        for (const port of Object.values(data.ports)) port.close();
      },
    });
    tell({ type: 'ready', ready: room.ready });
    // Now, since a thread that is killed writes nothing at its end: the next start shall be shorter.
    flushCompileCache();
  } catch (error) {
    tell(failureOf(error));
  }
}

function failureOf(error: unknown): RoomMessage {
  const known = error instanceof Error ? error : new Error(String(error));
  return {
    type: 'failed',
    code: known instanceof CodedError ? known.code : null,
    message: known.message,
    fields: known instanceof CodedError ? known.fields : {},
    stack: known.stack ?? null,
  };
}
