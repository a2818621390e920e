import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { chooseFormat, formats } from './format.ts';

const none = { extension: undefined, format: undefined, accept: undefined } as const;

describe('the format of an answer', () => {
  test('is JSON where nothing is wished', () => {
    expect(chooseFormat(none, formats)).toBe('json');
    expect(chooseFormat({ ...none, accept: '*/*' }, formats)).toBe('json');
    const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
    expect(chooseFormat({ ...none, accept: browser }, formats)).toBe('json');
  });

  test('is that of the extension or of `format`, before Accept', () => {
    expect(chooseFormat({ ...none, extension: 'csv', accept: 'application/json' }, formats)).toBe(
      'csv',
    );
    expect(chooseFormat({ ...none, format: 'ndjson', accept: 'text/csv' }, formats)).toBe('ndjson');
    expect(chooseFormat({ ...none, extension: 'csv', format: 'csv' }, formats)).toBe('csv');
  });

  test('is the best weighted of Accept', () => {
    const choose = (accept: string) => chooseFormat({ ...none, accept }, formats);
    expect(choose('text/csv')).toBe('csv');
    expect(choose('application/geo+json')).toBe('geojson');
    expect(choose('application/json;q=0.1, application/x-ndjson;q=0.9')).toBe('ndjson');
    expect(choose('text/*, application/json;q=0.5')).toBe('csv');
    expect(choose('application/json;q=0, */*;q=0.1')).toBe('geojson');
    expect(choose('TEXT/CSV; charset=utf-8')).toBe('csv');
  });

  test('that contradicts the extension, or does not exist, is refused', () => {
    const invalid = expect.objectContaining({ code: 'API_PARAMETER_INVALID' });
    expect(() => chooseFormat({ ...none, extension: 'csv', format: 'json' }, formats)).toThrow(
      invalid,
    );
    expect(() => chooseFormat({ ...none, format: 'xml' }, formats)).toThrow(invalid);
  });

  test('that is not offered here is refused', () => {
    expect(() => chooseFormat({ ...none, format: 'geojson' }, ['json', 'csv'])).toThrow(
      expect.objectContaining({ code: 'API_FORMAT_UNSUPPORTED' }),
    );
    expect(() => chooseFormat({ ...none, accept: 'image/png' }, formats)).toThrow(
      expect.objectContaining({ code: 'API_NOT_ACCEPTABLE' }),
    );
  });

  test('is found or refused by code for any Accept', () => {
    const outcome = (accept: string): string => {
      try {
        return chooseFormat({ ...none, accept }, formats);
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    fc.assert(
      fc.property(fc.string(), (accept) => {
        expect([...formats, 'API_NOT_ACCEPTABLE']).toContain(outcome(accept));
      }),
    );
  });
});
