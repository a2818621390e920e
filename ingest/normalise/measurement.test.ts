import { describe, expect, test } from 'vitest';
import { namesOf } from '../quality.ts';
import { normaliseConfig } from './config.ts';
import { createNormaliser, type Circumstance } from './measurement.ts';
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

const nan = Number.NaN;

describe('a measurement of a known channel', () => {
  test('becomes a candidate with key, result and everything as sent', () => {
    const binding = bind();
    expect(candidate({}, [binding])).toMatchObject({
      ok: true,
      binding,
      series: 7,
      endAt: receivedAt - minute,
      startAt: receivedAt - minute,
      heightMm: nan,
      result: 21.5,
      qualifiers: 0,
      reason: null,
      resultAt: nan,
      timeSource: 'device',
      latitude: nan,
      longitude: nan,
    });
  });

  test('keeps its text: of decimals, and of any other spelling', () => {
    const short = candidate({ value: 21.5, decimals: 2 }).raw;
    expect([short.name, short.value, short.unit, short.time]).toEqual([
      'c',
      '21.50',
      null,
      String(receivedAt - minute),
    ]);
    expect([short.sentNumber, short.sentDecimals]).toEqual([21.5, 2]);
    const spelled = candidate({ value: 21.5, decimals: -1, text: '2.15e1', unit: '°C' }).raw;
    expect(spelled).toEqual({
      name: 'c',
      value: '2.15e1',
      unit: '°C',
      time: String(receivedAt - minute),
    });
  });

  test('of nothing unusual has the digits of a good one', () => {
    const known = candidate({});
    const tests = ['syntax', 'location', 'time', 'duplicate', 'deviceStatus'] as const;
    expect(tests.map((test) => givenDigit(known, test))).toEqual([1, 2, 1, 1, 2]);
  });

  test('of a mean covers one interval', () => {
    const mean = candidate({}, [bind({ aggregation: 'mean' })]);
    expect(mean.endAt - mean.startAt).toBe(5 * minute);
  });
});

describe('what has no number', () => {
  test('a null is missing, its text kept', () => {
    const missing = candidate({ value: null, decimals: -1, text: 'NaN' });
    expect(missing).toMatchObject({ result: null, reason: 'MISSING' });
    expect(missing.raw.value).toBe('NaN');
    expect(givenDigit(missing, 'syntax')).toBe(1);
  });

  test('a text that is no number is missing, and its syntax suspect', () => {
    const missing = candidate({ value: null, decimals: -1, text: 'ERR7' });
    expect(missing).toMatchObject({ result: null, reason: 'MISSING' });
    expect(givenDigit(missing, 'syntax')).toBe(3);
  });

  test.each([-9999, -999, -99.9, 9999, 32767, 65535, -127])(
    '%d outside the plausible range is a code',
    (value) => {
      const coded = candidate({ value, decimals: 1 });
      expect(coded).toMatchObject({ result: null, reason: 'SENTINEL' });
      expect(coded.raw.value).toBe(value.toFixed(1));
    },
  );

  test('inside the plausible range the same number is a value', () => {
    expect(candidate({ value: 999 }, [bind({ property: 'air-pressure' })]).result).toBe(999);
    expect(candidate({ value: 9999 }, [bind({ property: 'conductivity' })]).result).toBe(9999);
    expect(candidate({ value: -99 }, [bind({ property: 'wind-speed' })]).result).toBeNull();
  });

  test('the code is looked for as sent, the range after conversion', () => {
    const fahrenheit = { unit: '[degF]', value: -99.9, decimals: 1 };
    expect(candidate(fahrenheit).result).toBeCloseTo(-73.278, 3);
    expect(candidate({ ...fahrenheit, value: -999 }).reason).toBe('SENTINEL');
    const hectopascals = bind({ property: 'air-pressure', scale: 10 });
    expect(candidate({ value: 99.9 }, [hectopascals]).result).toBe(999);
    expect(candidate({ value: 999.9 }, [hectopascals]).reason).toBe('SENTINEL');
  });

  test('an implausible number that is no code stays a value for the checks', () => {
    expect(candidate({ value: 85.3 })).toMatchObject({ result: 85.3, reason: null });
  });

  test('a counter may pass by any code but a negative one', () => {
    const counter = [bind({ property: 'rainfall', aggregation: 'counter' })];
    expect(candidate({ value: 99_999 }, counter).result).toBe(99_999);
    expect(candidate({ value: -999 }, counter).reason).toBe('SENTINEL');
  });

  test('a value too large after its conversion is refused, a fill value is a code', () => {
    const huge = [bind({ scale: 1e300 })];
    expect(refusal({ value: 1e200 }, huge)).toMatchObject({ code: 'INGEST_RESULT_NOT_FINITE' });
    expect(candidate({ value: 3.4028235e38 }, huge).reason).toBe('SENTINEL');
  });

  test('the list of codes is the operator’s', () => {
    const normaliser = createNormaliser(normaliseConfig.parse({ sentinels: [-1] }));
    const taken = normaliser.normalise(
      measured({ value: -1 }),
      [bind({ property: 'wind-speed' })],
      message,
    );
    expect(taken).toMatchObject({ result: null, reason: 'SENTINEL' });
    expect(normaliser.normalise(measured({ value: -9999 }), [bind()], message)).toMatchObject({
      result: -9999,
    });
  });
});

