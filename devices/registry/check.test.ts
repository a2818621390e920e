import { describe, expect, it } from 'vitest';
import { createZones } from '../instant.ts';
import { propertyCatalogue } from '../properties/catalogue.ts';
import { createUnitConverter } from '../unit.ts';
import { checkFile } from './check.ts';
import type { CheckAgainst } from './checked.ts';
import { wholeNetwork } from './fixture.ts';
import { pointerOf } from './problems.ts';
import { deploymentKey, emptyRecords, type Records } from './records.ts';

const against: CheckAgainst = {
  records: emptyRecords,
  properties: propertyCatalogue(),
  units: createUnitConverter({ entriesMax: 1000 }),
  zones: createZones(),
  codecs: new Set(['senml-json', 'csv-row']),
  tokenIds: new Set(['token-1']),
  entriesMax: 1000,
};

/** The network as it stands in a registry. */
function recordsOf(network: ReturnType<typeof wholeNetwork>): Records {
  const byId = <Entry extends { readonly id: string }>(list: readonly Entry[]) =>
    new Map(list.map((entry) => [entry.id, entry]));
  return {
    owner: byId(network.owners),
    station: byId(network.stations),
    datastream: byId(network.datastreams),
    device: byId(network.devices),
    deployment: new Map(network.deployments.map((entry) => [deploymentKey(entry), entry])),
    recipient: byId(network.recipients),
    grant: byId(network.grants),
    ruledAt: 0,
  };
}

type Wrong = Record<string, unknown[]>;

/** Problems of the whole network after `change` has spoilt a copy of it, as `pointer code`. */
function problemsOf(
  change: (network: Record<string, Record<string, unknown>[]>) => void,
): string[] {
  const network = structuredClone(wholeNetwork()) as unknown as Record<
    string,
    Record<string, unknown>[]
  >;
  change(network);
  return problemsIn(network);
}

function problemsIn(content: unknown, also: Partial<CheckAgainst> = {}): string[] {
  const verdict = checkFile(content, { ...against, ...also });
  return verdict.ok ? [] : verdict.problems.map(({ pointer, code }) => `${pointer} ${code}`);
}

function spoil(list: string, index: number, change: Record<string, unknown>): string[] {
  return problemsOf((network) => Object.assign(network[list]?.[index] ?? {}, change));
}

function append(list: string, entry: Record<string, unknown>): string[] {
  return problemsOf((network) => network[list]?.push(entry));
}

describe('a right file', () => {
  it('has no problem', () => {
    expect(problemsIn(wholeNetwork())).toEqual([]);
  });

  it('may refer to what only the registry holds', () => {
    const { deployments } = wholeNetwork();
    const part = { format: 'quantrac-registry/1', deployments };
    expect(problemsIn(part)).not.toEqual([]);
    expect(problemsIn(part, { records: recordsOf(wholeNetwork()) })).toEqual([]);
  });

  it('may name any codec where the caller does not know the codecs', () => {
    const devices = [{ id: 'd', owner: 'ministry', codec: 'of-tomorrow' }];
    const part = { format: 'quantrac-registry/1', owners: wholeNetwork().owners, devices };
    expect(problemsIn(part, { codecs: undefined })).toEqual([]);
    expect(problemsIn(part)).toEqual(['/devices/0/codec DEVICES_CODEC_UNKNOWN']);
  });
});

