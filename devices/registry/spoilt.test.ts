import { describe, expect, it } from 'vitest';
import { createZones } from '../instant.ts';
import { propertyCatalogue } from '../properties/catalogue.ts';
import { createUnitConverter } from '../unit.ts';
import { checkFile } from './check.ts';
import { wholeNetwork } from './fixture.ts';
import { emptyRecords, type Records } from './records.ts';

function problemsIn(content: unknown, records: Records = emptyRecords): string[] {
  const verdict = checkFile(content, {
    records,
    properties: propertyCatalogue(),
    units: createUnitConverter({ entriesMax: 1000 }),
    zones: createZones(),
    codecs: new Set(['senml-json', 'csv-row']),
    tokenIds: new Set(),
    entriesMax: 1000,
  });
  return verdict.ok ? [] : verdict.problems.map(({ pointer, code }) => `${pointer} ${code}`);
}

describe('an entry of wrong form', () => {
  it.each([
    ['owners', { kind: 'king', parent: 'nobody' }, ['kind', 'parent']],
    ['stations', { latitude: 91, owner: 'nobody' }, ['latitude', 'owner']],
    ['stations', { class: 'x', timeZone: 'Asia/Nowhere' }, ['class', 'timeZone']],
    [
      'stations',
      { longitude: 200, administrative: [{ province: '00', from: '2020-01-01' }] },
      ['longitude', 'administrative/0/province'],
    ],
    ['datastreams', { intervalMs: 0, property: 'charm' }, ['intervalMs', 'property']],
    ['datastreams', { slug: '', station: 'nowhere' }, ['slug', 'station']],
    ['devices', { extra: 1, codec: 'xml', owner: 'nobody' }, ['extra', 'codec', 'owner']],
    ['devices', { clientId: '', gateway: 'nothing' }, ['clientId', 'gateway']],
    ['deployments', { factor: 0, device: 'nothing' }, ['factor', 'device']],
    ['deployments', { offset: 'x', unit: 'furlong' }, ['offset', 'unit']],
    ['deployments', { serial: '', from: '2024-01-02', to: '2024-01-01' }, ['serial', 'to']],
    ['deployments', { channel: 1, datastream: 'nothing' }, ['channel', 'datastream']],
  ])('of %s hides nothing else that is wrong in it: %j', (list, change, wrong) => {
    const network = structuredClone(wholeNetwork()) as unknown as Record<string, object[]>;
    Object.assign(network[list]?.[0] ?? {}, change);
    const pointers = problemsIn(network).map((line) => line.split(' ')[0]);
    const found = pointers.filter((pointer) => pointer?.startsWith(`/${list}/0/`));
    expect(found).toHaveLength(wrong.length);
    expect(new Set(found)).toEqual(new Set(wrong.map((key) => `/${list}/0/${key}`)));
  });

  it('that changes what a datastream is says so too', () => {
    const { datastreams, stations } = wholeNetwork();
    const [first] = datastreams;
    const spoilt = { ...first, intervalMs: 0, aggregation: 'counter' };
    const part = { format: 'quantrac-registry/1', datastreams: [spoilt] };
    expect(
      problemsIn(part, {
        ...emptyRecords,
        datastream: new Map(datastreams.map((one) => [one.id, one])),
        station: new Map(stations.map((one) => [one.id, one])),
      }),
    ).toEqual([
      '/datastreams/0/intervalMs DEVICES_FILE_SHAPE',
      '/datastreams/0/aggregation DEVICES_IDENTITY_CHANGED',
    ]);
  });
});
