import { describe, expect, test } from 'vitest';
import { namesOf } from '../quality.ts';
import { normaliseConfig } from './config.ts';
import { createNormaliser } from './measurement.ts';
import {
  bind,
  candidate,
  givenDigit,
  hour,
  measured,
  message,
  minute,
  receivedAt,
  refusal,
} from './samples.ts';

describe('units', () => {
  test('the deployment’s conversion applies, free of binary noise', () => {
    expect(candidate({ value: 23 }, [bind({ scale: 0.1 })]).result).toBe(2.3);
    expect(candidate({ value: 77 }, [bind({ scale: 5 / 9, shift: -160 / 9 })]).result).toBe(25);
  });

  test.each([
    ['air-temperature', '°F', 77, 25],
    ['air-temperature', 'K', 300, 26.85],
    ['air-pressure', 'kPa', 101.3, 1013],
    ['wind-speed', 'mph', 10, 4.4704],
    ['wind-speed', 'km/h', 36, 10],
    ['rainfall', 'in', 1, 25.4],
    ['water-level', 'cm', 67.67, 0.6767],
    ['nitrate', 'mg NO3/L', 10, 2.259],
  ])('a %s in %s overrides the deployment', (property, unit, value, expected) => {
    const { result } = candidate({ value, unit }, [bind({ property, scale: 99, shift: 9 })]);
    expect(result).not.toBeNull();
    expect(Math.abs((result ?? 0) / expected - 1)).toBeLessThan(1e-4);
  });

  test('the unit that the deployment names is no override', () => {
    const binding = bind({ deployment: { unit: '°F' }, scale: 5 / 9, shift: -160 / 9 });
    expect(candidate({ value: 77, unit: '°F' }, [binding]).result).toBe(25);
    expect(candidate({ value: 25, unit: 'Cel' }, [binding]).result).toBe(25);
  });

  test('calibration comes before the unit of the message', () => {
    const binding = bind({ deployment: { factor: 2, offset: 1 }, scale: 2, shift: 1 });
    expect(candidate({ value: 10 }, [binding]).result).toBe(21);
    expect(candidate({ value: 38, unit: '°F' }, [binding]).result).toBe(25);
  });

  test('an unknown unit and one of another kind are refused by name', () => {
    expect(refusal({ unit: 'blorp' })).toMatchObject({
      ok: false,
      channel: 'c',
      code: 'INGEST_UNIT_UNKNOWN',
    });
    const other = refusal({ unit: 'kg' });
    expect(other.code).toBe('INGEST_UNIT_MISMATCH');
    expect(other.detail).toContain('kg');
    const basis = refusal({ unit: 'mg NH4/L' }, [bind({ property: 'nitrate' })]);
    expect(basis.code).toBe('INGEST_UNIT_MISMATCH');
  });
});

describe('deployments', () => {
  const change = Date.parse('2026-02-01T00:00:00Z');
  const earlier = bind({ series: 1, deployment: { toAt: change } });
  const later = bind({ series: 2, deployment: { fromAt: change } });

  test('the one in force at the phenomenon time applies', () => {
    for (const bindings of [
      [earlier, later],
      [later, earlier],
    ]) {
      expect(candidate({ endAt: change - 1 }, bindings).series).toBe(1);
      expect(candidate({ endAt: change }, bindings).series).toBe(2);
    }
  });

  test('an interval that ends with a deployment was measured by it', () => {
    const hourly = bind({ aggregation: 'mean', deployment: { toAt: change } });
    expect(candidate({ endAt: change }, [hourly]).endAt).toBe(change);
    expect(refusal({ endAt: change }, [earlier]).code).toBe('INGEST_NO_DEPLOYMENT');
  });

  test('the latest begun wins where two overlap', () => {
    const inside = bind({ series: 3, deployment: { fromAt: change - hour } });
    expect(candidate({ endAt: change - minute }, [inside, earlier]).series).toBe(3);
    expect(candidate({ endAt: change - minute }, [earlier, inside]).series).toBe(3);
  });

  test('a time before all of them is a wrong clock', () => {
    const known = candidate({ endAt: Date.parse('2024-06-01T00:00:00Z') });
    expect(known).toMatchObject({ endAt: receivedAt, timeSource: 'receive' });
    expect(namesOf(known.qualifiers)).toEqual(['CLOCK']);
    expect(givenDigit(known, 'time')).toBe(3);
    expect(known.raw.time).toBe(String(Date.parse('2024-06-01T00:00:00Z')));
  });

  test('a time in which none was in force is refused with that time', () => {
    const outcome = refusal({ endAt: change + hour }, [earlier]);
    expect(outcome.code).toBe('INGEST_NO_DEPLOYMENT');
    expect(outcome.detail).toBe('2026-02-01T01:00:00.000Z');
    const beyond = { ...message, receivedAt: 9e15 };
    expect(refusal({ endAt: 9e15 }, [earlier], beyond).detail).toBe('9000000000000000');
  });

  test('a channel that no deployment names is refused with the device', () => {
    for (const bindings of [undefined, []]) {
      const normaliser = createNormaliser(normaliseConfig.parse({}));
      expect(normaliser.normalise(measured(), bindings, message)).toEqual({
        ok: false,
        channel: 'c',
        code: 'INGEST_UNMAPPED_CHANNEL',
        detail: 'd',
      });
    }
  });
});
