import { expect, test } from 'vitest';

import { createMethods } from './methods.ts';

test('an address is known by its routes, with parameters and without', () => {
  const methods = createMethods();
  methods.add('/a/:id', ['GET', 'HEAD']);
  methods.add('/a/:id', ['DELETE']);
  methods.add('/a.csv', ['GET']);
  methods.add('*', ['OPTIONS']);
  expect(methods.allowed('/a/1')).toEqual(['DELETE', 'GET', 'HEAD']);
  expect(methods.allowed('/a.csv')).toEqual(['GET']);
  expect(methods.allowed('/axcsv')).toEqual([]);
  expect(methods.allowed('/a/1/2')).toEqual([]);
});
