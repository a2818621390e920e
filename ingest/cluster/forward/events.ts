/** What happens on the way of a node's readings to Kafka: one function an occurrence. */
import type { Counter, Telemetry } from '../../../devices/telemetry.ts';
import type { Position } from '../../log/log.ts';

export interface Away {
  /** Wall clock at the first send that failed. */
  readonly sinceAt: number;
  /** Readings that wait in the node's own log. */
  readonly waiting: number;
  /** When the own log is full at the present rate; null while none come. */
  readonly spoolUntilAt: number | null;
}

export interface ForwardEvents {
  /** The own log reaches as far as Kafka knows it; `records` of Kafka were looked at for that. */
  startProven(fields: {
    readonly position: Position;
    readonly end: Position;
    readonly records: number;
    readonly tookMs: number;
  }): void;
  /** Where the log ended at this start could not be noted on disk, or the note not be removed. */
  startUnnoted(error: unknown): void;
  /** The last batch of a partition cannot be understood: its readings are looked at instead. */
  decidedUnread(fields: { readonly partition: number; readonly error: unknown }): void;
  opened(fields: { readonly position: Position; readonly registryVersion: number }): void;
  forwarded(readings: number): void;
  /** `readings`: so many, in or before the batch that ends at `last`. */
  unreadable(error: unknown, readings: number, last: Position): void;
  readFailed(error: unknown, position: Position): void;
  registryAdopted(version: number, position: Position): void;
  registryMissing(error: unknown, version: number): void;
  noteFailed(error: unknown): void;
  /** The owner of the log was not told what it may delete; `isNews`: not for the same reason as before. */
  retentionUntold(
    fields: { readonly position: Position; readonly error: unknown },
    isNews: boolean,
  ): void;
  /** It is told again. */
  retentionTold(position: Position): void;
  /** `silent`: counted alone, since it was told a moment ago. */
  sendFailed(error: unknown, tone: 'alarm' | 'warning' | 'silent', away: Away): void;
  spoolUnknown(error: unknown): void;
  returned(awayMs: number, waiting: number): void;
  gauges(gauges: {
    readonly position: Position;
    readonly noted: Position;
    readonly waiting: number;
    readonly away: Away | null;
  }): void;
  closed(position: Position): void;
}

const secondMs = 1_000;

export function createForwardEvents({ logger, metrics }: Telemetry): ForwardEvents {
  const name = (rest: string): string => `quantrac_forward_${rest}`;
  const sent = metrics.counter(name('readings_total'), 'Readings of the own log that Kafka has.');
  const unreadable = metrics.counter(
    name('unreadable_total'),
    'Readings of the own log that could not be read; Kafka has records that name them.',
  );
  const errors = metrics.counter(name('errors_total'), 'What failed and is tried again.', ['what']);
  const position = metrics.gauge(name('position'), 'Last position of the own log in Kafka.');
  const noted = metrics.gauge(name('noted_position'), 'The same, as it is noted on disk.');
  const waiting = metrics.gauge(name('waiting_readings'), 'Readings that Kafka does not have yet.');
  const since = metrics.gauge(
    name('away_since_seconds'),
    'Unix time since when Kafka takes nothing; 0 while it does.',
  );
  const until = metrics.gauge(
    name('spool_until_seconds'),
    'Unix time at which the own log is full at the present rate, while Kafka is away; else 0.',
  );
  return {
    ...eventsAround(logger, errors),
    opened: (fields) => logger.info(fields, 'Readings are forwarded to Kafka.'),
    forwarded: (readings) => sent.increase(readings),
    unreadable(error, readings, last) {
      unreadable.increase(readings);
      logger.error(
        { error, readings, last },
        'Readings of the own log cannot be read; ingest is told which.',
      );
    },
    readFailed(error, at) {
      errors.increase(1, { what: 'read' });
      logger.warn({ error, position: at }, 'The own log could not be read; it is tried again.');
    },
    registryAdopted: (version, at) =>
      logger.info({ version, position: at }, 'Readings are routed by a newer registry.'),
    registryMissing(error, version) {
      errors.increase(1, { what: 'registry' });
      logger.error(
        { error, version },
        'The registry version by which readings were routed is not there: forwarding waits for it.',
      );
    },
    noteFailed(error) {
      errors.increase(1, { what: 'note' });
      logger.warn({ error }, 'How far Kafka has the log could not be noted; it is tried again.');
    },
    sendFailed(error, tone, away) {
      errors.increase(1, { what: 'send' });
      const fields = { error, ...toldOf(away) };
      if (tone === 'alarm') {
        logger.error(fields, 'Kafka takes no readings: they wait in the own log.');
      } else if (tone === 'warning') {
        logger.warn(fields, 'Kafka did not take readings; they are sent again.');
      }
    },
    spoolUnknown: (error) =>
      logger.warn({ error }, 'How much room the own log has left could not be told.'),
    returned: (awayMs, left) =>
      logger.info({ awayMs, waiting: left }, 'Kafka takes readings again.'),
    gauges(gauges) {
      position.set(gauges.position);
      noted.set(gauges.noted);
      waiting.set(gauges.waiting);
      since.set((gauges.away?.sinceAt ?? 0) / secondMs);
      until.set((gauges.away?.spoolUntilAt ?? 0) / secondMs);
    },
    closed: (at) => logger.info({ position: at }, 'Forwarding ends.'),
  };
}

type EventsAround = Pick<
  ForwardEvents,
  'startProven' | 'startUnnoted' | 'decidedUnread' | 'retentionUntold' | 'retentionTold'
>;

/** Before and behind the sending itself. */
function eventsAround(logger: Telemetry['logger'], errors: Counter): EventsAround {
  return {
    retentionUntold(fields, isNews) {
      errors.increase(1, { what: 'retention' });
      if (isNews) logger.warn(fields, 'The own log is not told what it may delete, and grows.');
    },
    retentionTold: (position) =>
      logger.info({ position }, 'The own log is told again what it may delete.'),
    startProven: (fields) =>
      logger.info(fields, 'The own log reaches as far as Kafka knows it: nothing is used twice.'),
    startUnnoted(error) {
      errors.increase(1, { what: 'start' });
      logger.warn({ error }, 'The note of where the own log ended at this start failed.');
    },
    decidedUnread(fields) {
      errors.increase(1, { what: 'decided' });
      logger.warn(
        fields,
        'The last batch of a partition is not understood: its readings are read.',
      );
    },
  };
}

function toldOf({ sinceAt, waiting, spoolUntilAt }: Away): object {
  const until = spoolUntilAt === null ? null : new Date(spoolUntilAt).toISOString();
  return { since: new Date(sinceAt).toISOString(), waiting, spoolLastsUntil: until };
}
