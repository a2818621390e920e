import type { RegistryFile } from '../registry-file.ts';

/**
 * A small network for tests that uses every key of the registry file: two owners, two stations, a
 * gateway with a child, a replaced device, a calibrated channel and a foreign unit.
 */
const network: Required<RegistryFile> = {
  format: 'quantrac-registry/1',
  owners: [
    {
      id: 'ministry',
      name: { vi: 'Bộ Nông nghiệp và Môi trường', en: 'Ministry of Agriculture and Environment' },
      kind: 'state',
      code: 'G15',
    },
    {
      id: 'plant',
      name: { vi: 'Nhà máy giấy', en: 'Paper mill' },
      kind: 'enterprise',
      code: '0100100079',
      parent: 'ministry',
      licence: 'CC-BY-4.0',
      attribution: 'Paper mill, outlet 1',
      visibility: 'recipients',
      embargoUntil: '2199-07-01T00:00:00+07:00',
    },
  ],
  stations: [
    {
      id: 'da-lat',
      name: { vi: 'Trạm Đà Lạt', en: 'Da Lat' },
      owner: 'ministry',
      latitude: 11.94,
      longitude: 108.44,
      altitudeMetres: 1513,
      timeZone: 'Asia/Ho_Chi_Minh',
      class: 'reference',
      kind: 'weather',
      administrative: [
        { province: '68', commune: '24787', from: '2008-08-01', to: '2025-07-01' },
        { province: '68', from: '2025-07-01' },
      ],
    },
    {
      id: 'outlet',
      name: { vi: 'Cửa xả số 1', en: 'Outlet 1' },
      owner: 'plant',
      latitude: 21.3,
      longitude: 105.4,
      timeZone: 'Asia/Ho_Chi_Minh',
      class: 'enterprise',
      kind: 'waste-water',
      publicPrecisionMetres: 500,
      visibility: 'internal',
      licence: 'CC0-1.0',
      attribution: 'Outlet 1',
      embargoUntil: '2199-08-01T00:00:00Z',
    },
  ],
  datastreams: [
    {
      id: 'da-lat.temperature',
      station: 'da-lat',
      property: 'air-temperature',
      slug: 'temperature',
      aggregation: 'mean',
      intervalMs: 600_000,
      heightMetres: 2,
    },
    {
      id: 'da-lat.pressure',
      station: 'da-lat',
      property: 'air-pressure',
      aggregation: 'instant',
      intervalMs: 600_000,
    },
    {
      id: 'outlet.nitrate',
      station: 'outlet',
      property: 'nitrate',
      aggregation: 'mean',
      intervalMs: 300_000,
      visibility: 'open',
      licence: 'https://example.com/terms',
      attribution: 'Outlet 1, nitrate',
      embargoUntil: '2199-09-01T00:00:00.5+07:00',
    },
  ],
  devices: [
    { id: 'logger-1', owner: 'ministry', clientId: 'CR1000X_400', codec: 'senml-json' },
    { id: 'logger-2', owner: 'ministry' },
    { id: 'gateway', owner: 'plant' },
    { id: 'probe', owner: 'plant', gateway: 'gateway' },
  ],
  deployments: [
    {
      device: 'logger-1',
      datastream: 'da-lat.temperature',
      channel: 'AirTF_Avg',
      unit: 'degF',
      factor: 1.5,
      offset: -2,
      serial: 'HMP-1',
      from: '2024-01-01',
      to: '2026-01-01T00:00:00+07:00',
    },
    {
      device: 'logger-2',
      datastream: 'da-lat.temperature',
      channel: 'temp',
      from: '2026-01-01T00:00:00+07:00',
    },
    {
      device: 'logger-1',
      datastream: 'da-lat.pressure',
      channel: 'BP',
      unit: 'mbar',
      from: '2024-01-01',
    },
    {
      device: 'probe',
      datastream: 'outlet.nitrate',
      channel: 'NO3/N',
      unit: 'mg NO3/L',
      from: '2026-01-01T00:00:00Z',
    },
  ],
  recipients: [
    {
      id: 'health-institute',
      name: { vi: 'Viện Vệ sinh dịch tễ', en: 'Institute of Hygiene' },
      kind: 'research',
      parent: 'health-ministry',
    },
    {
      id: 'health-ministry',
      name: { vi: 'Bộ Y tế', en: 'Ministry of Health' },
      kind: 'ministry',
      contact: 'office@example.com',
    },
  ],
  grants: [
    {
      id: 'grant-1',
      recipient: 'health-institute',
      scope: { owners: ['plant'], stations: ['outlet'], properties: ['nitrate'] },
      purpose: 'Drinking water downstream',
      state: 'granted',
      requestedAt: '2025-12-01T00:00:00Z',
      requestedBy: 'token-0',
      deadlineAt: '2025-12-15T00:00:00Z',
      decidedAt: '2025-12-05T00:00:00Z',
      decidedBy: 'ann',
      reason: 'A lawful duty',
      from: '2198-01-01T00:00:00Z',
      until: '2199-01-01T00:00:00Z',
    },
    {
      id: 'request-2',
      applicant: { name: 'A firm', kind: 'enterprise', contact: 'office@example.com' },
      scope: { datastreams: ['whatever-it-is-called'] },
      purpose: 'To know',
      state: 'requested',
      requestedAt: '2025-12-02T00:00:00Z',
      requestedBy: 'anonymous',
      deadlineAt: '2199-12-16T00:00:00Z',
    },
  ],
};

/** A copy of it, to be changed at will. */
export function wholeNetwork(): Required<RegistryFile> {
  return structuredClone(network);
}