describe('native quality', () => {
  test.each([
    ['00', 1, [], 21.5],
    ['01', 4, ['CALIB'], null],
    ['02', 4, ['FAULT'], null],
    ['1', 1, [], 21.5],
    ['3', 3, [], 21.5],
    ['4', 4, [], 21.5],
    [' Good ', 1, [], 21.5],
    ['MAINTENANCE', 4, ['MAINT'], null],
    ['estimated', 2, ['EST'], 21.5],
    ['bdl', 2, ['BDL'], 21.5],
    ['purple', 2, [], 21.5],
  ])('%j has digit %i, qualifiers %j and result %d', (quality, digit, names, result) => {
    const known = candidate({ quality });
    expect(givenDigit(known, 'deviceStatus')).toBe(digit);
    expect(namesOf(known.qualifiers)).toEqual(names);
    expect(known.result).toBe(result);
    expect(known.reason).toBe(result === null ? 'DEVICE_STATUS' : null);
  });

  test('a missing value stays missing, whatever the status', () => {
    const missing = candidate({ value: null, decimals: -1, quality: '01' });
    expect(missing.reason).toBe('MISSING');
    expect(namesOf(missing.qualifiers)).toEqual(['CALIB']);
  });
});

describe('arrival', () => {
  test('later than the setting behind its end is LATE', () => {
    expect(namesOf(candidate({ endAt: receivedAt - hour }).qualifiers)).toEqual([]);
    expect(namesOf(candidate({ endAt: receivedAt - hour - 1 }).qualifiers)).toEqual(['LATE']);
  });

  test('on the topic for it is BACKFILL', () => {
    const backfill: Circumstance = { ...message, kind: 'backfill' };
    const known = candidate({ endAt: receivedAt - 2 * hour }, [bind()], backfill);
    expect(namesOf(known.qualifiers)).toEqual(['LATE', 'BACKFILL']);
  });

  test('without a time is CLOCK, not evaluated, and never late', () => {
    const known = candidate({ endAt: nan });
    expect(namesOf(known.qualifiers)).toEqual(['CLOCK']);
    expect(known).toMatchObject({ timeSource: 'receive', endAt: receivedAt });
    expect(givenDigit(known, 'time')).toBe(2);
    expect(known.raw.time).toBeNull();
  });
});

describe('an own place', () => {
  test('is passed on with its height in whole millimetres', () => {
    const known = candidate({ latitude: 10.5, longitude: 107, heightMetres: -12.3456 });
    expect(known).toMatchObject({ latitude: 10.5, longitude: 107, heightMm: -12_346 });
    expect(givenDigit(known, 'location')).toBe(1);
    expect(Object.is(candidate({ heightMetres: -0.0001 }).heightMm, 0)).toBe(true);
  });

  test.each([
    [91, 0, 4],
    [10, nan, 4],
    [0, 0, 3],
  ])('%d, %d is not passed on', (latitude, longitude, digit) => {
    const known = candidate({ latitude, longitude });
    expect([known.latitude, known.longitude]).toEqual([nan, nan]);
    expect(givenDigit(known, 'location')).toBe(digit);
  });
});
