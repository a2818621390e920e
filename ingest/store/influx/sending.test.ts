import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../devices/clock.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import { createRecordedTelemetry } from '../../../devices/telemetry-silent.ts';
import { influxConfigSchema } from './config.ts';
import type { Answer, Connection } from './connection.ts';
import { influxError } from './errors.ts';
import { openInfluxEvents } from './events.ts';
import { createPauses } from './pauses.ts';
import { createSending } from './sending.ts';

const config = influxConfigSchema.parse({ url: 'http://influx', retryAfterMsMax: 60_000 });

/** A clock whose every wait is over at once, and told. */
function createTellingClock(): { readonly clock: Clock; readonly waits: number[] } {
  const waits: number[] = [];
  const schedule: Clock['schedule'] = (delayMs, run) => {
    waits.push(delayMs);
    queueMicrotask(run);
    return { cancel: () => undefined };
  };
  return { waits, clock: { now: () => 0, monotonicMs: () => 0, schedule } };
}

function openSending(answers: readonly (Partial<Answer> | 'none')[]) {
  const { clock, waits } = createTellingClock();
  const telemetry = createRecordedTelemetry();
  const rest = [...answers];
  const bodies: string[] = [];
  const connection = {
    async write(body: string): Promise<Answer> {
      bodies.push(body);
      const next = rest.shift() ?? { status: 204 };
      if (next === 'none') throw influxError('INFLUX_UNREACHABLE');
      return { status: 0, body: '', retryAfterMs: Number.NaN, ...next };
    },
  } as Connection;
  const pauses = createPauses(clock);
  const random = createSeededRandom(5);
  const events = openInfluxEvents(telemetry);
  const sending = createSending({ config, connection, clock, random, events, pauses });
  return { sending, waits, telemetry, bodies, pauses };
}

describe('a request of lines', () => {
  it('is repeated as it is, each wait about double the last up to a bound, until it is stored', async () => {
    const { sending, waits, bodies, telemetry } = openSending(Array<'none'>(12).fill('none'));
    expect(await sending.send(['a', 'b'])).toBeNull();
    expect(new Set(bodies)).toEqual(new Set(['a\nb']));
    const doubled = (at: number): number => Math.min(10_000, 100 * 2 ** at);
    expect(waits).toHaveLength(12);
    for (const [at, waitMs] of waits.entries()) {
      expect(waitMs).toBeGreaterThan(doubled(at) * 0.49);
      expect(waitMs).toBeLessThanOrEqual(doubled(at));
    }
    expect(telemetry.value('quantrac_influx_write_repeats_total')).toBe(12);
    expect(telemetry.value('quantrac_influx_lines_stored_total')).toBe(2);
  });

  it('waits as long as it is asked to, within the bound', async () => {
    const { sending, waits } = openSending([
      { status: 429, retryAfterMs: 7_000 },
      { status: 503, retryAfterMs: 3_600_000 },
    ]);
    expect(await sending.send(['a'])).toBeNull();
    expect(waits).toEqual([7_000, 60_000]);
  });

  it.each([401, 403, 404])('is an operator’s matter when it is answered %i', async (status) => {
    const { sending, telemetry } = openSending([{ status, body: '{"message":"no"}' }]);
    expect(await sending.send(['a'])).toBeNull();
    expect(telemetry.value('quantrac_influx_write_refusals_total')).toBe(1);
    expect(telemetry.lines[0]).toMatchObject({
      level: 'error',
      fields: { error: { fields: { status, bucket: 'observations' } } },
    });
  });

  it.each([200, 302, 500, 502])('is not stored when it is answered %i', async (status) => {
    const { sending, bodies } = openSending([{ status }]);
    expect(await sending.send(['a'])).toBeNull();
    expect(bodies).toHaveLength(2);
  });

  it.each([
    [400, '{"error":"unable to parse \'a\\"b\'"}', "400: unable to parse 'a\"b'"],
    [422, '{"code":"unprocessable entity","message":"partial write"}', '422: partial write'],
    [413, '{"message":"too\nlarge\\q"}', '413: too\nlarge\\q'],
    [413, 'Request Entity Too Large', '413: Request Entity Too Large'],
    [201, '', '201: '],
    [400, 'x'.repeat(2_000), `400: ${'x'.repeat(495)}`],
  ])('is refused with its reason when it is answered %i', async (status, body, reason) => {
    expect(await openSending([{ status, body }]).sending.send(['a'])).toBe(reason);
  });

  it('is given up when the writing ends', async () => {
    const { sending, pauses } = openSending([]);
    pauses.end();
    await expect(sending.send(['a'])).rejects.toMatchObject({ code: 'INFLUX_CLOSED' });
  });
});

describe('a pause', () => {
  it('ends at once with the others, and none begins behind that', async () => {
    const ran: string[] = [];
    const clock: Clock = {
      now: () => 0,
      monotonicMs: () => 0,
      schedule: () => ({ cancel: () => void ran.push('cancelled') }),
    };
    const pauses = createPauses(clock);
    const waiting = Promise.all([pauses.pause(1e9), pauses.pause(1e9)]);
    pauses.end();
    await waiting;
    await pauses.pause(1e9);
    expect(ran).toEqual(['cancelled', 'cancelled']);
    expect(pauses.isEnded).toBe(true);
  });
});
