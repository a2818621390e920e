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
  /** Stops reading, lets what waits for the log settle for a while, then cuts everything. */
  close(doors: readonly Door[]): Promise<void>;
}

/** How finely time-outs are kept. */
const sweepMs = 500;
/** How long `close` waits for acknowledgements that are still owed. */
const closeMsMax = 2_000;
const closeStepMs = 10;

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

  async function settle(): Promise<void> {
    const untilMs = clock.monotonicMs() + closeMsMax;
    for (const connection of connections) connection.stopReading();
    const owed = () => [...connections].some((each) => each.pending > 0 || each.backlogBytes > 0);
    while (owed() && clock.monotonicMs() < untilMs) {
      await sleep(clock, closeStepMs);
    }
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
    list(limit) {
      const rows: ConnectionDescription[] = [];
      for (const connection of connections) {
        if (rows.length >= limit) break;
        const row = connection.describe();
        if (row !== undefined) rows.push(row);
      }
      return rows;
    },
    recheck: () => rechecks.begin(),
    async close(doors) {
      closing = true;
      sweeping.cancel();
      await settle();
      for (const connection of connections) connection.close('shutdown');
      await Promise.all(doors.map((door) => door.close()));
    },
  };
}
