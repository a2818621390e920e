/** One request of lines, repeated until InfluxDB answers it: stored, or what is wrong with the lines. */
import type { Clock } from '../../../devices/clock.ts';
import { CodedError } from '../../../devices/coded-error.ts';
import type { Random } from '../../../devices/random.ts';
import type { InfluxConfig } from './config.ts';
import { refusalOf, type Answer, type Connection } from './connection.ts';
import { influxError } from './errors.ts';
import type { InfluxEvents } from './events.ts';
import type { Pauses } from './pauses.ts';

export interface SendingOptions {
  readonly config: InfluxConfig;
  readonly connection: Connection;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: InfluxEvents;
  readonly pauses: Pauses;
}

export interface Sending {
  /** Null once the lines are stored, else why some of them are refused. Rejects INFLUX_CLOSED alone. */
  send(lines: readonly string[]): Promise<string | null>;
  /** The wait before the next repeat, behind so many failures. */
  waitMs(failures: number, askedMs?: number): number;
}

type Meaning = 'stored' | 'refused' | 'not allowed' | 'busy';

/** What the statuses mean; every other one means busy. 201 is what InfluxDB 3 calls a partial success. */
const meanings: Readonly<Record<number, Meaning>> = {
  204: 'stored',
  201: 'refused',
  400: 'refused',
  413: 'refused',
  422: 'refused',
  401: 'not allowed',
  403: 'not allowed',
  404: 'not allowed',
};

export function createSending(options: SendingOptions): Sending {
  const { config, connection, clock, random, events, pauses } = options;

  function waitMs(failures: number, askedMs = Number.NaN): number {
    const doubledMs = Math.min(config.backoffMaxMs, config.backoffMinMs * 2 ** (failures - 1));
    const spreadMs = Math.ceil(doubledMs * (0.5 + random.next() / 2));
    if (Number.isNaN(askedMs)) return spreadMs;
    return Math.max(spreadMs, Math.min(askedMs, config.retryAfterMsMax));
  }

  /** No answer is an answer too. */
  async function attempt(body: string): Promise<Answer | CodedError> {
    if (pauses.isEnded) throw influxError('INFLUX_CLOSED');
    try {
      return await connection.write(body);
    } catch (error) {
      if (error instanceof CodedError && error.code !== 'INFLUX_CLOSED') return error;
      throw error;
    }
  }

  return {
    waitMs,
    async send(lines) {
      const body = lines.join('\n');
      for (let failures = 1; ; failures++) {
        const begunMs = clock.monotonicMs();
        const answer = await attempt(body);
        if (answer instanceof CodedError) {
          const againMs = waitMs(failures);
          events.writeRepeated(answer, againMs);
          await pauses.pause(againMs);
          continue;
        }
        const meaning = meanings[answer.status] ?? 'busy';
        if (meaning === 'refused') return reasonOf(answer);
        if (meaning === 'stored') {
          events.linesStored(lines.length, clock.monotonicMs() - begunMs);
          return null;
        }
        const againMs = waitMs(failures, answer.retryAfterMs);
        if (meaning === 'busy') events.writeRepeated(refusalOf(answer, config), againMs);
        else events.writeRefused(refusalOf(answer, config), againMs);
        await pauses.pause(againMs);
      }
    },
  };
}

const reasonShownMax = 500;

/** The sentence inside the JSON of 1.8 and of 2.x, or what else there is. */
function reasonOf({ status, body }: Answer): string {
  const message = /"(?:message|error)"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(body)?.[1];
  const text = message === undefined ? body : textOf(message);
  return `${status}: ${text}`.slice(0, reasonShownMax);
}

/** What stands between an answer's quotes; a proxy's need not be JSON, and is shown as it is. */
function textOf(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted.slice(1, -1);
  }
}