describe('the form', () => {
  it.each([
    ['nothing', null],
    ['a list', []],
    ['a text', 'format'],
  ])('is not %s', (_what, content) => {
    expect(problemsIn(content)).toEqual([' DEVICES_FILE_SHAPE']);
  });

  it('names the format and the lists, and no other key', () => {
    expect(problemsIn({ format: 'quantrac-registry/2', station: [], owners: {} })).toEqual([
      '/format DEVICES_FILE_SHAPE',
      '/owners DEVICES_FILE_SHAPE',
      '/station DEVICES_FILE_SHAPE',
    ]);
  });

  it.each([
    ['owners', 0, { kind: 'king' }, '/owners/0/kind'],
    ['owners', 0, { name: { vi: 'a' } }, '/owners/0/name/en'],
    ['owners', 0, { name: { vi: '', en: 'a', fr: 'b' } }, '/owners/0/name/vi'],
    ['owners', 0, { id: 'có dấu' }, '/owners/0/id'],
    ['owners', 0, { id: '.hidden' }, '/owners/0/id'],
    ['owners', 0, { id: 'a'.repeat(65) }, '/owners/0/id'],
    ['owners', 0, { licence: 'a\u0000b' }, '/owners/0/licence'],
    ['owners', 0, { password: 'x' }, '/owners/0/password'],
    ['owners', 0, { 'a/b~c': 'x' }, '/owners/0/a~1b~0c'],
    ['stations', 0, { latitude: 91 }, '/stations/0/latitude'],
    ['stations', 0, { longitude: '108' }, '/stations/0/longitude'],
    ['stations', 0, { publicPrecisionMetres: 0 }, '/stations/0/publicPrecisionMetres'],
    ['stations', 0, { class: 'great' }, '/stations/0/class'],
    ['stations', 0, { visibility: 'secret' }, '/stations/0/visibility'],
    [
      'stations',
      0,
      { administrative: [{ province: 1, from: '2025-07-01' }] },
      '/stations/0/administrative/0/province',
    ],
    ['datastreams', 0, { intervalMs: 0 }, '/datastreams/0/intervalMs'],
    ['datastreams', 0, { intervalMs: 1000.5 }, '/datastreams/0/intervalMs'],
    ['datastreams', 0, { aggregation: 'median' }, '/datastreams/0/aggregation'],
    ['datastreams', 0, { slug: 'a/b' }, '/datastreams/0/slug'],
    ['devices', 0, { clientId: '' }, '/devices/0/clientId'],
    ['deployments', 0, { factor: 0 }, '/deployments/0/factor'],
    ['deployments', 0, { factor: null }, '/deployments/0/factor'],
    ['deployments', 0, { from: 1_700_000_000 }, '/deployments/0/from'],
    ['deployments', 0, { from: '2026-01-01T00:00:00' }, '/deployments/0/from'],
    ['deployments', 0, { from: '2026-02-30' }, '/deployments/0/from'],
    ['deployments', 0, { channel: '' }, '/deployments/0/channel'],
  ])('of %s %d with %j is wrong at its place', (list, index, change, pointer) => {
    expect(spoil(list, index, change)).toContain(`${pointer} DEVICES_FILE_SHAPE`);
  });

  it('accepts an id of any allowed characters and of every allowed length', () => {
    for (const id of ['a', '0', 'A.b_c-D', 'a'.repeat(64)]) {
      expect(append('owners', { id, name: { vi: 'x', en: 'x' }, kind: 'citizen' })).toEqual([]);
    }
  });

  it('has an upper bound of entries, named before any is read', () => {
    expect(problemsIn(wholeNetwork(), { entriesMax: 14 })).toEqual([' DEVICES_FILE_TOO_LARGE']);
  });
});

describe('references', () => {
  it.each([
    ['owners', 1, { parent: 'nobody' }, '/owners/1/parent'],
    ['stations', 0, { owner: 'nobody' }, '/stations/0/owner'],
    ['datastreams', 0, { station: 'nowhere' }, '/datastreams/0/station'],
    ['datastreams', 0, { property: 'happiness' }, '/datastreams/0/property'],
    ['devices', 0, { owner: 'nobody' }, '/devices/0/owner'],
    ['devices', 3, { gateway: 'nothing' }, '/devices/3/gateway'],
    ['deployments', 0, { device: 'nothing' }, '/deployments/0/device'],
    ['deployments', 0, { datastream: 'nothing' }, '/deployments/0/datastream'],
  ])('of %s %d to %j lead nowhere', (list, index, change, pointer) => {
    expect(spoil(list, index, change)).toEqual([`${pointer} DEVICES_REFERENCE_UNKNOWN`]);
  });

  it('to an entry in wrong form are not called unknown as well', () => {
    expect(spoil('owners', 0, { kind: 'king' })).toEqual(['/owners/0/kind DEVICES_FILE_SHAPE']);
  });

  it('do not lead back to themselves, straight or through others', () => {
    expect(spoil('owners', 0, { parent: 'ministry' })).toEqual([
      '/owners/0/parent DEVICES_REFERENCE_CYCLE',
    ]);
    expect(spoil('owners', 0, { parent: 'plant' })).toEqual([
      '/owners/0/parent DEVICES_REFERENCE_CYCLE',
      '/owners/1/parent DEVICES_REFERENCE_CYCLE',
    ]);
    expect(spoil('devices', 2, { gateway: 'probe' })).toEqual([
      '/devices/2/gateway DEVICES_REFERENCE_CYCLE',
      '/devices/3/gateway DEVICES_REFERENCE_CYCLE',
    ]);
  });
});

