/**
 * The MQTT doors together: who is connected, what is swept, and what a change of the registry means
 * for those who are already inside.
 */
import { sleep, type Clock, type Scheduled } from '../../devices/clock.ts';
import type { BrokerConfig } from '../config.ts';
import type { BrokerEvents } from '../events.ts';
import { Connection, type ConnectionDescription } from './connection.ts';
import type { MqttContext } from './context.ts';
import { createConnectionRate } from './limits.ts';
import type { Door, DoorOptions } from './listeners.ts';
import type { FlushingOutbox } from './outbox.ts';
import { createRechecks } from './rechecks.ts';
import type { Transport, TransportHandlers } from './transport.ts';

export interface Connections {
  readonly open: number;
  /** What a door calls for each connection. */
  readonly door: DoorOptions;
  /** Clients that are connected now, at most so many. */
  list(limit: number): ConnectionDescription[];
  /** Proves every connection again by what it showed; those without a right any more are cut. */
  recheck(): void;
  readonly isClosedToKeys: boolean;
  /** Lets go whoever is there with a key, once what is on its way to them has gone or after a while. */
  closeToKeys(): Promise<void>;
  /** Stops reading, lets what waits for the log settle for a while, then cuts everything. */
  close(doors: readonly Door[]): Promise<void>;
}

/** How finely time-outs are kept. */
const sweepMs = 500;
/** How long `close` waits for acknowledgements that are still owed. */
const closeMsMax = 2_000;
const closeStepMs = 10;
/** How long keys are waited for: the log that counts them closes behind it. */
const keysMsMax = 500;

export interface ConnectionsOptions {
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly events: BrokerEvents;
  readonly context: MqttContext;
  readonly outbox: FlushingOutbox;
  /** Called at each sweep, for what else goes by time. */
  readonly swept: (nowMs: number) => void;
}

export function createConnections(options: ConnectionsOptions): Connections {
  const { config, clock, events, context } = options;
  const connections = new Set<Connection>();
  const rate = createConnectionRate(config.connectionRateMax, config.connectionBurstMax);
  let sockets = 0;
  let closing = false;
  let isClosedToKeys = false;
  const rechecks = createRechecks(context, connections);
  let sweeping: Scheduled = clock.schedule(sweepMs, sweep);

  function sweep(): void {
    const nowMs = clock.monotonicMs();
    for (const connection of connections) connection.sweep(nowMs);
    options.outbox.wake();
    rechecks.ifDue(nowMs);
    options.swept(nowMs);
    if (!closing) sweeping = clock.schedule(sweepMs, sweep);
  }

  function connected(transport: Transport): TransportHandlers {
    const connection = new Connection(context, transport, (gone) => connections.delete(gone));
    connections.add(connection);
    return connection;
  }

  /** Once what is owed to them has gone, or after a while. */
  async function letGo(leaving: ReadonlySet<Connection>, msMax: number): Promise<void> {
    await settle(clock, leaving, msMax);
    for (const connection of leaving) connection.close('shutdown');
  }

  return {
    get open() {
      return sockets;
    },
    door: {
      config,
      events,
      admit() {
        if (closing) return false;
        if (sockets >= config.connectionsMax) events.limited('connections');
        else if (!rate.take(clock.monotonicMs())) events.limited('connection-rate');
        else {
          sockets += 1;
          return true;
        }
        return false;
      },
      left: () => {
        sockets -= 1;
      },
      connected,
    },
    list: (limit) => describeSome(connections, limit),
    recheck: () => rechecks.begin(),
    get isClosedToKeys() {
      return isClosedToKeys;
    },
    async closeToKeys() {
      isClosedToKeys = true;
      await letGo(new Set([...connections].filter((each) => each.isOfKey)), keysMsMax);
    },
    async close(doors) {
      closing = true;
      sweeping.cancel();
      await letGo(connections, closeMsMax);
      await Promise.all(doors.map((door) => door.close()));
    },
  };
}

async function settle(
  clock: Clock,
  leaving: ReadonlySet<Connection>,
  msMax: number,
): Promise<void> {
  const untilMs = clock.monotonicMs() + msMax;
  for (const connection of leaving) connection.stopReading();
  const owed = () => [...leaving].some((each) => each.pending > 0 || each.backlogBytes > 0);
  while (owed() && clock.monotonicMs() < untilMs) {
    await sleep(clock, closeStepMs);
  }
}

function describeSome(connections: Iterable<Connection>, limit: number): ConnectionDescription[] {
  const rows: ConnectionDescription[] = [];
  for (const connection of connections) {
    if (rows.length >= limit) break;
    const row = connection.describe();
    if (row !== undefined) rows.push(row);
  }
  return rows;
}
