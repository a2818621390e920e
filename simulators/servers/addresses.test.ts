import { expect, test } from 'vitest';
import { readAddresses, writeAddresses, type ServerAddresses } from './addresses.ts';

const influx = (port: number) => ({
  url: `http://127.0.0.1:${port}`,
  token: `user:${port}`,
  org: 'o',
  bucket: 'b/autogen',
});

test('addresses come back from variables as they went', () => {
  const addresses: ServerAddresses = {
    kafka: { brokers: ['127.0.0.1:1', '127.0.0.1:2'] },
    influx1: influx(3),
    influx2: influx(4),
  };
  const variables = writeAddresses(addresses);
  expect(variables).toMatchObject({
    KAFKA_BROKERS: '127.0.0.1:1,127.0.0.1:2',
    INFLUX_URL: 'http://127.0.0.1:4',
    INFLUX1_URL: 'http://127.0.0.1:3',
  });
  expect(readAddresses(variables)).toEqual(addresses);
});

test('a server that nobody names is not there', () => {
  expect(readAddresses({})).toEqual({});
  expect(readAddresses({ KAFKA_BROKERS: '', INFLUX_URL: '' })).toEqual({});
  expect(writeAddresses({})).toEqual({});
});

test('a server named by halves is refused with what is missing', () => {
  const halves = { INFLUX1_URL: 'http://127.0.0.1:1', INFLUX1_ORG: 'o' };
  expect(() => readAddresses(halves)).toThrow(
    expect.objectContaining({
      code: 'SIMULATORS_SERVERS_INCOMPLETE',
      fields: { missing: ['INFLUX1_TOKEN', 'INFLUX1_BUCKET'] },
    }),
  );
});