describe('names that must be one thing’s alone', () => {
  it('are ids', () => {
    expect(append('owners', wholeNetwork().owners[0] ?? {})).toEqual([
      '/owners/2/id DEVICES_ID_DUPLICATE',
    ]);
    expect(append('deployments', { ...wholeNetwork().deployments[1], unit: 'K' })).toEqual([
      '/deployments/4 DEVICES_ID_DUPLICATE',
    ]);
  });

  it('are ids of devices and tokens together', () => {
    expect(append('devices', { id: 'token-1', owner: 'plant' })).toEqual([
      '/devices/4/id DEVICES_ID_TAKEN',
    ]);
  });

  it('are client ids', () => {
    expect(spoil('devices', 1, { clientId: 'CR1000X_400' })).toEqual([
      '/devices/1/clientId DEVICES_ID_TAKEN',
    ]);
  });

  it('are client ids also beside those in the registry', () => {
    const devices = [{ id: 'other', owner: 'plant', clientId: 'CR1000X_400' }];
    const part = { format: 'quantrac-registry/1', devices };
    expect(problemsIn(part, { records: recordsOf(wholeNetwork()) })).toEqual([
      '/devices/0/clientId DEVICES_ID_TAKEN',
    ]);
  });

  it('are slugs in a station, given or by default, but not across stations', () => {
    expect(spoil('datastreams', 1, { slug: 'temperature' })).toEqual([
      '/datastreams/1/slug DEVICES_SLUG_DUPLICATE',
    ]);
    expect(append('datastreams', { ...wholeNetwork().datastreams[1], id: 'again' })).toEqual([
      '/datastreams/3 DEVICES_SLUG_DUPLICATE',
    ]);
    expect(spoil('datastreams', 2, { slug: 'temperature' })).toEqual([]);
  });
});

describe('what a datastream is', () => {
  it.each([
    ['station', 'outlet'],
    ['property', 'dew-point'],
    ['aggregation', 'max'],
  ])('does not change its %s', (key, value) => {
    const datastreams = [{ ...wholeNetwork().datastreams[0], [key]: value }];
    const part = { format: 'quantrac-registry/1', datastreams };
    expect(problemsIn(part, { records: recordsOf(wholeNetwork()) })).toEqual([
      `/datastreams/0/${key} DEVICES_IDENTITY_CHANGED`,
    ]);
  });

  it('may change how often it comes and who sees it', () => {
    const datastreams = [
      { ...wholeNetwork().datastreams[0], intervalMs: 60_000, visibility: 'internal' },
    ];
    const part = { format: 'quantrac-registry/1', datastreams };
    expect(problemsIn(part, { records: recordsOf(wholeNetwork()) })).toEqual([]);
  });
});

describe('places and periods', () => {
  it.each(['+07:00', 'Asia/Atlantis', 'GMT+7 '])('%j is not a time zone', (timeZone) => {
    expect(spoil('stations', 0, { timeZone })).toContain('/stations/0/timeZone DEVICES_TIME_ZONE');
  });

  it.each([
    [
      'a merged province after the merger',
      [{ province: '74', from: '2025-07-01' }],
      ['/0/province DEVICES_PROVINCE'],
    ],
    [
      'a merged province without an end',
      [{ province: '74', from: '2020-01-01' }],
      ['/0/province DEVICES_PROVINCE'],
    ],
    [
      'a number that never was a code',
      [{ province: '03', from: '2020-01-01', to: '2021-01-01' }],
      ['/0/province DEVICES_PROVINCE'],
    ],
    [
      'an end before the beginning',
      [{ province: '01', from: '2026-01-02', to: '2026-01-01' }],
      ['/0/to DEVICES_PERIOD'],
    ],
    [
      'two periods at once',
      [
        { province: '01', from: '2020-01-01' },
        { province: '01', from: '2021-01-01', to: '2022-01-01' },
      ],
      ['/1 DEVICES_PERIOD'],
    ],
    [
      'a merged province with its end',
      [
        { province: '74', from: '2020-01-01', to: '2025-07-01' },
        { province: '79', from: '2025-07-01' },
      ],
      [],
    ],
    ['a province abroad', [{ province: 'GB-LND', from: '2003-01-01' }], []],
  ])('judge %s', (_what, administrative, expected) => {
    expect(spoil('stations', 0, { administrative })).toEqual(
      expected.map((problem) => `/stations/0/administrative${problem}`),
    );
  });
});

