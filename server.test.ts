import { expect, test } from 'vitest';
import { listeningText } from './server.ts';

const addresses = { mqttPort: 1, mqttWsPort: 2, httpPort: 3, isSecure: false };
const people = { host: undefined, json: false, demo: false, sandbox: false };
const text = (
  configuration: Partial<Parameters<typeof listeningText>[0]>,
  more: Partial<Parameters<typeof listeningText>[1]['addresses']> = {},
) =>
  listeningText(
    { ...people, ...configuration },
    { addresses: { ...addresses, ...more }, dataDir: '/d' },
  );

test('the addresses printed at the start can be opened as they stand', () => {
  expect(text({})).toContain(' http://localhost:3/\n');
  expect(text({}, { isSecure: true })).toContain(' https://localhost:3/api/v1/latest\n');
  expect(text({ host: '::1' }, { mqttsPort: 4 })).toContain(' mqtts://[::1]:4\n');
  expect(text({ host: '0.0.0.0' })).toContain(' mqtt://localhost:1\n');
  expect(text({ host: '10.0.0.1', demo: true })).toMatch(/10\.0\.0\.1:3[^]*demonstration/);
});

test('the line for machines is one JSON object with every port', () => {
  const line = text({ json: true }, { mqttsPort: 4 });
  expect(line.endsWith('}\n')).toBe(true);
  expect(JSON.parse(line)).toEqual({
    event: 'listening',
    ...addresses,
    mqttsPort: 4,
    dataDir: '/d',
  });
});