describe('deployments', () => {
  it('convert to the property they serve', () => {
    expect(spoil('deployments', 0, { unit: 'mm' })).toEqual([
      '/deployments/0/unit DEVICES_UNIT_MISMATCH',
    ]);
    expect(spoil('deployments', 0, { unit: 'warm' })).toEqual([
      '/deployments/0/unit DEVICES_UNIT_UNKNOWN',
    ]);
    expect(spoil('deployments', 3, { unit: 'mg NH4/L' })).toEqual([
      '/deployments/3/unit DEVICES_UNIT_BASIS',
    ]);
  });

  it('do not end before they begin; an end at the beginning withdraws', () => {
    expect(spoil('deployments', 1, { to: '2020-01-01' })).toEqual([
      '/deployments/1/to DEVICES_PERIOD',
    ]);
    expect(spoil('deployments', 1, { to: wholeNetwork().deployments[1]?.from })).toEqual([]);
  });

  it('touch without overlapping: the end is exclusive', () => {
    expect(spoil('deployments', 0, { to: '2026-01-01T00:00:00.001+07:00' })).toEqual([
      '/deployments/1 DEVICES_DATASTREAM_OVERLAP',
    ]);
  });

  it('serve a datastream one at a time, also beside those in the registry', () => {
    const late = {
      device: 'probe',
      datastream: 'da-lat.temperature',
      channel: 't',
      from: '2030-01-01',
    };
    const early = { ...late, from: '2020-01-01' };
    const records = recordsOf(wholeNetwork());
    const overlaps = (deployment: object) =>
      problemsIn({ format: 'quantrac-registry/1', deployments: [deployment] }, { records });
    expect(overlaps(late)).toEqual(['/deployments/0 DEVICES_DATASTREAM_OVERLAP']);
    expect(overlaps(early)).toEqual([
      '/deployments/0 DEVICES_DATASTREAM_OVERLAP',
      '/deployments/0 DEVICES_DATASTREAM_OVERLAP',
    ]);
    expect(overlaps({ ...early, to: '2024-01-01' })).toEqual([]);
  });

  it('use a channel for one datastream at a time', () => {
    const deployments = [
      { device: 'logger-2', datastream: 'da-lat.pressure', channel: 'temp', from: '2027-01-01' },
    ];
    const records = recordsOf({
      ...wholeNetwork(),
      deployments: wholeNetwork().deployments.slice(0, 2),
    });
    const part = { format: 'quantrac-registry/1', deployments };
    expect(problemsIn(part, { records })).toEqual(['/deployments/0 DEVICES_CHANNEL_OVERLAP']);
  });

  it('are seen to overlap a long one that began before a short one ended', () => {
    const base = { device: 'logger-2', datastream: 'da-lat.pressure', channel: 'p' };
    const wrong: Wrong = {
      deployments: [
        { ...base, from: '2020-01-01', to: '2030-01-01' },
        { ...base, from: '2021-01-01', to: '2021-02-01', channel: 'q' },
        { ...base, from: '2029-01-01', channel: 'r' },
      ],
    };
    const records = { ...recordsOf(wholeNetwork()), deployment: new Map() };
    expect(problemsIn({ format: 'quantrac-registry/1', ...wrong }, { records })).toEqual([
      '/deployments/1 DEVICES_DATASTREAM_OVERLAP',
      '/deployments/2 DEVICES_DATASTREAM_OVERLAP',
    ]);
  });
});

describe('all problems', () => {
  it('are reported together, each at its place', () => {
    expect(
      problemsOf((network) => {
        Object.assign(network['owners']?.[0] ?? {}, { extra: 1, kind: 'king' });
        Object.assign(network['stations']?.[1] ?? {}, { timeZone: 'Mars', owner: 'nobody' });
        Object.assign(network['datastreams']?.[2] ?? {}, { property: 'x' });
        Object.assign(network['deployments']?.[0] ?? {}, { unit: 'mm', to: '2019-01-01' });
      }),
    ).toEqual([
      '/owners/0/kind DEVICES_FILE_SHAPE',
      '/owners/0/extra DEVICES_FILE_SHAPE',
      '/stations/1/owner DEVICES_REFERENCE_UNKNOWN',
      '/stations/1/timeZone DEVICES_TIME_ZONE',
      '/datastreams/2/property DEVICES_REFERENCE_UNKNOWN',
      '/deployments/0/unit DEVICES_UNIT_MISMATCH',
      '/deployments/0/to DEVICES_PERIOD',
    ]);
  });
});

describe('pointers', () => {
  it('escape as RFC 6901 says', () => {
    expect(pointerOf([])).toBe('');
    expect(pointerOf(['a/b', 0, 'm~n'])).toBe('/a~1b/0/m~0n');
  });
});
